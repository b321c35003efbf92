"""Files of any size are read in bounded memory: no step of the plan falls back to holding a column whole."""

from pathlib import Path

import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.sources.profile import read_profile
from health_assets.tables import TABLES
from health_assets_tests.frames import settings_of, written

load_all()
HOLDS_ALL = 'fillcolor="0.0 0.3 1.0"'  # how Polars marks a step that its streaming engine cannot do


def plan_of(rows: pl.LazyFrame) -> str:
    return rows.show_graph(engine="streaming", plan_stage="physical", raw_output=True, show=False) or ""


@pytest.mark.parametrize(
    "described",
    [{}, {"columns": {"at": "event_timestamp"}}, {"date_format": "%d.%m.%Y %H:%M"}, {"where": "event_name <> 'test'"}],
)
def test_profile_of_event_files_is_made_by_streaming_alone(tmp_path: Path, described: dict[str, object]) -> None:
    name = "at" if "columns" in described else "event_timestamp"
    written(tmp_path, "e.csv", f"event_id,account_id,event_name,{name}\n1,A,login,2025-01-01T10:00:00\n")
    company = settings_of(tmp_path, sources={"usage_events": {"path": "e.csv"} | described})
    profile = read_profile("usage_events", TABLES["raw_usage_events"].rows, "event_timestamp", company)
    plan = plan_of(profile)
    assert "group-by" in plan
    assert HOLDS_ALL not in plan


def test_step_that_holds_a_column_whole_would_be_seen(tmp_path: Path) -> None:
    written(tmp_path, "e.csv", "a\n1\n")
    plan = plan_of(pl.scan_csv(tmp_path / "e.csv").select(pl.col("a").cast(pl.String).replace("", None)))
    assert HOLDS_ALL in plan
