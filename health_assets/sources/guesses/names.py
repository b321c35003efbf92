"""Names and words of other languages and systems, and what they are called here."""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from health_assets.sources.suggested_columns import ENTITIES, words_of

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "å": "a", "ł": "l"})
ZONE = re.compile(r"[(\[_ ]([A-Z]{2,4})[)\]]?$")
INCLUDED = re.compile(r"\b(inc|incl|including)\.?[ _-]+\w+", re.IGNORECASE)  # a total that includes a tax is still one
IN_CENTS = re.compile(r"[ _-]?(?:in[ _-]?)?(?:cents|pence|minor)$|(?<=[a-z])(?:In)?Cents$", re.IGNORECASE)
REMARK = re.compile(
    r"\s*[(\[][^()\[\]]*[)\]]$|[ _-](?:EUR|USD|GBP|CHF|CAD|AUD|JPY|SEK|NOK|DKK|PLN|INR)$"
)  # `Amount (USD)`, `Betrag CHF`
UNITS = {  # in the name of a duration -> the unit of the settings
    "s": re.compile(r"\b(?:seconds?|secs?|sekunden|secondes|s)\b|seconds?$", re.IGNORECASE),
    "ms": re.compile(r"\b(?:milliseconds?|ms)\b", re.IGNORECASE),
    "minutes": re.compile(r"\b(?:minutes?|mins?|minuten)\b|minutes$", re.IGNORECASE),
    "hours": re.compile(r"\b(?:hours?|hrs?|stunden|heures|h)\b|hours?$", re.IGNORECASE),
}
UNIT_WORDS = re.compile(r"(?:inminutes|inseconds|inhours|minutes|seconds|hours|minuten|stunden|secs?|mins?|hrs?)$")
LONG = 6  # letters from which on a name counts when it is part of a longer one
EXACT, KNOWN, PART = 1.0, 0.9, 0.5
PLACE = 0.001  # by which each further name of ours is less certain
DEEP = 0.0005  # by which a name is less certain for each level that it is nested
QUALIFIED = 0.05  # by which a name is less certain that says first of what it is: `Account: Name`, `Ticket status`
QUALIFIER = re.compile(r"^.*(?:\.|: | - )")
THING = {
    "accounts": "account",
    "subscriptions": "subscription",
    "support_tickets": "ticket",
    "users": "user",
    "orders": "order",
    "invoices": "invoice",
    "payments": "payment",
    "security_incidents": "incident",
    "feedback": "response",
    "devices": "device",
}


def keys_of(name: str) -> set[str]:
    """A name in lower case, without accents and punctuation; an umlaut as one letter and as two."""
    lower = name.strip().lower()
    plain = unicodedata.normalize("NFKD", lower).encode("ascii", "ignore").decode()
    return {re.sub(r"[^a-z0-9]", "", variant) for variant in (lower.translate(UMLAUTS), plain)} - {""}


def unit_of(column: str) -> str | None:
    """The unit of time that the name of a duration says: s, ms, minutes or hours."""
    spaced = re.sub(r"[_-]|(?<=[a-z])(?=[A-Z])", " ", column)
    return next((unit for unit, pattern in UNITS.items() if pattern.search(spaced)), None)


def zone_of(column: str) -> str | None:
    """The time zone that the name of a column ends with."""
    found = ZONE.search(column)
    return _known()["zones"].get(found[1]) if found else None


def name_score(theirs: str, source: str, ours: str) -> float:
    """How likely the name of a column means one of ours, 0-1."""
    whole = keys_of(ZONE.sub("", theirs) if zone_of(theirs) else theirs) | keys_of(theirs)
    for ending in (IN_CENTS, REMARK):
        shorter = ending.sub("", theirs)
        whole |= keys_of(shorter) if shorter != theirs and not _is_other(theirs, ours) else set()
    if ours.endswith("_hours"):  # a number of seconds must not be taken for hours
        if unit_of(theirs) is None:
            return 0.0
        whole |= {UNIT_WORDS.sub("", key) for key in whole}
    others = [*keys_of(ours), *_known()["columns"].get(source, {}).get(ours, [])]
    if ours == "account_id" and source != "accounts":
        others += _known()["account"]
    places = {other: place for place, other in reversed(list(enumerate(others)))}
    for keys, less in ((whole, 0.0), (_unqualified(theirs, source), QUALIFIED)):
        found = [places[key] for key in keys if key in places]
        if found:
            return (EXACT if min(found) == 0 else KNOWN - PLACE * min(found)) - less - DEEP * theirs.count(".")
    inner = re.split(r"\.(?=\S)", theirs)[-1]  # of what is nested; a point between words is none
    last = keys_of(inner)
    parts = [place for other, place in places.items() if len(other) >= LONG and any(other in key for key in last)]
    return PART - PLACE * min(parts) if parts and not _is_other(inner, ours) else 0.0


def _is_other(theirs: str, ours: str) -> bool:
    """Whether a name with ours as a part means something else: a refund, a tax or an exchange rate of what ours is."""
    whole = INCLUDED.sub("", theirs)
    return bool(set(words_of(whole)) & set(_known()["other_things"]) - set(words_of(ours)))


def _unqualified(theirs: str, source: str) -> set[str]:
    """The name without what it says first: the thing that each row is, or where the column is from.

    What is said of another thing keeps its name: `customers.id` of a subscription is `customer id`.
    """
    last = QUALIFIER.sub("", theirs)
    of = (words_of(theirs.removesuffix(last)) or [""])[-1].removesuffix("s")
    first, *others = words_of(last) or [""]
    own = ENTITIES.get(THING.get(source, ""), set())
    found = {"".join(others)} if others and first in own else set()
    if last == theirs:
        return found
    is_other = of not in own and any(of in called for called in ENTITIES.values())
    return found | ({of + key for key in keys_of(last)} if is_other and not others else keys_of(last))


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
