"""What is expected of a load against the one that was published last; how it is compared is in load_comparison.py."""

from health_assets.contracts.contract import WARN, Contract, Expectation, available_from, meta
from health_assets.tables import Table
from health_assets.warehouse.published_load import compared_by_key

KEPT = Expectation(
    "rows__mostly_kept",
    "rule",
    (),
    description="The share of rows that sources.<source>.rows_kept asks for could be kept. The reasons of the quarantined "
    "rows say which column cannot be read; describe it with columns, values, keys, date_format or scale of the source",
)
NOT_EMPTY = Expectation(
    "rows__not_gone", "rule", (), description="A source that had rows still has some, and accounts always has"
)
FILLED = Expectation(
    "columns__still_filled", "rule", (), description="No column that was filled in the last published load is empty now"
)
KEYS = Expectation(
    "keys__not_gone",
    "rule",
    (),
    description="No more than plausibility.keys_gone of the keys of the last published load are missing now",
)
FEWER_KEYS = Expectation(
    "keys__still_there",
    "rule",
    (),
    severity=WARN,
    description="No key of the last published load is missing now: records are corrected, rarely deleted",
)
MONTHS = Expectation(
    "months__not_gone",
    "rule",
    (),
    description="Rows without a stable key are counted by month: no more than plausibility.keys_gone of the rows of the last "
    "published load, or of those of its last two months, are missing from their months",
)
FEWER_IN_MONTHS = Expectation(
    "months__still_full",
    "rule",
    (),
    severity=WARN,
    description="Rows without a stable key are counted by month: no month has fewer rows than in the last published load",
)
SETTINGS_CHANGED = Expectation(
    "settings__unchanged",
    "rule",
    (),
    severity=WARN,
    description="The settings of the source are those of the last published load. Where they have changed, what would stop "
    "the load as implausible is expected, and is reported here",
)
MONEY = Expectation(
    "money__not_gone",
    "rule",
    (),
    description="No sum of money has fallen by more than plausibility.money_gone since the last published load",
)
SPARSER = Expectation(
    "columns__filled_as_before",
    "rule",
    (),
    severity=WARN,
    description="No column is filled in a share of rows that is lower by more than plausibility.filled_drop",
)
UNCHANGED = Expectation(
    "values__unchanged_under_their_key",
    "rule",
    (),
    severity=WARN,
    description="Amounts, accounts and first dates of a record do not change; where they do it is taken as a correction",
)
MOSTLY_UNCHANGED = Expectation(
    "values__mostly_unchanged",
    "rule",
    (),
    severity=WARN,
    description="In no column do more than plausibility.values_changed of the records have another value than in the last "
    "published load: words may be exchanged, true and false inverted, or a column sorted apart from its rows",
)
WORDS = Expectation(
    "words__seen_before",
    "rule",
    (),
    severity=WARN,
    description="Columns with few distinct words have none that is new: each was in the last published load or is a word of the contract",
)


def comparison_expectations(table: Table) -> list[Expectation]:
    """What is expected of a load; by key and word only where rows are few enough for that."""
    by_key = [KEYS, FEWER_KEYS, UNCHANGED, MOSTLY_UNCHANGED, WORDS] if compared_by_key(table) else []
    by_month = [MONTHS, FEWER_IN_MONTHS] if available_from(table.contract) else []
    money = [MONEY] if money_of(table.contract) else []
    return [KEPT, NOT_EMPTY, SETTINGS_CHANGED, FILLED, SPARSER, *money, *by_key, *by_month]


def money_of(contract: type[Contract]) -> list[str]:
    """The columns that are amounts of money."""
    return [name for name, column in contract.columns().items() if meta(column, "money")]
