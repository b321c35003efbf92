"""A backfill of 60 months, and days that were missed while nothing ran, with the real daemon."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from health_assets.demo import write_company
from health_assets.orchestration.alert_jobs import as_of_day
from health_assets.orchestration.instance import open_instance, prepare_home
from health_assets.settings import SETTINGS_VARIABLE, load
from health_assets.warehouse.snapshot import published_day
from health_assets_tests.faults.conftest import ROOT, Company
from health_assets_tests.faults.served import environment, group_of, seen_within
from health_assets_tests.frames import reading

pytestmark = pytest.mark.slow
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()
MODULE = "health_assets_tests.faults.few_tables"
MONTHS = 60


def company_until_yesterday(folder: Path, months: int) -> Company:
    """A tiny company whose files end yesterday, with few tables to make."""
    folder = folder / "company"
    folder.mkdir()
    write_company(folder, accounts=4, months=months, end=YESTERDAY, seed=7, profile="core")
    settings = folder / "settings.yml"
    kept = [line for line in settings.read_text().splitlines() if not line.startswith("as_of:")]
    settings.write_text("\n".join([*kept, "plausibility: {min_rows: 1000}", ""]))
    return Company(folder)


BACKFILL = """
import sys
from health_assets_tests.faults.few_tables import settings, definitions
import dagster as dg
company = settings.load(sys.argv[1])
job = definitions(company).resolve_job_def("daily")
keys = job.partitions_def.get_partition_keys()[-int(sys.argv[2]):]
tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
with dg.DagsterInstance.get() as instance:
    done = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    print(done.success, len(keys), [e.event_specific_data for e in done.all_events if e.is_failure][:1])
"""


@pytest.mark.timeout(600)
def test_backfill_of_sixty_months_gives_what_one_run_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    company = company_until_yesterday(tmp_path, MONTHS + 3)
    prepare_home(load(company.settings))
    seen = []
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-c", BACKFILL, str(company.settings), str(MONTHS)],
            cwd=ROOT,
            env=environment(DAGSTER_HOME=str(tmp_path / "dagster")),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert ended.stdout.startswith(f"True {MONTHS}"), ended.stdout + ended.stderr[-3000:]
        with reading(company.warehouse) as warehouse:
            months = warehouse.sql("select count(distinct month) from internal.months").fetchall()[0][0]
            usage = warehouse.sql("from fact.usage_daily order by all").fetchall()
        assert months >= MONTHS, months
        seen.append(usage)
    assert seen[0] == seen[1]
    with capsys.disabled():
        print(f"\nbackfill of {MONTHS} months, twice: {months} months, {len(usage)} rows of usage, the same")


@pytest.mark.timeout(600)
def test_days_missed_while_nothing_ran_are_run_one_by_one_by_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "company" / "dagster"))
    company = company_until_yesterday(tmp_path, months=2)
    code, said = company.run("--as-of", str(YESTERDAY - timedelta(days=3)))
    assert code == 0, said
    missed = [YESTERDAY - timedelta(days=days) for days in (2, 1, 0)]

    more = {"DAGSTER_HOME": str(company.folder / "dagster"), SETTINGS_VARIABLE: str(company.settings)}
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", MODULE]
    with group_of(command, tmp_path / "log", **more):
        assert seen_within(400, lambda: published_day(company.published) == YESTERDAY, every=2), (
            tmp_path / "log"
        ).read_text()[-4000:]
    settings = load(company.settings)
    daily = dg.RunsFilter(job_name="daily")
    with open_instance() as instance:
        days = [as_of_day(run, settings) for run in reversed(instance.get_runs(daily))]
    with capsys.disabled():
        print(f"\n{len(missed)} days missed: runs as of {', '.join(map(str, days[1:]))}")
    assert days[: len(missed) + 1] == [YESTERDAY - timedelta(days=3), *missed]
