"""Each load compared with the last published one: rows, columns, keys, months, money and words.

What cannot be right stops the run: too few rows kept, a source or a column that is empty, keys or money gone beyond
`plausibility`. What is suspicious but possible raises a warning. `health-assets run --accept` publishes a stopped load anyway.
Oddities within one load are in quality/load_oddities.py, unusual volumes and units in quality/anomalies.py.
"""

from datetime import date

from health_assets.quality.column_comparison import emptied_columns, money_gone, new_words, sparser_columns
from health_assets.quality.compared_load import Load
from health_assets.quality.kept_rows import emptied, too_few_kept
from health_assets.quality.key_comparison import changed_under_key, keys_gone, widely_changed
from health_assets.quality.load_expectations import (
    FILLED,
    KEPT,
    MONEY,
    MOSTLY_UNCHANGED,
    NOT_EMPTY,
    SPARSER,
    UNCHANGED,
    WORDS,
)
from health_assets.quality.month_comparison import rows_gone_by_month
from health_assets.settings import Settings
from health_assets.tables import Table
from health_assets.warehouse.published_load import compared_by_key
from health_assets.warehouse.storage import Warehouse


def compare_with_last_published(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """The failed expectations, each with the earlier state, the current one, samples, and the setting that helps."""
    load = Load(table, warehouse.cursor(), warehouse, as_of, settings)
    found = {KEPT.name: too_few_kept(load), NOT_EMPTY.name: emptied(load)}
    if load.before and load.rows:
        found |= {FILLED.name: emptied_columns(load), SPARSER.name: sparser_columns(load), MONEY.name: money_gone(load)}
        if compared_by_key(table):
            found[WORDS.name] = new_words(load)
        if load.has_keys:
            found |= {**keys_gone(load), UNCHANGED.name: changed_under_key(load)}
            found[MOSTLY_UNCHANGED.name] = widely_changed(load)
        else:
            found |= rows_gone_by_month(load)
    return {name: words for name, words in found.items() if words}
