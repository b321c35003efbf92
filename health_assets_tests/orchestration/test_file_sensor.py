from pathlib import Path

import dagster as dg
import pytest

from health_assets.orchestration.file_sensor import Seen, after, files_sensor, state_of_files
from health_assets.settings import Settings
from health_assets_tests.frames import LOAD_DAY, settings_of, written


def company(folder: Path, settle_seconds: int | None = 0) -> Settings:
    written(folder, "accounts.csv", "account_id,company_name,signup_date\n")
    return settings_of(
        folder, sources={"accounts": {"path": "acc*.csv"}}, maintenance={"files_settle_seconds": settle_seconds}
    )


def evaluated(
    settings: Settings, cursor: str | None, instance: dg.DagsterInstance
) -> tuple[list[dg.RunRequest], str | None, str]:
    """The runs that an evaluation of the sensor requests, its cursor, and why it requests none."""
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    answer = files_sensor(settings)(context)
    if isinstance(answer, dg.RunRequest):
        return [answer], context.cursor, ""
    assert isinstance(answer, dg.SkipReason)
    return [], context.cursor, answer.skip_message or ""


def test_files_that_were_there_at_the_start_begin_no_run() -> None:
    assert after(None, "a", 0, 20) == (Seen("a", "a", 0), False)
    assert after(Seen("a", "a", 0), "a", 100, 20) == (Seen("a", "a", 0), False)


def test_run_waits_until_the_files_have_been_left_alone() -> None:
    seen, is_due = after(Seen("a", "a", 0), "b", 100, 20)
    assert (seen, is_due) == (Seen("a", "b", 100), False)
    assert after(seen, "b", 119, 20)[1] is False
    assert after(seen, "b", 120, 20)[1] is True
    written_on, is_due = after(seen, "c", 119, 20)  # it was still being written
    assert (written_on, is_due) == (Seen("a", "c", 119), False)


def test_files_that_are_as_they_were_begin_no_run() -> None:
    changed, _ = after(Seen("a", "a", 0), "b", 100, 20)
    back, _ = after(changed, "a", 110, 20)
    assert after(back, "a", 500, 20)[1] is False


def test_change_requests_one_run_as_of_the_load_day(tmp_path: Path) -> None:
    settings = company(tmp_path)
    with dg.instance_for_test() as instance:
        runs, cursor, _ = evaluated(settings, None, instance)
        assert runs == []
        written(tmp_path, "accounts-2.csv", "account_id,company_name,signup_date\nA1,One,2024-10-01\n")
        runs, cursor, why = evaluated(settings, cursor, instance)
        assert (runs, why) == ([], "files have changed and may still be written")
        (run,), cursor, _ = evaluated(settings, cursor, instance)
        assert run.run_config["resources"]["as_of"]["config"]["day"] == LOAD_DAY.isoformat()
        assert run.partition_key == "2025-01-01"
        assert evaluated(settings, cursor, instance)[0] == []


def test_change_waits_for_a_run_in_progress(tmp_path: Path) -> None:
    settings = company(tmp_path)
    with dg.instance_for_test() as instance:
        _, cursor, _ = evaluated(settings, None, instance)
        written(tmp_path, "accounts.csv", "account_id,company_name,signup_date\nA1,One,2024-10-01\n")
        _, cursor, _ = evaluated(settings, cursor, instance)

        @dg.job(name="daily")
        def daily() -> None: ...

        running = instance.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTED)
        runs, cursor, why = evaluated(settings, cursor, instance)
        assert (runs, why) == ([], "files have changed; the run in progress ends first")
        instance.report_run_canceled(running)
        assert len(evaluated(settings, cursor, instance)[0]) == 1


def test_sensor_is_switched_off_by_null(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        runs, _, why = evaluated(company(tmp_path, None), None, instance)
    assert (runs, why) == ([], "maintenance.files_settle_seconds is null: files start no run")


def test_file_that_alert_runs_write_begins_no_run(tmp_path: Path) -> None:
    written(tmp_path, "alert_history.csv", "alert_id\n")
    settings = company(tmp_path)
    assert "alerts" in settings.sources
    before = state_of_files(settings)
    written(tmp_path, "alert_history.csv", "alert_id\n1\n")
    assert state_of_files(settings) == before


@pytest.mark.parametrize(
    ("described", "file"),
    [
        ({"path": "a.csv"}, "a.csv"),
        ({"preset": "stripe", "path": "export"}, "export/customers.csv"),
        ({"query": "from 'a.csv' join 'more/*.csv' using (id)"}, "more/b.csv"),
        ({"query": "all.sql"}, "all.sql"),
    ],
)
def test_files_of_each_kind_of_source_are_watched(tmp_path: Path, described: dict[str, str], file: str) -> None:
    for folder in ("export", "more"):
        (tmp_path / folder).mkdir()
    written(tmp_path, "all.sql", "select 1")
    settings = settings_of(tmp_path, sources={"accounts": described})
    before = state_of_files(settings)
    written(tmp_path, file, "changed")
    assert state_of_files(settings) != before
    assert state_of_files(settings) == state_of_files(settings)
