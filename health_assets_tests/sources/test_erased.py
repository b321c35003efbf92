"""Rows of erased accounts and users are left out where sources are read, before anything is stored."""

from pathlib import Path

import pytest

from health_assets.assets import load_all
from health_assets.settings import Settings
from health_assets.sources.erased import Entry, Erased, accounts_now, list_of, read_list, write_list
from health_assets.sources.formats import SourceError
from health_assets.sources.readers import erased_rows, read_source
from health_assets_tests import inline_company

ACCOUNTS = [
    {"account_id": "A", "company_name": "Apple", "signup_date": "2024-01-01", "parent_account_id": ""},
    {"account_id": "AB", "company_name": "Applegate", "signup_date": "2024-01-01", "parent_account_id": "A"},
]


def company_of(folder: Path, files: dict[str, list[dict[str, str]]], **chosen: object) -> Settings:
    return inline_company.company_of(folder, files, warehouse="warehouse.duckdb", **chosen)


def erased_from(settings: Settings, *keys: tuple[str, str, str, bool]) -> Settings:
    erased = Erased()
    erased.entries += [Entry(kind, erased.hash_of(kind, key), name, kept) for kind, key, name, kept in keys]  # type: ignore[arg-type]
    write_list(settings, erased)
    return settings


def read(settings: Settings, name: str, *columns: str) -> list[tuple]:
    return read_source(name, load_all()[f"raw_{name}"].rows, settings).select(columns).collect().rows()


def test_row_of_an_erased_account_is_left_out_and_one_whose_key_begins_alike_stays(tmp_path: Path) -> None:
    settings = erased_from(company_of(tmp_path, {"accounts": ACCOUNTS}), ("account", "A", "erased-1", True))
    assert read(settings, "accounts", "account_id", "parent_account_id") == [("AB", "erased-1")]
    assert erased_rows("accounts", load_all()["raw_accounts"].rows, settings) == 1


def test_reference_to_an_account_of_which_nothing_is_kept_is_null(tmp_path: Path) -> None:
    settings = erased_from(company_of(tmp_path, {"accounts": ACCOUNTS}), ("account", "A", "erased-1", False))
    assert read(settings, "accounts", "account_id", "parent_account_id") == [("AB", None)]


def test_key_is_compared_as_the_settings_spell_it(tmp_path: Path) -> None:
    rows = [{"account_id": " cust-7 ", "company_name": "Seven", "signup_date": "2024-01-01"}]
    spelling = {"accounts": {"keys": {"account_id": {"match": "^cust-", "replace": "CUST_"}}}}
    settings = company_of(tmp_path, {"accounts": rows}, sources=spelling)
    assert read(erased_from(settings, ("account", "CUST_7", "erased-1", True)), "accounts", "account_id") == []


def test_numbers_uuids_and_unicode_are_keys_like_any_other(tmp_path: Path) -> None:
    keys = ["1", "10", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "Żółć-3"]
    rows = [{"account_id": key, "company_name": key, "signup_date": "2024-01-01"} for key in keys]
    settings = company_of(tmp_path, {"accounts": rows})
    erased_from(settings, *(("account", key, f"erased-{key}", True) for key in keys if key != "10"))
    assert read(settings, "accounts", "account_id") == [("10",)]
    assert not [key for key in keys if key != "10" and f'"{key}"' in list_of(settings).read_text(encoding="utf-8")]


def test_events_of_an_erased_user_are_left_out_by_the_user_alone(tmp_path: Path) -> None:
    users = [{"user_id": key, "account_id": "A"} for key in ("U1", "U2")]
    event = {"event_name": "login", "event_timestamp": "2025-01-05"}
    events = [{"event_id": f"E{key}", "user_id": key} | event for key in ("U1", "U2")]
    files = {"accounts": ACCOUNTS, "users": users, "usage_events": events}
    settings = erased_from(company_of(tmp_path, files), ("user", "U1", "erased-user-1", True))
    assert read(settings, "usage_events", "event_id", "account_id") == [("EU2", "A")]


def test_readings_of_the_devices_of_an_erased_account_are_left_out(tmp_path: Path) -> None:
    devices = [{"device_id": f"D{key}", "account_id": key} for key in ("A", "AB")]
    readings = [{"device_id": f"D{key}", "reading_date": "2025-01-05", "error_count": "0"} for key in ("A", "AB")]
    files = {"accounts": ACCOUNTS, "devices": devices, "device_readings": readings}
    settings = erased_from(company_of(tmp_path, files), ("account", "A", "erased-1", True))
    assert read(settings, "device_readings", "device_id") == [("DAB",)]


def test_row_that_cannot_be_split_is_left_out_if_a_cell_is_the_key(tmp_path: Path) -> None:
    settings = company_of(
        tmp_path, {"accounts": [{k: row[k] for k in row if k != "parent_account_id"} for row in ACCOUNTS]}
    )
    with (tmp_path / "accounts.csv").open("a", encoding="utf-8") as file:
        file.write("A,Apple,2024-01-01,too,many,cells\nAC,Cherry,2024-01-01,too,many,cells\n")
    erased_from(settings, ("account", "A", "erased-1", True))
    table = load_all()["raw_accounts"]
    rows = read_source("accounts", table.rows, settings, by_row=[str(tmp_path / "accounts.csv")])
    assert rows.select("account_id", "source_text").collect().rows() == [
        ("AB", None),
        (None, "AC,Cherry,2024-01-01,too,many,cells"),
    ]


def test_rows_under_a_pseudonym_belong_to_an_account_and_those_of_the_erased_key_to_none(tmp_path: Path) -> None:
    settings = erased_from(company_of(tmp_path, {"accounts": ACCOUNTS}), ("account", "A", "erased-1", True))
    assert accounts_now(settings).to_list() == ["AB", "erased-1"]


def test_list_that_cannot_be_read_stops_the_load(tmp_path: Path) -> None:
    settings = company_of(tmp_path, {"accounts": ACCOUNTS})
    list_of(settings).write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match=r"the list of what was erased cannot be read .*restore it from a backup"):
        read_list(settings)
