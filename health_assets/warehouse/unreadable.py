"""The values of a staged table that had to become null, in words."""

from health_assets.tables import Table
from health_assets.warehouse.quarantined import UNREADABLE
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

WORDS_SHOWN, SAMPLES_SHOWN = 10, 3


def unreadable_words(warehouse: Warehouse, table: Table) -> str:
    """The most frequent first, each with its column, the number of rows and samples of their places; blank if there are none."""
    found = (
        warehouse.cursor()
        .execute(
            "select column_name, word, sum(row_count)::bigint as row_count, flatten(list(samples order by month)) "
            f"from {UNREADABLE} where relation = {literal(table.relation)} "
            "group by all order by row_count desc, column_name, word"
        )
        .fetchall()
    )
    more = [f"and {len(found) - WORDS_SHOWN} more words"] if len(found) > WORDS_SHOWN + 1 else []
    described = (
        f"{column} {word!r} in {rows:,} row{'' if rows == 1 else 's'} ({', '.join(places[:SAMPLES_SHOWN])})"
        for column, word, rows, places in (found[:WORDS_SHOWN] if more else found)
    )
    return "; ".join([*described, *more])
