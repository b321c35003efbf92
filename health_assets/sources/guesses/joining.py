"""Which column of a source holds the keys of accounts, where the one that was taken does not."""

import polars as pl

from health_assets.settings import Settings
from health_assets.sources.account_keys import keys_of_accounts
from health_assets.sources.formats import files_of
from health_assets.sources.guesses.spelling import JOINED
from health_assets.sources.parsing import ROW
from health_assets.sources.readers import opened_rows

SAMPLED = 5_000  # rows


def column_with_keys(name: str, settings: Settings) -> str | None:
    """The column of a source whose values are mostly keys of accounts."""
    known = keys_of_accounts(settings)
    source = settings.sources[name]
    rows = opened_rows(files_of(name, source)[0], source).head(SAMPLED).collect()
    shares = {
        column: values.is_in(known.implode()).to_list().count(True) / len(values)
        for column, dtype in rows.schema.items()
        if column != ROW and not dtype.is_nested() and len(values := rows[column].cast(pl.String).drop_nulls())
    }
    best = max(shares, key=lambda column: shares[column], default=None)
    return best if best is not None and shares[best] >= JOINED else None
