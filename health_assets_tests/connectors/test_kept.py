"""A pulled table on disk: the current row per key, and parts of a pull that is not complete."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from health_assets.connectors import kept as kept_module
from health_assets.connectors.kept import KeptTable

READ = frozenset({"id", "status", "items"})


def table_of(folder: Path) -> KeptTable:
    return KeptTable(folder, "subscription", READ, ("status",))


def pulled(folder: Path, *records: dict[str, Any], is_listing: bool = False, cursor: int = 0) -> KeptTable:
    """A pull of one part that is complete."""
    table = table_of(folder)
    table.begin(is_listing=is_listing)
    table.add(records)
    table.write_part({"cursor": cursor}, is_complete=True)
    table.publish(is_listing=is_listing)
    return table


def rows(table: KeptTable) -> list[tuple[Any, ...]]:
    return pl.read_parquet(table.file).select("id", "status", "is_deleted").rows()


def test_latest_record_of_a_key_counts(tmp_path: Path) -> None:
    pulled(
        tmp_path, {"id": "b", "status": "active"}, {"id": "a", "status": "trialing"}, {"id": "a", "status": "active"}
    )
    assert rows(pulled(tmp_path, {"id": "b", "status": "canceled"})) == [("a", "active", None), ("b", "canceled", None)]


def test_record_that_a_listing_lacks_is_marked_as_deleted_and_kept(tmp_path: Path) -> None:
    pulled(tmp_path, {"id": "a", "status": "active"}, {"id": "b", "status": "active"}, is_listing=True)
    pulled(tmp_path, {"id": "b", "status": "active"}, is_listing=True)
    assert rows(table_of(tmp_path)) == [("a", "active", "true"), ("b", "active", None)]
    pulled(tmp_path, {"id": "a", "status": "active"}, {"id": "b", "status": "active"}, is_listing=True)
    assert rows(table_of(tmp_path)) == [("a", "active", None), ("b", "active", None)]


def test_changes_alone_delete_nothing(tmp_path: Path) -> None:
    pulled(tmp_path, {"id": "a", "status": "active"})
    assert rows(pulled(tmp_path)) == [("a", "active", None)]


def test_only_fields_that_presets_read_are_kept_as_text(tmp_path: Path) -> None:
    table = pulled(tmp_path, {"id": 7, "status": True, "Items": {"data": [1]}, "phone": "555"})
    kept = pl.read_parquet(table.file)
    assert kept.to_dicts() == [{"Items": '{"data": [1]}', "id": "7", "is_deleted": None, "status": "true"}]


def test_table_without_a_record_has_its_columns(tmp_path: Path) -> None:
    assert pl.read_parquet(pulled(tmp_path).file).columns == ["id", "is_deleted", "status"]


def test_interrupted_pull_resumes_after_its_last_part_and_shows_nothing_before_its_end(tmp_path: Path) -> None:
    pulled(tmp_path, {"id": "a", "status": "active"}, cursor=1)
    table = table_of(tmp_path)
    table.begin(is_listing=False)
    table.add([{"id": "a", "status": "canceled"}])
    table.write_part({"after": "a"})
    assert rows(table) == [("a", "active", None)]
    again = table_of(tmp_path)
    assert again.begin(is_listing=False) == ({"cursor": 1}, {"after": "a"})
    again.add([{"id": "b", "status": "active"}])
    again.write_part({"cursor": 2}, is_complete=True)
    assert again.publish(is_listing=False) == 2
    assert rows(again) == [("a", "canceled", None), ("b", "active", None)]
    assert table_of(tmp_path).begin(is_listing=False) == ({"cursor": 2}, {})


def test_table_whose_parts_are_complete_goes_on_from_their_end(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    table.begin(is_listing=False)
    table.add([{"id": "a", "status": "active"}])
    table.write_part({"cursor": 5}, is_complete=True)
    again = table_of(tmp_path)
    assert again.begin(is_listing=False) == ({"cursor": 5}, {})
    again.write_part({"cursor": 5}, is_complete=True)
    again.publish(is_listing=False)
    assert rows(again) == [("a", "active", None)]


def test_old_interrupted_listing_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(tmp_path)
    table.begin(is_listing=True)
    table.add([{"id": "a", "status": "active"}])
    table.write_part({"after": "a"})
    assert table_of(tmp_path).begin(is_listing=True) == ({}, {"after": "a"})
    monkeypatch.setattr(kept_module, "RESUME_WITHIN", timedelta(0))
    assert table_of(tmp_path).begin(is_listing=True) == ({}, {})


def test_parts_that_outlived_their_publication_are_deleted(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    table.begin(is_listing=False)
    table.add([{"id": "a", "status": "active"}])
    table.write_part({"cursor": 1}, is_complete=True)
    part = tmp_path / ".unfinished" / "subscription" / "000001.part"
    left = part.read_bytes()
    table.publish(is_listing=False)
    part.parent.mkdir()
    part.write_bytes(left)  # as after a kill between the replacement and the deletion
    assert table_of(tmp_path).begin(is_listing=False) == ({"cursor": 1}, {})
    assert not part.exists()
