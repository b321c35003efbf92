"""A company's own metrics, parsed."""

import polars as pl

from health_assets.assets.staged.account_metrics import staged_account_metrics
from health_assets_tests.assets.rows import SETTINGS


def test_values_are_numbers_or_truths_and_names_are_spelled_one_way() -> None:
    given = pl.LazyFrame(
        {
            "account_id": ["A"] * 4,
            "as_of_date": ["2025-01-01"] * 4,
            "metric": ["Owner Rating", "is-reference", "seats", "notes"],
            "value": ["4.5", " Yes", "1,250", "good"],
            "source_file": ["f"] * 4,
            "source_row": [1, 2, 3, 4],
            "source_text": pl.Series([None] * 4, dtype=pl.String),
        }
    )
    found = staged_account_metrics(given, SETTINGS).select("metric", "value").collect()
    assert found.rows() == [("owner_rating", 4.5), ("is_reference", 1), ("seats", 1250), ("notes", None)]
