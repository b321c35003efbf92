"""Events in a Parquet file, and the settings of a company whose engine reduces them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from health_assets.settings import Settings
from health_assets.sources import answers
from health_assets.sources.events.report import recorded
from health_assets_tests.frames import settings_of

ZONE = "Europe/Berlin"


def events_of(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write the events; a value that a row does not give is null."""
    usual = {"account_id": "A1", "user_id": "U1", "event_name": "login"}
    keyed = [{"event_id": f"E{number}"} | usual | row for number, row in enumerate(rows)]
    pl.DataFrame(keyed, infer_schema_length=None).write_parquet(folder / "events.parquet")


def company(folder: Path, engine: str | None = "polars", **described: Any) -> Settings:
    """The settings: an account, and the events with an engine; without one as a file."""
    (folder / "accounts.csv").write_text("account_id,company_name,signup_date\nA1,One,2024-01-01\n")
    events = {"path": "events.parquet"} | ({"engine": engine} if engine else {})
    events |= {"remote": "env:SPARK_REMOTE"} if engine == "spark" else {}
    sources = {"accounts": {"path": "accounts.csv"}, "usage_events": events | described}
    return settings_of(folder, timezone=ZONE, sources=sources)


def months_of(settings: Settings) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The reduced rows, and the record of each month."""
    answers.fetch_answers(settings)
    files = sorted((settings.answers / str(settings.sources["usage_events"].engine)).glob("usage_events.*"))
    records = {record["month"]: record for file in files if (record := recorded(file))}
    varying = ("plan", "at")
    return pl.concat(pl.read_parquet(file) for file in files), {
        month: {name: value for name, value in record.items() if name not in varying}
        for month, record in records.items()
    }


def at(text: str) -> datetime:
    """A wall time of January 2025."""
    return datetime.fromisoformat(f"2025-01-{text}")
