from datetime import date

import polars as pl

from health_assets.settings import Settings
from health_assets.sources import freshness
from health_assets_tests.assets.rows import SETTINGS


def test_panel_keeps_the_days_on_which_the_source_had_begun_and_was_not_silent_too_long() -> None:
    days = [date(2025, 1, day) for day in range(1, 11)]
    seen = pl.LazyFrame({"seen": [date(2025, 1, 3), date(2025, 1, 3), date(2025, 1, 4), None]})
    limited = SETTINGS.model_copy(update={"stale_after_days": {"letters": 2}})

    def kept(company: Settings) -> list[int]:
        panel = pl.LazyFrame({"day": days}).pipe(freshness.while_fresh, "letters", seen, "seen", company)
        return [day.day for day in panel.collect()["day"]]

    assert kept(limited) == [3, 4, 5, 6]
    assert kept(SETTINGS) == [3, 4, 5, 6, 7, 8, 9, 10]  # without a limit it never goes stale
