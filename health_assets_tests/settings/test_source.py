"""How a source is described: what cannot be meant is refused when the settings are read."""

from pathlib import Path

import pytest

from health_assets.assets import load_all
from health_assets.settings import SettingsError
from health_assets.settings.suggestions import did_you_mean
from health_assets.sources.check import with_source_faults
from health_assets.tables import source_contracts
from health_assets_tests.frames import settings_of, written


def refused(folder: Path, **described: object) -> str:
    with pytest.raises(SettingsError) as error:
        settings_of(folder, sources={"accounts": {"path": "a.csv"} | described})
    return str(error.value)


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"keys": {"account_id": {"match": "(", "replace": ""}}}, "'(' is not a regular expression"),
        ({"keys": {"account_id": {"match": "^K"}}}, "sources.accounts.keys.account_id.replace: is missing"),
        ({"delimiter": ";;"}, "';;' cannot separate columns"),
        ({"delimiter": "a"}, "'a' cannot separate columns"),
        ({"timezone": "Europe"}, "'Europe' is not a time zone"),
        ({"timezone": "localtime"}, "'localtime' is not a time zone"),
        ({"encoding": "utf8000"}, "'utf8000' is not an encoding"),
        ({"encoding": "base64"}, "'base64' is not an encoding"),
        ({"date_format": "DD.MM.YYYY"}, "'DD.MM.YYYY' is not a date format"),
        ({"scale": {"age": [1, 1]}}, "age: both ends of the scale are 1"),
        ({"decimal": ",", "thousands": ","}, "thousands: ',' is the decimal mark as well"),
        ({"duplicates": "latest"}, "sources.accounts.duplicates"),
        ({"date_fromat": "%d"}, "date_fromat: is not a setting; did you mean 'date_format'?"),
        ({"unit": {"age": "weeks"}}, "sources.accounts.unit.age"),
    ],
)
def test_an_impossible_description_is_rejected(tmp_path, described, said):
    assert said in refused(tmp_path, **described)


@pytest.mark.parametrize("start", ["0001-01-01", "1899-12-31"])
def test_history_that_begins_before_anybody_kept_records_is_rejected(tmp_path, start):
    with pytest.raises(SettingsError, match="history_start: must be 1990-01-01 or later"):
        settings_of(tmp_path, history_start=start)


@pytest.mark.parametrize("name", ["published", "warehouse"])
def test_file_of_a_source_is_never_written_over(tmp_path, name):
    written(tmp_path, "a.csv", "account_id\n")
    with pytest.raises(SettingsError, match=rf"{name}: .*a\.csv is a file of sources\.accounts"):
        settings_of(tmp_path, sources={"accounts": {"path": "*.csv"}}, **{name: "a.csv"})


def test_snapshot_is_not_the_warehouse(tmp_path):
    with pytest.raises(SettingsError, match=r"published: .*warehouse\.duckdb is the warehouse as well"):
        settings_of(tmp_path, published="warehouse.duckdb")


def test_what_else_is_wrong_is_found_although_a_key_is(tmp_path):
    load_all()
    written(tmp_path, "a.csv", "id,company_name,signup_date\nA,Acme,2024-01-01\n")
    with pytest.raises(SettingsError) as error:
        settings_of(
            tmp_path,
            timezone="Europe",
            sources={"accounts": {"path": "a.csv", "columns": {"id": "account"}, "sheeet": "x"}},
        )
    said = str(with_source_faults(error.value, source_contracts()))
    assert [line.split(":")[0].strip() for line in said.splitlines()[1:]] == [
        "timezone", "sources.accounts.sheeet", "sources.accounts.columns",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("renewal_dat", "; did you mean 'renewal_date'?"),
        ("mrr", "; did you mean 'mrr_amount'?"),
        ("Status", "; did you mean 'status'?"),
        ("zzz", "; use one of renewal_date, mrr_amount, status"),
    ],
)
def test_unknown_name_is_answered_with_the_one_that_was_meant(word, said):
    assert did_you_mean(word, ["renewal_date", "mrr_amount", "status"]) == said
