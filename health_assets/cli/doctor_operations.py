"""What `health-assets doctor` says about operation: the channels, the alerts, the runs and the daemon."""

import os
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from health_assets.alerts import AlertError, store_of
from health_assets.alerts.channel_kinds import channel_of, channels_to_check, variable_of
from health_assets.alerts.entry import State
from health_assets.alerts.outbox import Outbox
from health_assets.cli.finding import Finding, Status
from health_assets.connectors.pulling import outcome_of
from health_assets.quality.run_outcome import Outcome
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings
from health_assets.warehouse.disk import trouble

if TYPE_CHECKING:
    import dagster as dg

SLACK_WEBHOOK = r"https://hooks\.slack(-gov)?\.com/(services|triggers|workflows)/\S+"
SECONDS_BETWEEN_HEARTBEATS = 120  # of a daemon that is there; Dagster's are 30 s apart


def channels(company: Settings) -> Iterator[Finding]:
    """The address or token of each channel, no part of which is shown: whoever has it can post."""
    for name in channels_to_check(company):
        channel = company.alerts.channels[name]
        variable = variable_of(name, company)
        address = os.environ.get(variable, "").strip()
        try:
            if channel_of(name, company) is None:
                remedy = f"export {variable}=... (channel {name} of the settings); without any address alerts are only printed"
                yield Finding(Status.warning, variable, "not set", remedy)
            elif channel.slack and not re.fullmatch(SLACK_WEBHOOK, address):
                remedy = "fine for a test or a relay; Slack's own URLs begin with https://hooks.slack.com/services/"
                yield Finding(Status.warning, variable, "set, but not a URL of Slack", remedy)
            else:
                yield Finding(Status.good, variable, "set (not tried; health-assets alerts test posts a sample)")
        except AlertError as error:
            said = str(error).removeprefix(f"{variable}: ")
            yield Finding(Status.wrong, variable, f"set, but {said}", "copy it again from where it was made")


def pulls(company: Settings) -> Iterator[Finding]:
    """Each API that is pulled: whether its variables are set, and what came of the last pull."""
    for vendor, pull in company.pull.vendors.items():
        subject, outcome = f"pull.{vendor}", outcome_of(vendor, company)
        last = f"pulled on {outcome.pulled_at:%Y-%m-%d %H:%M} UTC" if outcome.pulled_at else "not pulled yet"
        missing = [variable for variable in pull.variables if not os.environ.get(variable, "").strip()]
        if missing:
            remedy = f"export {' and '.join(missing)} for every process that runs the pipeline"
            yield Finding(Status.warning, subject, f"{' and '.join(missing)} not set; {last}", remedy)
        elif outcome.failed_at:
            found = f"the last pull failed on {outcome.failed_at:%Y-%m-%d %H:%M} UTC: {outcome.failure}; {last}"
            yield Finding(Status.warning, subject, found, f"see the message, then health-assets pull {vendor}")
        elif outcome.pulled_at:
            rows = sum(outcome.rows.values())
            found = f"{last}: {counted(len(outcome.rows), 'table')}, {counted(rows, 'record')}"
            yield Finding(Status.good, subject, "; ".join([found, *outcome.notes]))
        else:
            yield Finding(Status.warning, subject, last, f"health-assets pull {vendor}")


def outbox(company: Settings) -> Finding:
    """What is not delivered."""
    store = store_of(company)
    if not store.exists():
        return Finding(Status.good, "alerts", "no alert run yet; the first one only saves the current levels")
    try:
        with Outbox.copied(store) as opened:
            dead, pending = opened.entries(State.dead), opened.pending()
    except AlertError as error:
        return Finding(Status.wrong, "alerts", str(error), "see the message")
    if dead:
        found = f"{len(dead)} not delivered (channel {dead[-1].channel}: {dead[-1].failure}), {len(pending)} pending"
        return Finding(Status.warning, "alerts", found, "correct the cause, then health-assets alerts retry")
    if pending:
        why = next((f" ({one.channel}: {one.failure})" for one in pending if one.failure), "")
        remedy = "the daemon delivers them; without one: health-assets alerts"
        return Finding(Status.warning, "alerts", f"{len(pending)} pending{why}", remedy)
    return Finding(Status.good, "alerts", "none pending")


def runs(company: Settings) -> Iterator[Finding]:
    """Whether the last daily run published, and whether runs wait for something that is gone."""
    from health_assets.orchestration.instance import is_in_a_database

    if not ((company.dagster_home / "history" / "runs.db").exists() or is_in_a_database(company.dagster_home)):
        return
    import dagster as dg

    os.environ["DAGSTER_HOME"] = str(company.dagster_home)
    try:
        with dg.DagsterInstance.get() as instance:
            yield from [*_last_run(instance, company), *_unfinished(instance)]
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being read is what there is to say
        said = trouble(error, [company.dagster_home / "dagster.yaml"]) or str(error).splitlines()[0]
        yield Finding(Status.wrong, "runs", f"the run history cannot be read: {said}", "see the message")


def _last_run(instance: "dg.DagsterInstance", company: Settings) -> Iterator[Finding]:
    import dagster as dg

    from health_assets.orchestration.alert_jobs import as_of_day
    from health_assets.orchestration.jobs import DAILY_JOB

    ended = dg.RunsFilter(job_name=DAILY_JOB, statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
    for run in instance.get_runs(ended, limit=1):
        day = f"as of {as_of_day(run, company)}"
        if run.is_success:
            yield Finding(Status.good, "last run", f"{day}, published")
        else:
            reason = Outcome.read(run.run_id, instance).reason(company.published)
            yield Finding(Status.warning, "last run", f"{day}, failed: {reason}", "fix that, then health-assets run")


def _unfinished(instance: "dg.DagsterInstance") -> Iterator[Finding]:
    """Runs whose process is gone, and a queue that nothing works on."""
    import dagster as dg

    from health_assets.orchestration.run_history import killed_runs

    for run, why in killed_runs(instance):
        remedy = "the daemon ends it within a minute, health-assets run and health-assets ui at once"
        yield Finding(Status.warning, "runs", f"{run.job_name} {run.run_id[:8]} is marked as running: {why}", remedy)
    if queued := instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
        last = max((beat.timestamp for beat in instance.get_daemon_heartbeats().values()), default=0.0)
        if time.time() - last > SECONDS_BETWEEN_HEARTBEATS:
            found = f"{counted(queued, 'run')} queued, and no daemon is running"
            yield Finding(Status.warning, "queue", found, "start it: health-assets ui")
