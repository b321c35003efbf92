"""Accounts and users that were erased: who they are is kept as salted hashes, and none of their rows is loaded again.

The list lies next to the warehouse. A source is read without the rows of those that it names; what is kept of them, under a
pseudonym and for the totals of past months, lies in files of its own that are read along. Who is erased, and from where, is
in orchestration/erasure.py.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from health_assets.settings import Settings
from health_assets.sources.account_keys import keys_of, keys_of_accounts, with_our_accounts
from health_assets.sources.formats import SourceError
from health_assets.sources.parsing import TEXT, by_description, respelled

Kind = Literal["account", "user"]
KEYS: dict[str, Kind] = {"account_id": "account", "user_id": "user"}  # columns that say whose a row is
REFERENCES: dict[str, Kind] = {"parent_account_id": "account"}  # columns that name another account
PARENTS = {"device_readings": ("devices", "device_id"), "outcomes": ("workflow_items", "item_id")}
CELLS = re.compile(r"[,;\t|\"'{}\[\]:\r\n]+")  # what may separate the values of a row that cannot be split into columns
HASH_CHARACTERS = 32


@dataclass(frozen=True)
class Entry:
    """One account or user that was erased."""

    kind: Kind
    hash: str
    pseudonym: str
    is_kept: bool  # rows of past months stay under the pseudonym


@dataclass
class Erased:
    """The list. An empty one hides nothing."""

    salt: str = field(default_factory=lambda: secrets.token_hex(16))
    entries: list[Entry] = field(default_factory=list)
    _known: dict[tuple[str, str], Entry | None] = field(default_factory=dict)

    def hash_of(self, kind: Kind, key: str) -> str:
        """What stands for a key in the list."""
        return hmac.new(self.salt.encode(), f"{kind}:{key}".encode(), hashlib.sha256).hexdigest()[:HASH_CHARACTERS]

    def entry(self, kind: Kind, key: str) -> Entry | None:
        """The entry of an account or user; None for one that was not erased."""
        if (kind, key) not in self._known:
            wanted = self.hash_of(kind, key)
            self._known[kind, key] = next((one for one in self.entries if (one.kind, one.hash) == (kind, wanted)), None)
        return self._known[kind, key]

    def is_listed(self, keys: pl.Series, kind: Kind) -> pl.Series:
        """Of each key whether it is in the list."""
        listed = [key for key in keys.unique().drop_nulls() if self.entry(kind, key)]
        return keys.is_in(pl.Series(listed, dtype=pl.String).implode()).fill_null(value=False)

    def pseudonyms(self, keys: pl.Series, kind: Kind) -> pl.Series:
        """The keys, with a pseudonym in place of one that is in the list; null where no row of it is kept."""
        listed = {key: entry for key in keys.unique().drop_nulls() if (entry := self.entry(kind, key))}
        names = [entry.pseudonym if entry.is_kept else None for entry in listed.values()]
        return keys.replace(pl.Series(list(listed), dtype=pl.String), pl.Series(names, dtype=pl.String))

    def names_someone(self, texts: pl.Series) -> pl.Series:
        """Of each text whether one of its cells is a key in the list."""
        return pl.Series(
            [
                text is not None
                and any(
                    self.entry(kind, cell) for cell in map(str.strip, CELLS.split(text)) for kind in set(KEYS.values())
                )
                for text in texts
            ],
            dtype=pl.Boolean,
        )


def list_of(settings: Settings) -> Path:
    """The file of the list."""
    return settings.warehouse.with_name(f"{settings.warehouse.stem}.erased.json")


def kept_rows_of(settings: Settings) -> Path:
    """The folder of what is kept under pseudonyms."""
    return settings.warehouse.with_name(f"{settings.warehouse.stem}.erased")


def read_list(settings: Settings) -> Erased:
    """The list of a company; empty where nobody was erased.

    Raises:
        SourceError: the file cannot be read, so that erased rows would come back.
    """
    file = list_of(settings)
    if not file.exists():
        return Erased()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Erased(found["salt"], [Entry(**one) for one in found["entries"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{file}: the list of what was erased cannot be read ({error}); restore it from a backup. Without it erased rows "
            "would be loaded again"
        ) from None


def write_list(settings: Settings, erased: Erased) -> None:
    """Replace the file as a whole."""
    file = list_of(settings)
    unfinished = file.with_name(f".{file.name}")
    content = {"salt": erased.salt, "entries": [asdict(one) for one in erased.entries]}
    with unfinished.open("w", encoding="utf-8") as opened:
        json.dump(content, opened, indent=1)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(unfinished, file)


def accounts_now(settings: Settings) -> pl.Series:
    """The keys of all accounts as a load has them: without those that were erased, with the pseudonyms of what is kept."""
    known, erased = keys_of_accounts(settings), read_list(settings)
    kept = [one.pseudonym for one in erased.entries if one.kind == "account" and one.is_kept]
    others = known.filter(~erased.is_listed(known, "account"))
    return others.append(pl.Series(known.name, kept, pl.String)) if kept else others


def without_erased(rows: pl.LazyFrame, name: str, settings: Settings) -> pl.LazyFrame:
    """The rows of a source but for those of erased accounts and users; other rows that name them name a pseudonym."""
    erased = read_list(settings)
    if not erased.entries:
        return rows
    named = [column for column in REFERENCES if column in rows.collect_schema()]
    others = rows.filter(~of_erased(rows, name, settings, erased))
    keys = {column: key_of(others, column, name, settings) for column in named}
    listed = {
        column: key.map_batches(partial(erased.is_listed, kind=REFERENCES[column]), pl.Boolean, is_elementwise=True)
        for column, key in keys.items()
    }
    return others.with_columns(
        pl.when(listed[column])
        .then(key.map_batches(partial(erased.pseudonyms, kind=REFERENCES[column]), pl.String, is_elementwise=True))
        .otherwise(column)
        .alias(column)
        for column, key in keys.items()
    )


def of_erased(rows: pl.LazyFrame, name: str, settings: Settings, erased: Erased) -> pl.Expr:
    """Whether a row is that of an account or user in the list, by its own keys or those of its parent; a predicate."""
    schema = rows.collect_schema()
    found = [
        key_of(rows, column, name, settings).map_batches(
            partial(erased.is_listed, kind=kind), pl.Boolean, is_elementwise=True
        )
        for column, kind in KEYS.items()
        if column in schema
    ]
    if name in PARENTS and PARENTS[name][0] in settings.sources:
        parent, key = PARENTS[name]
        parents = with_our_accounts(keys_of(parent, [key, "account_id"], settings), parent, settings)
        is_listed = pl.col("account_id").map_batches(partial(erased.is_listed, kind="account"), pl.Boolean)
        found.append(key_of(rows, key, name, settings).is_in(parents.filter(is_listed).collect()[key].implode()))
    if TEXT in schema:
        text = pl.col(TEXT).map_batches(erased.names_someone, pl.Boolean, is_elementwise=True)
        found.append(pl.when(pl.col(TEXT).is_not_null()).then(text).otherwise(pl.lit(value=False)))
    return pl.any_horizontal(pl.lit(value=False), *(one.fill_null(value=False) for one in found))


def kept_rows(name: str, settings: Settings, only: list[str] | None) -> list[pl.LazyFrame]:
    """What is kept of erased accounts and users in a source, each in a frame with the columns of its raw contract."""
    kept = {one.pseudonym for one in read_list(settings).entries if one.is_kept}
    files = sorted(kept_rows_of(settings).glob(f"{name}.*.parquet")) if kept else []
    pseudonyms = {file: file.name.removeprefix(f"{name}.").removesuffix(".parquet") for file in files}
    return [
        pl.scan_parquet(file)
        for file, pseudonym in pseudonyms.items()
        if pseudonym in kept and (only is None or label_of(pseudonym) in only)
    ]


def label_of(pseudonym: str) -> str:
    """How the file of kept rows is named in tables."""
    return f"erased/{pseudonym}"


def key_of(rows: pl.LazyFrame, column: str, name: str, settings: Settings) -> pl.Expr:
    """A key of the rows of a source as the staged table has it."""
    dtype = rows.collect_schema()[column]
    spelled = by_description(settings.sources.get(name), lambda one: respelled(column, dtype, one))
    return spelled.cast(pl.String)
