"""Spark Connect, by Sail and by Spark in a Java machine: the rows of Polars, and what happens when the server is lost."""

import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from health_assets.settings import Settings
from health_assets.sources import answers
from health_assets.sources.formats import SourceError
from health_assets_tests.conftest import said_by
from health_assets_tests.frames import files_of
from health_assets_tests.loopback_spark import Server, sail, spark
from health_assets_tests.sources.events.company import company, events_of, months_of

pytestmark = [pytest.mark.slow, pytest.mark.spark]
TOKEN = "s3cret-t0ken"
HOSTILE = ["A1", " A1", "", "\u00a0", "\u0130", "\u00df", "x'; drop table", "\U0001f600", "a\nb", None]
TEXTS = [
    "2024-10-27T00:59:59.9999999Z", "2024-10-27 02:30", "2024-10-27T02:30:00+01:00", "2025-02-29", "2024-02-29", "garbage", "n/a",
    " 2024-10-30 ", None, "2024-10-30T24:00:00", "2024-10-30T23:59", "2024-13-01", "0000-01-01", "2024-11-01T03:00:00+05:30",
    "\u0662\u0660\u0662\u0665-01-01", "9999-12-31T23:59:59", "2024-10-30T10:00:60",
]  # fmt: skip
NUMBERS = [1.5, None, float("nan"), float("inf"), -1.0, 0.1, 1e300, 12.3456789]


@pytest.fixture(scope="module", params=[sail, spark], ids=["sail", "spark"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from _started(request.param)


def _started(kind: Any) -> Iterator[Server]:
    with kind() as running:
        yield running


def hostile_rows(times: list[Any]) -> list[dict[str, Any]]:
    """Rows that share their keys in part, with every value next to several others."""
    rows = [
        {
            "event_id": f"E{n % 31}" if n % 37 else None,
            "account_id": HOSTILE[n % 10],
            "user_id": HOSTILE[n % 7],
            "event_name": HOSTILE[n % 9],
            "event_timestamp": times[n % len(times)],
            "event_count": (None, 1, 0, -3, 5)[n % 5],
            "duration_seconds": NUMBERS[n % 8],
        }
        for n in range(120)
    ]
    return [*rows, *rows[:20], *({**row, "event_name": "other"} for row in rows[:10])]


def october(folder: Path, engine: str) -> Settings:
    """The settings with the month alone in which the clock goes back."""
    settings = company(folder, engine)
    return settings.model_copy(update={"history_start": date(2024, 10, 1), "as_of": date(2024, 10, 31)})


@pytest.mark.parametrize("kind", ["text", "local time", "moment"])
def test_rows_records_and_samples_are_those_of_polars(
    server: Server, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_REMOTE", server.url)
    stamps = pl.datetime_range(datetime(2024, 10, 26, 20), datetime(2024, 10, 27, 6), "17m", eager=True)
    times = {"text": TEXTS, "local time": stamps, "moment": stamps.dt.replace_time_zone("UTC")}[kind]
    events_of(tmp_path, hostile_rows(list(times)))
    polars_rows, polars_records = months_of(october(tmp_path, "polars"))
    spark_rows, spark_records = months_of(october(tmp_path, "spark"))
    assert polars_rows.height > 10
    assert_frame_equal(spark_rows, polars_rows, check_exact=True)
    assert spark_records == polars_records


@pytest.mark.timeout(180)
def test_server_that_is_lost_while_months_are_read_leaves_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = datetime(2024, 9, 1)
    stamps = pl.Series([first + timedelta(minutes=n % 200_000) for n in range(400_000)])
    frame = pl.DataFrame({"event_timestamp": stamps}).with_columns(
        event_id=pl.int_range(pl.len()).cast(pl.String),
        account_id=pl.lit("A1"),
        user_id=pl.lit("U1"),
        event_name=pl.lit("x"),
    )
    frame.head(100_000).write_parquet(tmp_path / "events.parquet")
    with sail() as running:
        monkeypatch.setenv("SPARK_REMOTE", running.url)
        settings = company(tmp_path, "spark")
        before = months_of(settings)[0]["source_row_count"].sum()
        frame.write_parquet(tmp_path / "events.parquet")
        folder = settings.answers / "spark"
        since = {name: state for name, (state, _) in files_of(folder).items()}
        killer = Thread(target=_kill_after_first_month, args=(running, folder, since))
        killer.start()
        with pytest.raises(SourceError, match=r"^sources\.usage_events\.engine: SPARK_REMOTE: ") as raised:
            answers.fetch_answers(settings)
        killer.join()
    assert "\n" not in str(raised.value)
    assert not list(folder.glob("*.unfinished"))
    found = pl.concat(pl.read_parquet(file) for file in folder.glob("usage_events.*"))  # each is whole
    assert before < found["source_row_count"].sum() < frame.height


def _kill_after_first_month(running: Server, folder: Path, since: dict[Path, int]) -> None:
    while all(file.stat().st_mtime_ns == time for file, time in since.items()):
        sleep(0.005)
    running.kill()


def test_token_of_the_url_is_in_no_message_and_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyspark")
    events_of(tmp_path, [{"event_timestamp": datetime(2025, 1, 10)}])
    monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:9/;token={TOKEN};user_id=owner;x-cluster=c-77")
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceError) as raised:
        answers.fetch_answers(company(tmp_path, "spark"))
    said = "".join(traceback.format_exception(raised.value)) + caplog.text + "".join(capfd.readouterr())
    assert TOKEN not in said
    assert "c-77" not in said
    assert str(raised.value).startswith("sources.usage_events.engine: SPARK_REMOTE: ")


def test_run_without_its_cluster_is_one_error_and_readers_keep_the_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:9/;token={TOKEN}")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    (tmp_path / "dagster").mkdir()
    events_of(tmp_path, [{"event_timestamp": datetime(2025, 1, 10)}])
    settings = company(tmp_path, "polars")
    assert said_by("run", "--settings", str(tmp_path / "settings.yml")).exit_code == 0
    published = settings.published.resolve()
    company(tmp_path, "spark")
    said = said_by("run", "--settings", str(tmp_path / "settings.yml"))
    assert (said.exit_code, settings.published.resolve()) == (1, published)
    assert "sources.usage_events.engine: SPARK_REMOTE: " in said.output
    assert not [file for file, (_, content) in files_of(tmp_path).items() if TOKEN.encode() in content]
    assert TOKEN not in said.output


def test_table_or_column_that_is_not_there_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events_of(tmp_path, [{"event_timestamp": datetime(2025, 1, 10)}])
    with sail() as running:
        monkeypatch.setenv("SPARK_REMOTE", running.url)
        settings = company(tmp_path, "spark", path=[], table="analytics.evnts")
        with pytest.raises(SourceError, match="evnts"):
            answers.fetch_answers(settings)
        with pytest.raises(SourceError, match="the events have no column 'wat'"):
            answers.fetch_answers(company(tmp_path, "spark", columns={"wat": "event_name"}))


def test_spark_is_not_imported_where_no_engine_is_set() -> None:
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, health_assets.definitions; print({'pyspark', 'narwhals'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.strip() == "set()"
