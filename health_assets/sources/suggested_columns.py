"""Which column of a file is probably one of ours under another name."""

import re
from collections.abc import Collection, Sequence

from health_assets.settings.suggestions import did_you_mean, nearest

ENTITIES = {  # what other systems call the things that our keys refer to
    name: set(words.split())
    for name, words in {
        "account": "account customer client company organization organisation org tenant workspace team buyer",
        "user": "user member person contact visitor actor",
        "ticket": "ticket case issue conversation request",
        "subscription": "subscription contract plan",
        "order": "order purchase transaction",
        "item": "item task job case",
        "incident": "incident alert case",
        "invoice": "invoice bill",
        "payment": "payment",
        "response": "response survey answer",
        "device": "device",
    }.items()
}
KEY_WORDS = {"id", "key", "uuid", "guid", "number", "no", "nr", "ref", "reference", "code", "name"}


def column_meant(ours: str, theirs: Collection[str], *, is_own_key: bool = False) -> str | None:
    """The column of a file that is probably ours; for a key only one that names the same thing, or `id` for the row's own.

    Args:
        ours: the column that the file lacks.
        theirs: columns of the file that are not read.
        is_own_key: whether ours is the key of the row itself.
    """
    if not ours.endswith("_id"):
        return nearest(ours, [name for name in theirs if words_of(name)[-1:] != ["id"]])
    entity = ours.removesuffix("_id").split("_")[-1]
    called = ENTITIES.get(entity, {entity})
    found = {name: words_of(name) for name in theirs}
    keys = [name for name, words in found.items() if called & set(words) and KEY_WORDS & {*words}]
    keys += [name for name, words in found.items() if called & set(words) and len(words) == 1]
    keys += [name for name, words in found.items() if is_own_key and set(words) <= KEY_WORDS - {"name", "code"}]
    return min(keys, key=lambda name: ("id" not in found[name], len(found[name]), name)) if keys else None


def did_you_mean_column(ours: str, unread: Sequence[str], header: Sequence[str], *, is_own_key: bool = False) -> str:
    """`; did you mean 'customer_id'?`, else the columns that the file has."""
    if meant := column_meant(ours, unread, is_own_key=is_own_key):
        return f"; did you mean {meant!r}?"
    return did_you_mean("", header, "it has")


def words_of(name: str) -> list[str]:
    """The words of a column's name, lower case: `AccountId`, `account-id` and `Account ID` have the same."""
    return re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
