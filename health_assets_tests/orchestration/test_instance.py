"""Dagster's home and the alert state belong to one company."""

import shutil
from pathlib import Path

import pytest

from health_assets.orchestration.instance import prepare_home
from health_assets.settings import SettingsError
from health_assets_tests.frames import settings_of


@pytest.fixture(autouse=True)
def no_home_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")


def test_second_company_with_its_warehouse_in_the_same_folder_is_rejected(tmp_path: Path, monkeypatch) -> None:
    prepare_home(settings_of(tmp_path, warehouse="first.duckdb"))
    monkeypatch.setenv("DAGSTER_HOME", "")
    with pytest.raises(
        SettingsError, match=r"second\.duckdb shares its folder with .*first\.duckdb.* a folder of its own"
    ):
        prepare_home(settings_of(tmp_path, warehouse="second.duckdb"))


def test_folder_that_is_moved_stays_the_company_s(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    prepare_home(settings_of(tmp_path / "here"))
    shutil.move(tmp_path / "here", tmp_path / "there")
    monkeypatch.setenv("DAGSTER_HOME", "")
    prepare_home(settings_of(tmp_path / "there"))


def test_dagster_yaml_of_an_earlier_version_is_replaced_and_one_of_the_company_s_own_stays(
    tmp_path: Path, monkeypatch
) -> None:
    company = settings_of(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    own = "telemetry:\n  enabled: false\n"
    (home / "dagster.yaml").write_text(own)
    prepare_home(company)
    assert (home / "dagster.yaml").read_text() == own
    (home / "dagster.yaml").write_text(
        "event_log_storage:\n  module: health_assets.event_log\n  class: PooledEventLogStorage\n"
    )
    prepare_home(company)
    assert "health_assets.orchestration.event_log" in (home / "dagster.yaml").read_text()
