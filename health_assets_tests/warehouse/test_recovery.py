"""A warehouse that does not open is put aside only if the file itself is at fault."""

from pathlib import Path

import duckdb
import pytest

from health_assets.warehouse.recovery import why_it_does_not_open


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [
        ("Out of Memory Error: failed to allocate data of size 256.0 KiB", True),
        ("IO Error: Cannot open file: Too many open files", True),
        ("Serialization Error: Failed to deserialize: field id mismatch", False),
    ],
)
def test_sound_file_that_memory_does_not_suffice_for_stays_where_it_is(
    tmp_path: Path, error: str, is_kept: bool
) -> None:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    said = why_it_does_not_open(file, error)
    assert file.exists() == is_kept
    assert said.endswith("nothing was changed" if is_kept else "the warehouse will be rebuilt from the files")
