"""What is wrong with a set-up, and how to mend it: settings, files, warehouse, disk, snapshot, webhook, last run, history.

Nothing is changed and nothing secret is shown. What is wrong with the data is said by the checks of a run.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import duckdb

from health_assets import settings as company_settings
from health_assets.alerts import WEBHOOK_VARIABLE, AlertError, store_of
from health_assets.alerts.outbox import Outbox
from health_assets.assets import load_all
from health_assets.contracts.contract import Contract
from health_assets.quality.run_outcome import Outcome
from health_assets.settings import Settings, SettingsError
from health_assets.sources.readers import SourceError, files_of, read_source, unknown_columns
from health_assets.warehouse.recovery import holder_of, is_ours
from health_assets.warehouse.snapshot import SnapshotError, published_day

SLACK_WEBHOOK = r"https://hooks\.slack(-gov)?\.com/(services|triggers|workflows)/\S+"


class Status(StrEnum):
    """How a finding stands."""

    good = "good"
    warning = "warning"
    wrong = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    status: Status
    about: str
    said: str
    remedy: str = ""


def examine(file: Path | None, today: date | None = None) -> Iterator[Finding]:
    """Look at everything that a run, a reader and an alert need.

    Args:
        file: the settings; see settings.load.
        today: the day that should have been published; by default the settings' load day.
    """
    try:
        company = company_settings.load(file)
    except SettingsError as error:
        yield Finding(Status.wrong, "settings", str(error), "correct the settings file; nothing else can be looked at")
        return
    yield Finding(Status.good, "settings", f"{company.company}, days in {company.timezone}")
    yield from _sources(company)
    yield _warehouse(company)
    yield from _disk(company)
    yield _snapshot(company, today or company.load_day)
    yield _webhook(os.environ.get(WEBHOOK_VARIABLE, "").strip())
    yield _outbox(company)
    yield from _last_run(company)
    yield _history(company.dagster_home)


def _sources(company: Settings) -> Iterator[Finding]:
    contracts = {name.removeprefix("raw_"): table.rows for name, table in load_all().items() if table.rows is not None}
    for name in company.sources:
        if name in contracts:
            yield _source(name, contracts[name], company)
        else:
            remedy = f"known are {', '.join(sorted(contracts))}"
            yield Finding(Status.wrong, f"sources.{name}", "there is no such source", remedy)
    if "accounts" not in company.sources:
        remedy = "name their file in the settings: sources: {accounts: {path: accounts.csv}}"
        yield Finding(Status.wrong, "sources.accounts", "is not connected, and every other source needs it", remedy)


def _source(name: str, rows: type[Contract], company: Settings) -> Finding:
    about = f"sources.{name}"
    try:
        files = files_of(name, company.sources[name])
        if locked := [path for path in files if "://" not in path and not os.access(path, os.R_OK)]:
            return Finding(Status.wrong, about, f"{locked[0]}: may not be read", "give this user the right to read it")
        read_source(name, rows, company)
        extra = unknown_columns(name, rows, company)
    except SourceError as error:
        return Finding(Status.wrong, about, str(error), "correct the file, or its entry in the settings")
    said = f"{len(files)} file{'' if len(files) == 1 else 's'} with every column that is needed"
    if extra:
        names = ", ".join(sorted({column for columns in extra.values() for column in columns}))
        return Finding(Status.warning, about, f"{said}; not read: {names}", "name them in `columns` if they matter")
    return Finding(Status.good, about, said)


def _warehouse(company: Settings) -> Finding:
    path = company.warehouse
    folder = next(parent for parent in path.parents if parent.exists())
    if not os.access(folder, os.W_OK):
        return Finding(Status.wrong, "warehouse", f"{folder}: may not be written to", "give this user the right to")
    if not path.exists():
        return Finding(Status.good, "warehouse", f"{path} will be made by the first run")
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        if process := holder_of(str(error)):
            remedy = "wait for it to end; if it hangs, end that process: nothing is half-written by that"
            return Finding(Status.warning, "warehouse", f"process {process} is writing it just now", remedy)
        remedy = f"{'run' if is_ours(path) else 'move it aside and run'}: the warehouse is rebuilt from the sources"
        return Finding(Status.wrong, "warehouse", f"{path} is damaged ({str(error).splitlines()[0]})", remedy)
    return Finding(Status.good, "warehouse", f"{path}, {path.stat().st_size / 1e6:,.0f} MB, free for a run")


def _disk(company: Settings) -> Iterator[Finding]:
    """A run needs room for the months that it replaces, and for a snapshot beside the one that is being read."""
    wanted = company.maintenance.free_disk_gb * 1e9
    places = {"warehouse": company.warehouse, "published": company.published}
    folders = {name: next(parent for parent in path.parents if parent.exists()) for name, path in places.items()}
    for name, folder in folders.items():
        if name == "published" and folder.stat().st_dev == folders["warehouse"].stat().st_dev:
            continue
        free = shutil.disk_usage(folder).free
        said = f"{free / 1e9:,.1f} GB free in {folder}"
        if free < wanted:
            yield Finding(Status.wrong, "disk", said, f"make room: {wanted / 1e9:g} GB are wanted (operations)")
        else:
            yield Finding(Status.good, "disk", said)


def _snapshot(company: Settings, today: date) -> Finding:
    try:
        day = published_day(company.published)
    except SnapshotError as error:
        return Finding(Status.warning, "snapshot", str(error), "health-assets run")
    age = (today - day).days
    if age > company.maintenance.snapshot_max_age_days:
        remedy = "look why the last runs failed (make ui, Runs), or start the daemon; then health-assets run"
        return Finding(Status.warning, "snapshot", f"is as of {day}, {age} days behind", remedy)
    return Finding(Status.good, "snapshot", f"as of {day}")


def _webhook(url: str) -> Finding:
    """Never shows the address, not even a part of it: whoever has it can post."""
    if not url:
        remedy = "export SLACK_WEBHOOK_URL=... (Slack: Apps, Incoming Webhooks); alerts are only printed without it"
        return Finding(Status.warning, WEBHOOK_VARIABLE, "is not set", remedy)
    if not url.startswith(("https://", "http://")) or re.search(r"\s", url):
        return Finding(Status.wrong, WEBHOOK_VARIABLE, "is set, but is no web address", "copy it anew from Slack")
    if not re.fullmatch(SLACK_WEBHOOK, url):
        remedy = "right for a test or a relay; Slack's own begin with https://hooks.slack.com/services/"
        return Finding(Status.warning, WEBHOOK_VARIABLE, "is set, but is not an address of Slack", remedy)
    return Finding(Status.good, WEBHOOK_VARIABLE, "is set and looks like Slack's (not tried)")


def _outbox(company: Settings) -> Finding:
    store = store_of(company)
    if not store.exists():
        return Finding(Status.good, "alerts", "nothing told yet; the first alert run only remembers")
    try:
        with Outbox.opened(store, dry_run=True) as outbox:
            waiting = len(outbox.pending()) + len(outbox.pending_data_alerts())
    except AlertError as error:
        return Finding(Status.wrong, "alerts", str(error), "see the message")
    if waiting:
        return Finding(Status.warning, "alerts", f"{waiting} wait to be told", "health-assets alerts")
    return Finding(Status.good, "alerts", "nothing waits to be told")


def _last_run(company: Settings) -> Iterator[Finding]:
    """Whether the last daily run published, and of what it failed."""
    if not (company.dagster_home / "history" / "runs.db").exists():
        return
    import dagster as dg

    from health_assets.orchestration.instance import open_instance
    from health_assets.orchestration.jobs import DAILY_JOB, as_of_day

    os.environ["DAGSTER_HOME"] = str(company.dagster_home)
    ended = dg.RunsFilter(job_name=DAILY_JOB, statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
    with open_instance() as instance:
        for run in instance.get_runs(ended, limit=1):
            said = f"as of {as_of_day(run, company)}"
            if run.is_success:
                yield Finding(Status.good, "last run", f"{said}, published")
            else:
                reason = Outcome.read(run.run_id, instance).reason(company.published)
                yield Finding(Status.warning, "last run", f"{said}, failed: {reason}", "mend that, and run again")


def _history(home: Path) -> Finding:
    size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) if home.is_dir() else 0
    return Finding(Status.good, "history", f"{size / 1e6:,.0f} MB in {home}; health-assets prune makes it smaller")
