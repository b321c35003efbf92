"""Problems with a set-up and how to fix them: settings, files, warehouse, disk, snapshot, webhook, alerts, last run.

Nothing is written and no secret is shown. Problems with the data are found by the checks of a run.
"""

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.cli.doctor_operations import channels, outbox, pulls, runs
from health_assets.cli.doctor_write_back import write_back
from health_assets.cli.finding import Finding as Finding
from health_assets.cli.finding import Status as Status
from health_assets.contracts.contract import Contract
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings, SettingsError
from health_assets.settings.overwritten import marts_file
from health_assets.settings.source import Source
from health_assets.sources.check import faults_by_source, general_faults, with_source_faults
from health_assets.sources.formats import files_of
from health_assets.sources.presets.opened import missing_tables
from health_assets.sources.readers import empty_files, unknown_columns
from health_assets.tables import source_contracts
from health_assets.warehouse.disk import DiskError, check_links
from health_assets.warehouse.recovery import holder_of, is_ours
from health_assets.warehouse.snapshot import SnapshotError, published_day

CONNECT = "export the variable, wherever runs are started: postgresql://user:password@host:port/database, as the database knows them"


def examine(file: Path | None, today: date | None = None) -> Iterator[Finding]:
    """Examine everything that a run, a reader and an alert need.

    Args:
        file: the settings; see settings.load.
        today: the day that should have been published; by default the settings' load day.
    """
    try:
        company = company_settings.load(file)
    except SettingsError as error:
        load_all()
        said = str(with_source_faults(error, source_contracts()))
        yield Finding(Status.wrong, "settings", said, "correct the settings file; nothing else can be examined before")
        return
    yield Finding(Status.good, "settings", f"{company.company}, time zone {company.timezone}")
    yield from pulls(company)
    yield from _sources(company)
    yield _warehouse(company)
    yield from _disk(company)
    yield _snapshot(company, today or company.load_day)
    yield from channels(company)
    yield outbox(company)
    yield from write_back(company)
    yield from runs(company)
    yield _history(company.dagster_home)


def _sources(company: Settings) -> Iterator[Finding]:
    load_all()
    contracts = source_contracts()
    remedy = "correct the settings, or the file"
    for fault in general_faults(company, contracts):
        subject, _, said = fault.partition(": ")
        yield Finding(Status.wrong, subject, said, remedy)
    refused: set[str] = set()
    for name, faults in faults_by_source(company, contracts):
        if faults and faults[0].startswith("connection env:"):
            if faults[0] not in refused:
                subject, _, said = faults[0].partition(": ")
                yield Finding(Status.wrong, subject, said, CONNECT)
            refused.add(faults[0])
        elif faults:
            yield Finding(Status.wrong, f"sources.{name}", "\n".join(faults), remedy)
        elif any(one.is_queried for one in company.sources[name].descriptions):
            yield Finding(Status.good, f"sources.{name}", _answer(name, company))
        else:
            yield _source(name, company.sources[name], contracts[name].raw, company)


def _answer(name: str, company: Settings) -> str:
    presets = [one for one in company.sources[name].descriptions if one.preset]
    said = f"preset {presets[0].preset} is answered" if presets else "its query is answered"
    missing = missing_tables(name, company)
    return f"{said}, all required columns present{f'; {missing}' if missing else ''}"


def _source(name: str, source: Source, rows: type[Contract], company: Settings) -> Finding:
    subject, extra = f"sources.{name}", unknown_columns(name, rows, company)
    found = f"{counted(len(files_of(name, source)), 'file')}, all required columns present"
    if empty := empty_files(name, company):
        return Finding(
            Status.warning, subject, f"{found}; without rows: {', '.join(empty)}", "remove them if they are not meant"
        )
    if extra:
        names = ", ".join(sorted({column for columns in extra.values() for column in columns}))
        return Finding(Status.warning, subject, f"{found}; not read: {names}", "map them in `columns` if they matter")
    return Finding(Status.good, subject, found)


def _warehouse(company: Settings) -> Finding:
    path = company.warehouse
    folder = next(parent for parent in path.parents if parent.exists())
    if not os.access(folder, os.W_OK):
        return Finding(Status.wrong, "warehouse", f"{folder}: not writable", "give this user write permission")
    if not path.exists():
        return Finding(Status.good, "warehouse", f"{path} will be created by the first run")
    files = [file for file in (path, marts_file(path)) if file.exists()]
    for file in files:
        try:
            duckdb.connect(str(file), read_only=True).close()
        except duckdb.Error as error:
            if process := holder_of(str(error)):
                remedy = "wait for it to end; if it hangs, end that process: nothing will be half-written"
                return Finding(Status.warning, "warehouse", f"process {process} is writing to it", remedy)
            remedy = (
                f"{'run' if is_ours(file) else 'move it aside and run'}: the warehouse will be rebuilt from the files"
            )
            return Finding(Status.wrong, "warehouse", f"{file} is damaged ({str(error).splitlines()[0]})", remedy)
    size = sum(file.stat().st_size for file in files)
    return Finding(Status.good, "warehouse", f"{path}, {size / 1e6:,.0f} MB, not locked")


def _disk(company: Settings) -> Iterator[Finding]:
    """A run needs space for the months that it replaces, and for a second snapshot next to the current one."""
    wanted = company.maintenance.free_disk_gb * 1e9
    places = {"warehouse": company.warehouse, "published": company.published}
    folders = {name: next(parent for parent in path.parents if parent.exists()) for name, path in places.items()}
    for name, folder in folders.items():
        if name == "published" and folder.stat().st_dev == folders["warehouse"].stat().st_dev:
            continue
        free = shutil.disk_usage(folder).free
        found = f"{free / 1e9:,.1f} GB free in {folder}"
        if free < wanted:
            yield Finding(
                Status.wrong,
                "disk",
                found,
                f"free some space: {wanted / 1e9:g} GB are required (maintenance.free_disk_gb)",
            )
        else:
            yield Finding(Status.good, "disk", found)


def _snapshot(company: Settings, today: date) -> Finding:
    try:
        check_links(company.published)
    except DiskError as error:
        return Finding(Status.wrong, "snapshot", str(error), "a run could not publish")
    if not company.published.exists():
        said = f"{company.published}: nothing has been published yet"
        return Finding(Status.warning, "snapshot", said, "health-assets run")
    try:
        day = published_day(company.published)
    except SnapshotError as error:
        return Finding(Status.warning, "snapshot", str(error), "health-assets run")
    age = (today - day).days
    if age > company.maintenance.snapshot_max_age_days:
        remedy = (
            "find out why the last runs failed (health-assets ui, Runs), or start the daemon; then health-assets run"
        )
        return Finding(Status.warning, "snapshot", f"as of {day}, {counted(age, 'day')} behind", remedy)
    return Finding(Status.good, "snapshot", f"as of {day}")


def _history(home: Path) -> Finding:
    size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) if home.is_dir() else 0
    return Finding(Status.good, "history", f"{size / 1e6:,.0f} MB in {home}; health-assets prune deletes old runs")
