"""A disk that is full, at the staged tables, at the marts and at the snapshot: one message, nothing lost."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from health_assets_tests.faults.conftest import Company, differences

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine does not let us mount a small disk: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", ["staged_invoices", "mart_net_revenue_retention", "published"])
def test_a_full_disk_is_one_message_and_the_next_run_makes_good(disk: Path, clean: Company, place: str) -> None:
    company = Company(disk / "company")
    shutil.copytree(clean.folder, company.folder, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    environment = company.folder / "dagster"
    environment.symlink_to(disk.parent / "dagster")  # the history has a disk of its own, else nothing could be told
    (disk.parent / "dagster").mkdir(exist_ok=True)
    hash_before = company.snapshot_hash()
    code, said = company.run(fault=f"fill {place}", disk=disk)
    (disk / "filler").unlink()
    assert code == 1, said
    assert "the disk is full" in said
    assert "Traceback" not in said
    assert company.snapshot_hash() == hash_before
    code, said = company.run()
    assert code == 0, said
    assert differences(company.tables(), clean.tables()) == []
