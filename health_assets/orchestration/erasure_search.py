"""The proof of an erasure: whether any file in the company's folders still names the subject.

In DuckDB files every key column and every text is looked at, since their bytes are compressed. In all other files, and in the
bytes of DuckDB files too, the texts that can mean nobody else are searched for; a number, a short word or a text that is part
of another's name is looked for as a whole value only.
"""

import mmap
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from health_assets.alerts.outbox import store_of as alerts
from health_assets.orchestration.erased_files import parquet_without
from health_assets.settings import Settings
from health_assets.settings.notes import alert_history
from health_assets.settings.overwritten import marts_file
from health_assets.sources.formats import SourceError, files_of
from health_assets.warehouse.erasure import found_in
from health_assets.warehouse.kept_rows import files_of_kept_rows
from health_assets.warehouse.recovery import ASIDE, is_ours
from health_assets.warehouse.subject import Subject
from health_assets.write_back.store import store_of as write_back


@dataclass(frozen=True)
class Remaining:
    """A place in a file of ours that still names the subject."""

    file: Path
    place: str


def files_of_ours(settings: Settings) -> list[Path]:
    """The files that the product writes, but for the warehouse, the snapshots and the report."""
    folder, warehouse = settings.warehouse.parent, (settings.warehouse, marts_file(settings.warehouse))
    found = [
        *settings.dagster_home.rglob("*"),
        *settings.answers.rglob("*"),
        *settings.pulled.rglob("*"),
        *settings.notes.glob("*.csv"),
        alerts(settings),
        write_back(settings),
        *(file for one in warehouse for why in ASIDE for file in folder.glob(f"{one.name}.{why}-*")),
        alert_history(settings.warehouse),
    ]
    return sorted({file for file in found if file.is_file() and not file.name.startswith(".")})


def remaining(settings: Settings, subject: Subject) -> tuple[list[Remaining], list[Path]]:
    """What still names the subject: places in files of ours, and other files in the company's folders."""
    left, elsewhere = list[Remaining](), list[Path]()
    sources = _sources(settings)
    snapshots = settings.published.with_name(f"{settings.published.name.removesuffix('.duckdb')}.snapshots")
    ours = {
        *files_of_ours(settings),
        *files_of_kept_rows(settings),
        *(file for file in snapshots.rglob("*") if file.is_file()),
        settings.warehouse,
        marts_file(settings.warehouse),
        settings.report,
    }
    for file in _files(settings):
        is_one_of_ours = file in ours or file.is_relative_to(settings.dagster_home) or file.name.startswith(".")
        if is_one_of_ours:
            left += [Remaining(file, place) for place in _places(file, subject)]
            if file.suffix == ".parquet" and file.is_relative_to(settings.pulled):
                rows = parquet_without(file, subject, dry_run=True)
                left += [Remaining(file, f"{rows} rows")] if rows else []
        elif file.resolve() not in sources and _has_bytes(file, subject):
            elsewhere.append(file)
    return left, elsewhere


def _sources(settings: Settings) -> set[Path]:
    found = set[Path]()
    for name, source in settings.sources.items():
        try:
            found |= {Path(file).resolve() for file in files_of(name, source) if "://" not in file}
        except SourceError:
            continue
    return found


def _files(settings: Settings) -> list[Path]:
    """Every file in the folders that the product writes to."""
    folders = {settings.warehouse.parent, settings.published.parent, settings.notes, settings.dagster_home}
    return sorted(
        {file for folder in folders for file in folder.rglob("*") if file.is_file() and not file.is_symlink()}
    )


def _places(file: Path, subject: Subject) -> Iterator[str]:
    if file.stat().st_size > 12 and is_ours(file):
        with closing(duckdb.connect(str(file), read_only=True)) as connection:
            (database,) = connection.execute("select current_database()").fetchone() or ("",)
            for relation, rows in found_in(connection, database, subject).items():
                yield f"{relation}: {rows} rows"
    if _has_bytes(file, subject):
        yield "its bytes"


def _has_bytes(file: Path, subject: Subject) -> bool:
    forms = {form.encode(code) for term in subject.searched for form in term.forms for code in ("utf-8", "utf-16-le")}
    if not forms or not file.stat().st_size:
        return False
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(form) >= 0 for form in forms)
