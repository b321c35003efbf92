"""The sensor of source files: new or changed files start a run, once they have not changed for a while."""

import glob
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import dagster as dg

from health_assets.orchestration.jobs import DAILY_JOB, selected_now
from health_assets.orchestration.run_history import NOT_FINISHED
from health_assets.settings import Settings
from health_assets.settings.answers import is_sql_file
from health_assets.settings.notes import alert_history, own_files
from health_assets.settings.pull import pulled_vendor
from health_assets.settings.source import Description
from health_assets.sources.answers import statement_of
from health_assets.sources.file_names import is_remote
from health_assets.sources.formats import SourceError

SECONDS = 15  # between two evaluations
QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True)
class Seen:
    """What the sensor knows of the files: the state that it last started a run for, and the latest, with its time."""

    loaded: str
    latest: str
    since: float  # seconds of the epoch

    @classmethod
    def read(cls, cursor: str | None) -> "Seen | None":
        """The state that the last evaluation kept."""
        return cls(**json.loads(cursor)) if cursor else None

    def written(self) -> str:
        """The state as the cursor of the sensor."""
        return json.dumps(asdict(self))


def after(seen: Seen | None, state: str, now: float, settle_seconds: float) -> tuple[Seen, bool]:
    """What is known after an evaluation, and whether the files have changed and settled since the last run."""
    if seen is None:
        return Seen(state, state, now), False
    if state != seen.latest:
        return Seen(seen.loaded, state, now), False
    return seen, state != seen.loaded and now - seen.since >= settle_seconds


def state_of_files(settings: Settings) -> str:
    """A hash of the names, sizes and times of all files of this machine that sources are read from."""
    own = str(alert_history(settings.warehouse))  # written after each snapshot: it would start runs for ever
    all_descriptions = [one for source in settings.sources.values() for one in source.descriptions]
    descriptions = [
        one for one in all_descriptions if not pulled_vendor(one, settings.pulled)
    ]  # a run writes them itself
    files = {file for one in descriptions for file in _files(one, settings)}
    files = files.union(map(str, own_files(settings.notes, settings.warehouse).values())) - {own}
    states = []
    for file in sorted(files):
        try:
            found = os.stat(file)
            states.append((file, found.st_size, found.st_mtime_ns))
        except FileNotFoundError:
            continue  # gone since it was listed
    return hashlib.sha256(repr(states).encode()).hexdigest()[:16]


def _files(description: Description, settings: Settings) -> Iterator[str]:
    given = [description.path] if isinstance(description.path, str) else description.path
    for path in given:
        if is_remote(path):
            continue
        for match in glob.glob(path, recursive=True):
            if os.path.isdir(match):
                yield from (
                    str(file)
                    for file in glob.glob(f"{glob.escape(match)}/**/*", recursive=True)
                    if os.path.isfile(file)
                )
            else:
                yield match
    if description.query and description.connection is None:
        yield from _files_of_query(description, settings)


def _files_of_query(description: Description, settings: Settings) -> Iterator[str]:
    """The files that a statement names in quotes, and the file that it is in."""
    query = str(description.query)
    if is_sql_file(query):
        yield query
    try:
        named = QUOTED.findall(statement_of(description, ""))
    except SourceError:
        return
    for name in named:
        yield from (file for file in glob.glob(str(settings.folder / name), recursive=True) if os.path.isfile(file))


def files_sensor(settings: Settings) -> dg.SensorDefinition:
    """A daily run when files of sources are new or changed, and have not changed for `maintenance.files_settle_seconds`."""

    @dg.sensor(
        name="files_sensor",
        job_name=DAILY_JOB,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a run when source files are new or changed, and no longer change.",
    )
    def on_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settle_seconds = settings.maintenance.files_settle_seconds
        if settle_seconds is None:
            return dg.SkipReason("maintenance.files_settle_seconds is null: files start no run")
        state = state_of_files(settings)
        seen, is_due = after(Seen.read(context.cursor), state, datetime.now(UTC).timestamp(), settle_seconds)
        context.update_cursor(seen.written())
        if not is_due:
            changed = "files have changed and may still be written" if state != seen.loaded else "no file has changed"
            return dg.SkipReason(changed)
        if context.instance.get_runs_count(dg.RunsFilter(job_name=DAILY_JOB, statuses=NOT_FINISHED)):
            return dg.SkipReason("files have changed; the run in progress ends first")
        context.update_cursor(Seen(state, state, seen.since).written())
        day = settings.load_day
        return dg.RunRequest(
            asset_selection=selected_now(settings, context.repository_def),
            run_key=f"files-{state}-{seen.since:.0f}",
            partition_key=day.replace(day=1).isoformat(),
            run_config={"resources": {"as_of": {"config": {"day": day.isoformat()}}}},
        )

    return on_files
