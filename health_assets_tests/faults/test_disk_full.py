"""A disk that is full or read-only, with everything on it as it is by default: one message, nothing lost.

The exit code says whether readers have a new snapshot, whatever else could not be written.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import Entry
from health_assets.alerts.outbox import AlertError, Outbox
from health_assets.warehouse import disk as disks
from health_assets.warehouse.disk import DiskError, check_links, check_writable, trouble
from health_assets_tests.faults.conftest import ROOT, Company, differences
from health_assets_tests.faults.small import fill


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 96 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine does not let us mount a small disk: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.fixture
def company(disk: Path, clean: Company) -> Company:
    """A company whose files, warehouse, snapshot, history and alert state are all on the disk."""
    shutil.copytree(clean.folder, disk / "company", symlinks=True)
    return Company(disk / "company")


def entry(name: str) -> Entry:
    day = date(2025, 1, 31)
    return Entry(
        name, day, name, "risk_level", "warning", "default", DataAlert([name], day, name, ["x" * 500], "remedy")
    )


def said_by(company: Company, command: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "health_assets.cli.app", command, "--settings", str(company.settings)],
        cwd=ROOT,
        env=os.environ | {"DAGSTER_HOME": str(company.folder / "dagster"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", ["start", "staged_invoices", "published", "swap"])
def test_a_full_disk_is_one_message_and_the_next_run_recovers(
    disk: Path, company: Company, clean: Company, place: str
) -> None:
    hash_before = company.snapshot_hash()
    if place == "start":
        fill(disk)
    code, said = company.run(fault="" if place == "start" else f"fill {place}", disk=disk)
    assert "the disk is full" in said, said
    assert "Traceback" not in said
    assert code == (company.snapshot_hash() == hash_before), said
    assert code == (place != "swap")
    if place == "start":
        for command in ("doctor", "prune", "alerts"):
            _, said = said_by(company, command)
            assert "Traceback" not in said
            assert "the disk is full" in said or command == "alerts"
    (disk / "filler").unlink()
    code, said = company.run()
    assert code == 0, said
    assert differences(company.tables(), clean.tables()) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_read_only_disk_is_one_message_for_every_command(disk: Path, company: Company) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for command in ("run", "doctor", "prune", "ui"):
        code, said = company.run() if command == "run" else said_by(company, command)
        assert (code, "Traceback" in said) == (1, False), said
        assert "mounted read-only" in said or command == "doctor", said


def test_alert_state_on_a_full_or_read_only_disk_is_kept_and_used_again(disk: Path) -> None:
    file = disk / "alerts.sqlite"
    with Outbox.opened(file) as outbox, outbox.transaction():
        outbox.add([entry("before")])
    fill(disk)
    with pytest.raises(AlertError, match=r"(?i)the disk is full.* leave the file where it is"):
        add_many(file)
    (disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(AlertError, match=r"mounted read-only.* leave the file where it is"):
        add_many(file)
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    with Outbox.opened(file) as outbox:
        assert [one.account_id for one in outbox.pending()] == ["before"]


def add_many(file: Path) -> None:
    with Outbox.opened(file) as outbox, outbox.transaction():
        outbox.add([entry(f"account {number}") for number in range(2000)])


def test_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(disks.tempfile, "TemporaryFile", refuses)
    with pytest.raises(DiskError, match=r"cannot be written \(Permission denied\); give this user write permission"):
        check_writable(tmp_path / "warehouse.duckdb")


def test_place_that_holds_no_files_is_refused_before_a_run() -> None:
    with pytest.raises(DiskError, match="/proc: cannot be written"):
        check_writable(Path("/proc/x/warehouse.duckdb"))


def test_file_system_without_symbolic_links_is_found_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_links(tmp_path / "published.duckdb")
    assert list(tmp_path.iterdir()) == []

    def refuses(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "symlink_to", refuses)
    with pytest.raises(DiskError, match="has no symbolic links, which publishing needs"):
        check_links(tmp_path / "published.duckdb")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "the disk is full"),
        (RuntimeError("database or disk is full"), "the disk is full"),
        (PermissionError(13, "Permission denied", "x.db"), "cannot be written"),
        (RuntimeError("division by zero"), None),
    ],
)
def test_what_is_wrong_with_the_disk_is_said_and_other_errors_are_not_explained_away(
    tmp_path: Path, error: Exception, said: str | None
) -> None:
    found = trouble(error, [tmp_path / "warehouse.duckdb"])
    assert (found is None) == (said is None)
    assert said is None or said in found
