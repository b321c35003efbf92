from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from health_assets import settings
from health_assets.definitions import definitions
from health_assets.orchestration.alert_jobs import alerts_job, data_alerts_job
from health_assets.orchestration.file_sensor import state_of_files
from health_assets.orchestration.jobs import daily_job, prune_job
from health_assets.orchestration.partitions import monthly_partitions
from health_assets.orchestration.schedules import daily_schedule, days_to_run
from health_assets.orchestration.sensors import failed_run_sensor, published_sensor
from health_assets.settings import Settings
from health_assets.sources.account_notes import append, touchpoint
from health_assets_tests.loopback_slack import SECRET, Publish, Slack, account

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def history() -> Iterator[dg.DagsterInstance]:
    """A run history on disk, as schedules need it."""
    with dg.instance_for_test() as instance:
        yield instance


def company_in(folder: Path, timezone: str) -> Settings:
    file = folder / "settings.yml"
    file.write_text(f"timezone: {timezone}\n")
    return settings.load(file)


@pytest.mark.parametrize(
    ("timezone", "at", "day"),
    [
        ("Europe/Berlin", "2025-03-30T04:00", "2025-03-29"),  # clocks went forward at 2 that night
        ("Europe/Berlin", "2025-10-26T05:00", "2025-10-25"),  # and back
        ("Asia/Kolkata", "2025-03-01T00:30", "2025-02-28"),  # half an hour off, first of a month
        ("Pacific/Auckland", "2024-12-31T17:00", "2024-12-31"),  # it is already the new year there
        ("UTC", "2024-03-01T06:00", "2024-02-29"),
    ],
)
def test_the_run_at_six_is_for_the_previous_day_in_the_companys_time_zone(
    tmp_path: Path, timezone: str, at: str, day: str, history: dg.DagsterInstance
) -> None:
    schedule = daily_schedule(company_in(tmp_path, timezone))
    tick = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert tick.astimezone(ZoneInfo(timezone)).hour == 6
    (request,) = schedule(dg.build_schedule_context(history, tick))
    assert request.run_key == day
    assert request.partition_key == f"{day[:7]}-01"
    assert request.run_config == {"resources": {"as_of": {"config": {"day": day}}}}
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize("timezone", ["Europe/Berlin", "Asia/Kolkata", "America/Santiago"])
def test_the_schedule_ticks_once_on_each_day_of_a_year(tmp_path: Path, timezone: str) -> None:
    schedule = daily_schedule(company_in(tmp_path, timezone))
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC).timestamp()
    ticks = schedule_execution_time_iterator(noon, schedule.cron_schedule, timezone)
    local = [next(ticks).astimezone(ZoneInfo(timezone)) for _ in range(366)]
    assert {tick.hour for tick in local} == {6}
    assert [tick.date() for tick in local] == [date(2024, 1, 2) + timedelta(days=n) for n in range(366)]


def test_days_missed_are_run_first_over_a_leap_day(
    company: Settings, publish: Publish, history: dg.DagsterInstance
) -> None:
    publish(date(2024, 2, 27), [account("A1")])
    tick = datetime(2024, 3, 2, 6, tzinfo=UTC)
    requests = daily_schedule(company)(dg.build_schedule_context(history, tick))
    assert [(one.run_key, one.partition_key) for one in requests] == [
        ("2024-02-28", "2024-02-01"),
        ("2024-02-29", "2024-02-01"),
        ("2024-03-01", "2024-03-01"),
    ]


@pytest.mark.parametrize(
    ("published", "days"),
    [
        (None, ["2025-03-30"]),  # nothing published yet: the first run is for yesterday
        (date(2025, 3, 29), ["2025-03-30"]),
        (date(2025, 3, 30), ["2025-03-30"]),  # already published: one more run is harmless
        (date(2025, 4, 9), ["2025-03-30"]),
        (date(2025, 3, 27), ["2025-03-28", "2025-03-29", "2025-03-30"]),
        (date(2024, 3, 27), [f"2025-03-{day}" for day in range(24, 31)]),  # a year: no more than catch_up_days
    ],
)
def test_days_to_run(company: Settings, published: date | None, days: list[str]) -> None:
    assert [day.isoformat() for day in days_to_run(date(2025, 3, 30), published, company)] == days


def test_a_day_that_is_already_queued_is_not_requested_again(company: Settings, history: dg.DagsterInstance) -> None:
    @dg.job
    def daily() -> None: ...

    tick = datetime(2025, 3, 31, 6, tzinfo=UTC)
    run = history.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTED, tags={"dagster/run_key": "2025-03-30"})
    skipped = daily_schedule(company)(dg.build_schedule_context(history, tick))
    later = daily_schedule(company)(dg.build_schedule_context(history, tick + timedelta(days=1)))
    history.delete_run(run.run_id)
    assert "2025-03-30 is already queued or running" in skipped.skip_message
    assert [one.run_key for one in later] == ["2025-03-31"]


def test_with_a_fixed_day_the_schedule_skips_and_says_why(company: Settings, history: dg.DagsterInstance) -> None:
    fixed = company.model_copy(update={"as_of": date(2025, 1, 31)})
    skipped = daily_schedule(fixed)(dg.build_schedule_context(history, datetime(2025, 6, 1, tzinfo=UTC)))
    assert "as_of is fixed at 2025-01-31" in skipped.skip_message


def test_the_day_runs_in_its_month_partition_of_the_daily_job(tmp_path: Path, history: dg.DagsterInstance) -> None:
    company = company_in(tmp_path, "Asia/Kolkata")

    @dg.asset(partitions_def=monthly_partitions(company))
    def fact() -> None: ...

    repository = dg.Definitions(
        assets=[fact], jobs=[daily_job(company)], schedules=[daily_schedule(company)]
    ).get_repository_def()
    tick = datetime(2025, 3, 1, 0, 30, tzinfo=UTC)
    context = dg.build_schedule_context(instance=history, repository_def=repository, scheduled_execution_time=tick)
    (request,) = repository.get_schedule_def("daily_schedule").evaluate_tick(context).run_requests or []
    assert request.tags["dagster/partition"] == "2025-02-01"
    assert request.partition_key in repository.get_job("daily").partitions_def.get_partition_keys()


def _repository(company: Settings) -> dg.RepositoryDefinition:
    @dg.asset
    def published() -> None: ...

    return dg.Definitions(
        assets=[published], jobs=[alerts_job(company)], sensors=[published_sensor()]
    ).get_repository_def()


def test_each_snapshot_requests_one_alert_run(company: Settings) -> None:
    repository = _repository(company)
    sensor = repository.get_sensor_def("published_sensor")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, repository_def=repository)
        assert not sensor.evaluate_tick(context).run_requests
        run = dg.materialize([repository.assets_defs_by_key[dg.AssetKey("published")]], instance=instance)
        tick = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, repository_def=repository))
        assert [request.run_key for request in tick.run_requests or []] == [run.run_id]
        later = dg.build_sensor_context(instance=instance, repository_def=repository, cursor=tick.cursor)
        assert not sensor.evaluate_tick(later).run_requests
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert (sensor.minimum_interval_seconds, sensor.job_name) == (30, "alerts")


def test_the_alert_run_fails_visibly_when_it_cannot_deliver(company: Settings, publish: Publish, posted: Slack) -> None:
    job = alerts_job(company)
    with dg.DagsterInstance.ephemeral() as instance:
        publish(date(2025, 1, 27), [account("A1")])
        assert job.execute_in_process(instance=instance).success
        publish(date(2025, 1, 28), [account("A1", "high")])
        posted.answers = [(500, {})]
        failed = job.execute_in_process(instance=instance, raise_on_error=False)
        assert not failed.success
        assert "1 alert not delivered, still pending: default: HTTP 500" in str(failed.all_events)
        assert job.execute_in_process(instance=instance).success
        logged = [str(entry) for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
    assert len(posted.accepted) == 1
    assert SECRET not in "".join(logged)


# -- a run that failed ------------------------------------------------------------------------------------------------


def _failing(company: Settings) -> dg.Definitions:
    @dg.op
    def breaks() -> None:
        raise RuntimeError("a bug")

    @dg.job
    def daily() -> None:
        breaks()

    data_alerts = data_alerts_job(company)
    return dg.Definitions(jobs=[daily, data_alerts], sensors=[failed_run_sensor(data_alerts)])


def test_a_failed_run_is_reported_once_even_if_repeated_and_without_a_snapshot(
    company: Settings, posted: Slack
) -> None:
    made = _failing(company)
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            failed = made.resolve_job_def("daily").execute_in_process(instance=instance, raise_on_error=False)
            config = {"ops": {"notify_failed_run": {"config": {"run_id": failed.run_id}}}}
            assert data_alerts_job(company).execute_in_process(instance=instance, run_config=config).success
    (message,) = posted.accepted
    assert message["blocks"][0]["text"]["text"] == "The daily run failed"
    assert "• breaks: RuntimeError: a bug" in posted.sections()[0]
    assert "nothing has been published yet" in posted.sections()[0]


def test_a_data_alert_that_slack_does_not_accept_is_delivered_by_the_next_alert_run(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        failed = _failing(company).resolve_job_def("daily").execute_in_process(instance=instance, raise_on_error=False)
        config = {"ops": {"notify_failed_run": {"config": {"run_id": failed.run_id}}}}
        posted.answers = [(500, {})]
        job = data_alerts_job(company)
        assert not job.execute_in_process(instance=instance, run_config=config, raise_on_error=False).success
        assert not posted.accepted
        publish(date(2025, 1, 27), [account("A1")])
        assert alerts_job(company).execute_in_process(instance=instance).success
    assert len(posted.accepted) == 1


@pytest.mark.parametrize("name", ["alerts", "data_alerts", "prune_history"])
def test_only_the_daily_run_opens_the_warehouse(company: Settings, name: str) -> None:
    @dg.io_manager
    def of_the_warehouse(_: dg.InitResourceContext) -> None:
        raise AssertionError("opened the warehouse")

    data_alerts = data_alerts_job(company)
    made = dg.Definitions(
        jobs=[alerts_job(company), data_alerts, prune_job(company)], resources={"io_manager": of_the_warehouse}
    )
    assert made.resolve_job_def(name).resource_defs["io_manager"] is dg.mem_io_manager


def test_run_takes_in_the_notes_from_when_they_exist_without_a_restart(
    tmp_path: Path, history: dg.DagsterInstance
) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,company_name,signup_date,status\nA,Acme,2024-01-01,active\n")
    (tmp_path / "settings.yml").write_text("timezone: UTC\nsources: {accounts: {path: accounts.csv}}\n")
    company = settings.load(tmp_path / "settings.yml")
    repository = definitions(company).get_repository_def()
    tick = datetime(2025, 1, 2, 6, tzinfo=UTC)

    def selected() -> set[str]:
        context = dg.build_schedule_context(history, tick, repository_def=repository)
        (request,) = daily_schedule(company)(context)
        return {key.to_user_string() for key in request.asset_selection}

    of_notes = {"raw_touchpoints", "staged_touchpoints", "fact_touchpoints", "fact_account_relationship_daily"}
    before, files = selected(), state_of_files(company)
    assert {"raw_accounts", "dim_account", "published"} <= before
    assert not before & of_notes
    append(company.notes, "touchpoints", touchpoint("A", "2025-01-01", "call", "Ada", None, None))
    assert selected() - before >= of_notes
    assert "raw_health_overrides" not in selected()
    assert state_of_files(company) != files
