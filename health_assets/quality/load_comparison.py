"""Each load compared with the last published one: rows, columns, keys, money and words.

What cannot be right stops the run: too few rows kept, a source or a column that is empty, keys or money gone beyond
`plausibility`. What is suspicious but possible raises a warning. `health-assets run --accept` publishes a stopped load anyway.
Oddities within one load are in quality/load_oddities.py, unusual volumes and units in quality/anomalies.py.
"""

import difflib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import duckdb

from health_assets.contracts.contract import available_from, dtypes, meta, vocabularies
from health_assets.quality.load_expectations import (
    FEWER_KEYS,
    FILLED,
    KEPT,
    KEYS,
    MONEY,
    NOT_EMPTY,
    SPARSER,
    UNCHANGED,
    WORDS,
    money_of,
)
from health_assets.settings import Settings
from health_assets.sources.advice import example_of, said_counts
from health_assets.sources.columns import given_columns
from health_assets.sources.quarantine import SUPERSEDED, UNKNOWN_CURRENCY
from health_assets.sources.readers import made_keys, unknown_columns
from health_assets.tables import TABLES, Table
from health_assets.warehouse.published_load import compared_by_key, described, keys_of
from health_assets.warehouse.quarantined import declared_versions, load_counts, quarantine_reasons, unknown_words
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

SAMPLES = 3
PRICES = {"mrr_amount", "amount", "unit_amount", "discount_amount"}  # of subscriptions
NAMES = {"company_name", "account_owner", "owner"}  # of people and companies, where new values are normal

REMEDIES = {  # of rows that could not be kept, by what their reasons contain
    SUPERSEDED: "if rows of one key are versions, set sources.{source}.duplicates: newest, if they are lines, sum",
    "__not_null": "if rows without it are no records, leave them out with sources.{source}.where",
    UNKNOWN_CURRENCY: "give the rates of their currencies in fx_rates",
}


def compare_with_last_published(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """The failed expectations, each with the earlier state, the current one, samples, and the setting that helps."""
    load = _Load(table, warehouse.connection.cursor(), warehouse, as_of, settings)
    found = {KEPT.name: load.too_few_kept(), NOT_EMPTY.name: load.emptied()}
    if load.before and load.rows:
        found |= {FILLED.name: load.emptied_columns(), SPARSER.name: load.sparser_columns()}
        found |= {MONEY.name: load.money_gone()}
        if compared_by_key(table) and load.has_keys:
            found |= {**load.keys_gone(), UNCHANGED.name: load.changed_under_key()}
        if compared_by_key(table):
            found |= {WORDS.name: load.new_words()}
    return {name: words for name, words in found.items() if words}


@dataclass(frozen=True)
class _Load:
    """A staged table that was just written, and its last published load."""

    table: Table
    cursor: duckdb.DuckDBPyConnection
    warehouse: Warehouse
    as_of: date
    settings: Settings

    @property
    def source(self) -> str:
        return self.table.name.removeprefix("staged_")

    @cached_property
    def now(self) -> dict[str, dict[str, Any]]:
        return {row["column_name"]: row for row in described(self.cursor, self.table, self.as_of).to_dicts()}

    @cached_property
    def before(self) -> dict[str, dict[str, Any]]:
        """Column -> its description; empty if the source was not connected or had no row."""
        query = f"from loads.columns where relation = {literal(self.table.relation)} and row_count > 0"
        return {row["column_name"]: row for row in self.cursor.sql(query).pl().to_dicts()}

    @cached_property
    def rows(self) -> int:
        return self.warehouse.row_count(self.table.relation)

    @cached_property
    def has_keys(self) -> bool:
        """Whether the file has stable keys: neither a hash of the row, nor one per daily snapshot."""
        raw = TABLES.get(f"raw_{self.source}")
        is_made = raw is not None and raw.rows is not None and made_keys(self.source, raw.rows, self.settings)
        return (
            bool(self._columns_by_key)
            and not is_made
            and available_from(self.table.contract) not in self.table.contract.primary_key()
        )

    @cached_property
    def given(self) -> list[str]:
        """The columns that come from files."""
        raw = TABLES.get(f"raw_{self.source}")
        ours = list(dtypes(self.table.contract))
        return [name for name in ours if name in given_columns(raw.rows)] if raw and raw.rows else ours

    @property
    def since(self) -> str:
        return f"since the load published as of {next(iter(self.before.values()))['as_of_date']}"

    def too_few_kept(self) -> str:
        loaded = load_counts(self.cursor, self.table)
        spelling = self.settings.sources.get(self.source)
        versions = declared_versions(self.cursor, self.table, spelling)
        kept, rows = loaded["rows_kept"], loaded["rows_kept"] + loaded["rows_quarantined"] - versions
        wanted = spelling.rows_kept if spelling else 0.0
        if not rows or (kept and kept >= wanted * rows):
            return ""
        reasons = quarantine_reasons(self.cursor, self.table)
        remedies = "".join(
            f"{remedy.format(source=self.source)}; "
            for reason, remedy in REMEDIES.items()
            if reason in reasons and not (reason == SUPERSEDED and versions)
        )
        return (
            f"{kept:,} of {rows:,} rows kept ({reasons}); {remedies}{self._unknown_words()}if that is correct, "
            f"lower sources.{self.source}.rows_kept (now {wanted:g})"
        )

    def _unknown_words(self) -> str:
        said = ""
        for name, vocabulary in vocabularies(self.table.contract).items():
            if words := unknown_words(self.cursor, self.table, name):
                advice = example_of(self.source, name, words[0][0], vocabulary.words)
                said += f"{name} has words that are not known: {said_counts(words)}; {advice}; "
        return said

    def emptied(self) -> str:
        if self.rows or load_counts(self.cursor, self.table)["rows_quarantined"]:
            return ""
        if self.before:
            rows = next(iter(self.before.values()))["row_count"]
            return f"no rows; the load published as of {self._last_day} had {rows:,}"
        return "no rows: without accounts nothing can be reported" if self.source == "accounts" else ""

    @property
    def _last_day(self) -> date:
        day: date = next(iter(self.before.values()))["as_of_date"]
        return day

    def emptied_columns(self) -> str:
        emptied = [
            name
            for name in self.given
            if name in self.before and self.before[name]["filled"] and not self.now[name]["filled"]
        ]
        return "; ".join(self._emptied(name) for name in emptied[:SAMPLES]) + _more(emptied)

    def _emptied(self, name: str) -> str:
        before, unread = self.before[name], self._unread_columns()
        said = f"{name} was filled in {before['filled']:,} of {before['row_count']:,} rows and is now filled in none of {self.rows:,}"
        if samples := self._values_before(name):
            said += f" (before: {samples})"
        if not unread:
            return said
        near = difflib.get_close_matches(name, unread, n=1, cutoff=0.4)
        if near:
            remedy = f"if that is the column, set sources.{self.source}.columns: {{{near[0]}: {name}}}"
            return f"{said}; the file has {near[0]!r}, which is not read; {remedy}"
        return f"{said}; unread columns of the file: {', '.join(unread)}"

    def _unread_columns(self) -> list[str]:
        raw = TABLES.get(f"raw_{self.source}")
        if raw is None or raw.rows is None:
            return []
        unread = unknown_columns(self.source, raw.rows, self.settings).values()
        return sorted({column for columns in unread for column in columns})

    def _values_before(self, name: str) -> str:
        if not self.has_keys or name not in self._columns_by_key:
            return ""
        key = self.table.contract.primary_key()[0]
        rows = self.cursor.execute(
            f"select {key}, {name} from {keys_of(self.table)} where {name} is not null order by {key} limit {SAMPLES}"
        ).fetchall()
        return ", ".join(f"{value} of {row}" for row, value in rows)

    @cached_property
    def _columns_by_key(self) -> set[str]:
        rows = self.cursor.execute(
            "select column_name from duckdb_columns() where database_name = current_database() "
            f"and schema_name || '.' || table_name = {literal(keys_of(self.table))}"
        )
        return {name for (name,) in rows.fetchall()}

    def sparser_columns(self) -> str:
        sparser = []
        for name in self.given:
            if name not in self.before or not self.now[name]["filled"]:
                continue
            shares = [row["filled"] / row["row_count"] for row in (self.before[name], self.now[name])]
            if shares[0] - shares[1] > self.settings.plausibility.filled_drop:
                sparser.append(f"{name} is filled in {shares[1]:.0%} of the rows, previously {shares[0]:.0%}")
        return "; ".join(sparser[:SAMPLES]) + _more(sparser)

    def money_gone(self) -> str:
        gone = []
        for name in money_of(self.table.contract):
            before, now = (row.get(name, {}).get("total") or 0.0 for row in (self.before, self.now))
            if before > 0 and now < before * (1 - self.settings.plausibility.money_gone):
                gone.append(f"{name}: the sum is {now:,.2f}, previously {before:,.2f}")
        if not gone:
            return ""
        limit = self.settings.plausibility.money_gone
        return f"{'; '.join(gone)}; if that is correct, raise plausibility.money_gone ({limit:g})"

    def keys_gone(self) -> dict[str, str]:
        """What is said of missing keys: a warning of a few, a stop beyond plausibility.keys_gone."""
        key, limits = self.table.contract.primary_key(), self.settings.plausibility
        gone = f"from {keys_of(self.table)} anti join {self.table.relation} using ({', '.join(key)})"
        (count,), (of,) = self._one(f"select count(*) {gone}"), self._one(f"select count(*) from {keys_of(self.table)}")
        if not count:
            return {}
        samples = self.cursor.execute(f"select {key[0]} {gone} order by 1 limit {SAMPLES}").fetchall()
        said = f"{count:,} of {of:,} {key[0]}s are gone {self.since}, e.g. {', '.join(str(one) for (one,) in samples)}"
        for name in money_of(self.table.contract):
            (amount,), total = self._one(f"select coalesce(sum({name}), 0) {gone}"), self.before[name]["total"] or 0
            said += f", with {amount:,.2f} of {total:,.2f} {name}" if amount else ""
        if count < limits.min_keys_gone or count <= limits.keys_gone * of:
            return {FEWER_KEYS.name: said}
        return {KEYS.name: f"{said}; if that is correct, raise plausibility.keys_gone ({limits.keys_gone:g})"}

    def changed_under_key(self) -> str:
        contract = self.table.contract
        columns = [
            name
            for name, column in contract.columns().items()
            if name in self._columns_by_key
            and name in self.given
            and (meta(column, "money") or meta(column, "references") or meta(column, "available_from"))
            and name not in contract.primary_key()
        ]
        changed = [self._changed(name) for name in columns if not self._takes_changes(name)]
        return "; ".join(said for said in changed if said)

    def _takes_changes(self, name: str) -> bool:
        """Whether the settings say that a changed price is a new one."""
        spelling = self.settings.sources.get(self.source)
        return name in PRICES and getattr(spelling, "changes", None) == "new_period"

    def _changed(self, name: str) -> str:
        key, is_money = self.table.contract.primary_key(), meta(self.table.contract.columns()[name], "money")
        differs = f"abs(now.{name} - before.{name}) >= 0.005" if is_money else f"now.{name} <> before.{name}"
        pairs = f"from {keys_of(self.table)} as before join {self.table.relation} as now using ({', '.join(key)}) where {differs}"
        count, *sums = self._one(
            f"select count(*), {f'sum(before.{name}), sum(now.{name})' if is_money else 'null, null'} {pairs}"
        )
        if not count:
            return ""
        samples = self.cursor.execute(
            f"select {key[0]}, before.{name}, now.{name} {pairs} order by 1 limit {SAMPLES}"
        ).fetchall()
        shown = ", ".join(f"{row} {before} -> {now}" for row, before, now in samples)
        summed = f", in total {sums[0]:,.2f} -> {sums[1]:,.2f}" if is_money else ""
        said = f"{name} changed in {count:,} record{'s' if count > 1 else ''} {self.since}{summed} ({shown})"
        if name in PRICES:
            said += f"; if these are new prices, not corrections, set sources.{self.source}.changes: new_period"
        return said

    def new_words(self) -> str:
        new = []
        for name, before in self.before.items():
            if name in NAMES or not before["words"] or name not in self.now:
                continue
            words = sorted(set(self.now[name]["words"] or []) - set(before["words"]) - self._ours(name))
            if words:
                new.append(f"{name}: {', '.join(words[:SAMPLES])}{_more(words)}, never seen before")
        if not new:
            return ""
        return "; ".join(new) + f"; if it is another spelling, map it in sources.{self.source}.values"

    def _ours(self, name: str) -> set[str]:
        """The words of a column that its contract knows: each of them may come at any time."""
        column = self.table.contract.columns().get(name)
        known = vocabularies(self.table.contract).get(name)
        return {*getattr(column, "categories", ()), *(known.words if known else ())}

    def _one(self, query: str) -> tuple[Any, ...]:
        return self.cursor.execute(query).fetchone() or ()


def _more(found: list[str]) -> str:
    return f" and {len(found) - SAMPLES} more" if len(found) > SAMPLES else ""
