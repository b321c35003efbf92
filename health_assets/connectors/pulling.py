"""A pull of one vendor: every table into its parts, then all tables replaced; what came of it is kept for status and checks."""

import fcntl
import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from health_assets.connectors.api import BAD_REQUEST, FORBIDDEN, NOT_FOUND, Api, PullError, require_dlt
from health_assets.connectors.kept import UNFINISHED, KeptTable
from health_assets.connectors.tables import Progress, PulledTable
from health_assets.settings import Settings
from health_assets.settings.pull import VendorPull, pulled_vendor
from health_assets.sources.account_keys import id_map
from health_assets.sources.erased import read_list
from health_assets.sources.presets.vendors import read_by, sources_of, sql_of, tables_of
from health_assets.sources.presets.views import key_of

PART_ROWS = 2000  # after as many records, or
PART_SECONDS = 20.0  # so long, what was pulled is written
OUTCOME = "pull.json"

Report = Callable[[str, int], None]  # table, records so far


@dataclass(frozen=True)
class Outcome:
    """What came of the pulls of a vendor."""

    pulled_at: datetime | None = None  # begin of the last pull that was complete
    rows: dict[str, int] = field(default_factory=dict)  # by table, after it
    changed: dict[str, int] = field(default_factory=dict)  # records that it brought, by table
    notes: list[str] = field(default_factory=list)  # tables that the token may not read
    failed_at: datetime | None = None  # of a pull after it that was not complete
    failure: str = ""


def pull_vendor(
    vendor: str, settings: Settings, *, is_new: bool = False, report: Report = lambda table, records: None
) -> Outcome:
    """Bring the tables of a vendor up to date.

    Args:
        vendor: one of `settings.pull.vendors`.
        settings: of the company.
        is_new: read everything again, not only what has changed.
        report: hears of progress.

    Raises:
        PullError: a table cannot be pulled; all tables stay as they were, and the next pull resumes.
    """
    folder = settings.pulled / vendor
    (folder / UNFINISHED).mkdir(parents=True, exist_ok=True)
    with _alone(vendor, folder):
        before = outcome_of(vendor, settings)
        try:
            outcome = _pulled(vendor, settings.pull.vendors[vendor], settings, is_new=is_new, report=report)
        except PullError as error:
            failure = str(error)
            _keep(folder, Outcome(**_fields(before) | {"failed_at": datetime.now(UTC), "failure": failure}))
        else:
            _keep(folder, outcome)
            return outcome
    raise PullError(failure)


def outcome_of(vendor: str, settings: Settings) -> Outcome:
    """What came of the pulls of a vendor so far."""
    try:
        found = json.loads((settings.pulled / vendor / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Outcome()
    for moment in ("pulled_at", "failed_at"):
        found[moment] = found[moment] and datetime.fromisoformat(found[moment])
    return Outcome(**found)


def erase_pulled(settings: Settings, accounts: Collection[str], *, dry_run: bool = False) -> dict[str, int]:
    """Take the records of accounts out of everything that was pulled; how many they were, by file.

    Args:
        settings: of the company.
        accounts: their keys, as the vendors spell them.
        dry_run: only count them.

    Raises:
        PullError: a pull is in progress.
    """
    found = {}
    for vendor in settings.pull.vendors:
        folder = settings.pulled / vendor
        if not folder.exists():
            continue
        (folder / UNFINISHED).mkdir(exist_ok=True)
        with _alone(vendor, folder):
            for table in _module(vendor).TABLES:
                kept = _kept(vendor, table, settings)
                if count := kept.without(accounts, dry_run=dry_run):
                    found[f"{vendor}/{kept.file.name}"] = count
    return found


def is_pulled(vendor: str, settings: Settings) -> bool:
    """Whether all tables that the connected sources read were pulled, but for those that a token may not read."""
    wanted = _tables_read(vendor, settings)
    needed = [table.name for table in _module(vendor).TABLES if table.name in wanted and not table.is_optional]
    return all((settings.pulled / vendor / f"{name}.parquet").exists() for name in needed)


def sources_pulled(vendor: str, settings: Settings) -> list[str]:
    """The sources that read what is pulled from a vendor."""
    return [
        name
        for name, source in settings.sources.items()
        if any(pulled_vendor(one, settings.pulled) == vendor for one in source.descriptions)
    ]


def behind(source: str, settings: Settings, as_of: date) -> tuple[date, str] | None:
    """The last day that the pulls of a source cover, and why there is no later one; None where they cover the as-of day.

    A pull covers the days before the one on which it began, in the company's time zone.
    """
    found = []
    for vendor in settings.pull.vendors:
        if source in sources_pulled(vendor, settings) and (outcome := outcome_of(vendor, settings)).pulled_at:
            last = outcome.pulled_at.astimezone(ZoneInfo(settings.timezone)).date() - timedelta(days=1)
            found.append((last, outcome.failure or f"{vendor} has not been pulled since"))
    oldest = min(found, default=None)
    return oldest if oldest and oldest[0] < min(as_of, settings.load_day) else None


def _pulled(vendor: str, pull: VendorPull, settings: Settings, *, is_new: bool, report: Report) -> Outcome:
    began, notes, changed = datetime.now(UTC), [], {}
    module = _module(vendor)
    api: Api = module.connect(pull)
    wanted = _tables_read(vendor, settings)
    kept = {table.name: _kept(vendor, table, settings) for table in module.TABLES if table.name in wanted}
    tables = [table for table in module.TABLES if table.name in kept]
    since = pull.since or settings.history_start
    for table in tables:
        try:
            changed[table.name] = _pull_table(table, kept[table.name], api, since, is_new, report)
        except PullError as error:
            if not table.is_optional or error.status not in (FORBIDDEN, NOT_FOUND):
                raise
            notes.append(f"{table.name} was left out: {error}")
    rows = {
        table.name: kept[table.name].publish(is_listing=table.is_listing) for table in tables if table.name in changed
    }
    return Outcome(began, rows, changed, notes)


def _pull_table(table: PulledTable, kept: KeptTable, api: Api, since: Any, is_new: bool, report: Report) -> int:
    """All new records of a table into its parts; how many they are."""
    cursor, resume = kept.begin(is_listing=table.is_listing, is_new=is_new)
    try:
        return _into_parts(table, kept, api, Progress(cursor, resume, since, kept.rows), report)
    except PullError as error:
        if error.status == BAD_REQUEST and cursor and not resume:
            remedy = f"if that stays so, read all records with `health-assets pull {api.vendor} --everything`"
            raise PullError(f"{error}; {remedy}") from None
        if error.status != BAD_REQUEST or not resume:
            raise
    kept.discard()  # the place from which to resume is no longer known to the API
    return _into_parts(table, kept, api, Progress(cursor, {}, since, kept.rows), report)


def _into_parts(table: PulledTable, kept: KeptTable, api: Api, progress: Progress, report: Report) -> int:
    batches, count, written_at = table.fetch(api, progress), 0, time.monotonic()
    while True:
        try:
            batch = next(batches)
        except StopIteration as end:
            kept.write_part(end.value, is_complete=True)
            return count
        count += kept.add(batch.records)
        report(table.name, count)
        if kept.held >= PART_ROWS or time.monotonic() - written_at > PART_SECONDS:
            kept.write_part(batch.resume)
            written_at = time.monotonic()


def _module(vendor: str) -> Any:
    require_dlt()
    return import_module(f"health_assets.connectors.{vendor}")


def _tables_read(vendor: str, settings: Settings) -> set[str]:
    """The tables that the connected sources read, or all where none is connected."""
    sources = sources_pulled(vendor, settings) or sources_of(vendor)
    return {table.name for source in sources for table in read_by(vendor, sql_of(vendor, source))}


def _kept(vendor: str, table: PulledTable, settings: Settings) -> KeptTable:
    described = tables_of(vendor)[table.name]
    called = {name.partition(".")[0] for column in described.columns for name in column.called}
    read = frozenset(key_of(name) for name in (*called, *table.always))
    return KeptTable(
        settings.pulled / vendor,
        table.name,
        read,
        table.always,
        table.key,
        table.deleted,
        table.account,
        _is_erased(settings),
    )


def _is_erased(settings: Settings) -> Callable[[str], bool]:
    """Whether an account was erased, by its key in the vendor's system."""
    erased = read_list(settings)
    ours = dict(id_map(settings).select("their_id", "account_id").iter_rows()) if erased.entries else {}
    return lambda account: erased.entry("account", ours.get(account, account)) is not None


@contextmanager
def _alone(vendor: str, folder: Path) -> Iterator[None]:
    """One pull of a vendor at a time; the lock ends with the process."""
    with (folder / UNFINISHED / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PullError(f"{vendor}: another pull is running; wait until it has ended") from None
        yield


def _keep(folder: Path, outcome: Outcome) -> None:
    unfinished = folder / UNFINISHED / OUTCOME
    unfinished.write_text(json.dumps(asdict(outcome), default=datetime.isoformat, indent=1), encoding="utf-8")
    unfinished.replace(folder / OUTCOME)


def _fields(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in ("pulled_at", "rows", "changed", "notes")}
