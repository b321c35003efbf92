"""Names and words of other languages and systems, and what they are called here."""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import yaml

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "å": "a", "ł": "l"})
ZONE = re.compile(r"[(\[_ ]([A-Z]{2,4})[)\]]?$")
LONG = 6  # letters from which on a name counts when it is part of a longer one
EXACT, KNOWN, PART = 1.0, 0.9, 0.5


def keys_of(name: str) -> set[str]:
    """A name in lower case, without accents and punctuation; an umlaut as one letter and as two."""
    lower = name.strip().lower()
    plain = unicodedata.normalize("NFKD", lower).encode("ascii", "ignore").decode()
    return {re.sub(r"[^a-z0-9]", "", variant) for variant in (lower.translate(UMLAUTS), plain)} - {""}


def zone_of(column: str) -> str | None:
    """The time zone that the name of a column ends with."""
    found = ZONE.search(column)
    return _known()["zones"].get(found[1]) if found else None


def name_score(theirs: str, source: str, ours: str) -> float:
    """How likely the name of a column means one of ours, 0-1."""
    keys = keys_of(ZONE.sub("", theirs) if zone_of(theirs) else theirs.rpartition(".")[2]) | keys_of(theirs)
    others = list(_known()["columns"].get(source, {}).get(ours, []))
    if ours == "account_id" and source != "accounts":
        others += _known()["account"]
    own = keys_of(ours)
    if keys & own:
        return EXACT
    for place, other in enumerate(others):
        if other in keys:
            return KNOWN - 0.002 * place
    long = [other for other in (*own, *others) if len(other) >= LONG]
    return PART if any(other in key for other in long for key in keys) else 0.0


def file_score(name: str, source: str) -> float:
    """How much of the name of a file speaks for a source, 0-1."""
    keys = keys_of(re.sub(r"\d+", "", name))
    others = (*keys_of(source), *_known()["files"].get(source, ()))
    return max((len(other) / len(key) for key in keys for other in others if other in key), default=0.0)


def word_of(column: str, theirs: str, ours: list[str]) -> str | None:
    """Our word for one of theirs in another language."""
    keys = keys_of(theirs)
    known = _known()["words"].get(column, {})
    return next((word for word in ours if keys & set(known.get(word, ()))), None)


def interval_of(theirs: str) -> str | None:
    """The interval that a word of another language means."""
    keys = keys_of(theirs)
    return next((word for word, others in _known()["intervals"].items() if keys & set(others)), None)


@cache
def _known() -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "synonyms.yml").read_text(encoding="utf-8"))
    return known
