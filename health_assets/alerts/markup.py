"""Text that a person reads in Slack or as plain text: links, bold, mentions, and names that cannot do harm.

Names, reasons and owners are a company's data: whatever they hold, they are shown as they are and nothing else happens.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from urllib.parse import quote

from health_assets.settings.alerts import Person

ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
LOOKALIKES = str.maketrans({"`": "'", "*": "∗", "~": "∼", "|": "∣"})  # that Slack does not read as markup
EMOJI_CODE = re.compile(r":(?=[\w+'-]+:)")
EDGE_UNDERSCORE = re.compile(r"(?<![\w])_|_(?![\w])")  # only there it makes text italic
URL_CHARACTERS = 500
ISOLATED = "⁨{}⁩"  # so that right-to-left text does not turn the rest of its line around


def one_line(text: str) -> str:
    """The text on one line, without control characters and marks that change the direction of what follows."""
    kept = "".join(character if _is_shown(character) else " " for character in text)
    return " ".join(kept.split())


def _is_shown(character: str) -> bool:
    category = unicodedata.category(character)
    return category not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or character == "\u200d"  # joins emoji


def _isolated(text: str) -> str:
    has_right_to_left = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)
    return ISOLATED.format(text) if has_right_to_left else text


def cut(text: str, limit: int) -> str:
    """The text on one line, at most `limit` characters long."""
    line = one_line(text[: 20 * limit])
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def clipped(text: str, limit: int) -> str:
    """As Slack's plain text: on one line, with `&`, `<` and `>` escaped, at most `limit` characters, no escape cut."""
    pieces: list[str] = []
    length = 0
    for character in cut(text, limit):
        piece = ESCAPES.get(character, character)
        if length + len(piece) > limit - 1:
            return "".join(pieces) + "…"
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


class Style(ABC):
    """How text is marked up."""

    @abstractmethod
    def words(self, text: str, limit: int) -> str:
        """Text of a company's data."""

    @abstractmethod
    def bold(self, text: str) -> str:
        """Marked-up text in bold."""

    @abstractmethod
    def link(self, label: str, url: str | None) -> str:
        """Marked-up text as a link, if there is an address."""

    @abstractmethod
    def person(self, name: str, people: Mapping[str, Person]) -> str:
        """An account owner."""


class Mrkdwn(Style):
    """Slack's mrkdwn."""

    def words(self, text: str, limit: int) -> str:
        """Escaped; what would be markup is replaced by characters that look alike."""
        plain = EMOJI_CODE.sub("∶", one_line(text[: 20 * limit]).translate(LOOKALIKES))
        return _isolated(clipped(EDGE_UNDERSCORE.sub("＿", plain), limit))

    def bold(self, text: str) -> str:
        """Between asterisks."""
        return f"*{text}*"

    def link(self, label: str, url: str | None) -> str:
        """Slack's form; the address cannot end it early."""
        return f"<{clipped(url, 2 * URL_CHARACTERS).replace('|', '%7C')}|{label}>" if url else label

    def person(self, name: str, people: Mapping[str, Person]) -> str:
        """A mention where the settings have the member ID."""
        known = people.get(name)
        return f"<@{known.slack}>" if known and known.slack else self.words(name, 100)


class PlainText(Style):
    """For e-mail and the terminal."""

    def words(self, text: str, limit: int) -> str:
        """On one line."""
        return _isolated(cut(text, limit))

    def bold(self, text: str) -> str:
        """Not marked."""
        return text

    def link(self, label: str, url: str | None) -> str:
        """The address in brackets."""
        return f"{label} ({url})" if url else label

    def person(self, name: str, people: Mapping[str, Person]) -> str:
        """The name."""
        return self.words(name, 100)


def account_url(pattern: str | None, account_id: str) -> str | None:
    """The page of an account, None if its address would be too long; an id cannot change another part of the address."""
    if not pattern:
        return None
    url = pattern.replace("{account_id}", quote(account_id, safe=""))
    return url if len(url) <= URL_CHARACTERS else None
