"""Settings of pulls: secrets by the name of a variable, encrypted addresses, presets that need no path."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from health_assets import settings
from health_assets.settings.pull import pulled_vendor


def loaded(folder: Path, pull: Any, sources: Any = None) -> settings.Settings:
    file = folder / "settings.yml"
    given = {"pull": pull, "sources": sources or {}, "warehouse": "data/acme.duckdb"}
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    return settings.load(file)


def test_preset_without_path_reads_what_is_pulled_next_to_the_warehouse(tmp_path: Path) -> None:
    company = loaded(tmp_path, {"stripe": {"token": "env:STRIPE_KEY"}}, {"accounts": {"preset": "stripe"}})
    assert company.sources["accounts"].path == [str(tmp_path / "data/acme.pulled/stripe")]
    assert pulled_vendor(company.sources["accounts"], company.pulled) == "stripe"


def test_preset_with_a_path_is_not_pulled(tmp_path: Path) -> None:
    sources = {"accounts": {"preset": "stripe", "path": "exports"}}
    company = loaded(tmp_path, {"stripe": {"token": "env:STRIPE_KEY"}}, sources)
    assert pulled_vendor(company.sources["accounts"], company.pulled) is None


def test_preset_without_path_needs_its_pull(tmp_path: Path) -> None:
    with pytest.raises(
        settings.SettingsError,
        match=r"sources.accounts.preset: give .*, or a connection; or say under pull.stripe how to",
    ):
        loaded(tmp_path, {}, {"accounts": {"preset": "stripe"}})


def test_vendor_whose_api_is_not_pulled_needs_files_or_a_connection(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=r"as path, or a connection$"):
        loaded(tmp_path, {}, {"accounts": {"preset": "chargebee"}})


def test_token_in_the_settings_is_rejected_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=r"pull.stripe.token: write env:NAME") as error:
        loaded(tmp_path, {"stripe": {"token": "sk_live_5ecret"}})
    assert "5ecret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://api.stripe.com", "must begin with https://"),
        ("ftp://127.0.0.1", "must begin with https://"),
        ("https://user:5ecret@api.stripe.com", "give the address alone"),
    ],
)
def test_address_that_would_show_a_token_is_rejected(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(settings.SettingsError, match=said) as error:
        loaded(tmp_path, {"stripe": {"token": "env:STRIPE_KEY", "url": url}})
    assert "5ecret" not in str(error.value)


@pytest.mark.parametrize(
    "login", [{}, {"client_id": "env:ID"}, {"client_id": "env:ID", "client_secret": "env:S", "token": "env:T"}]
)
def test_salesforce_needs_one_way_to_log_in(tmp_path: Path, login: dict[str, str]) -> None:
    with pytest.raises(settings.SettingsError, match=r"give client_id and client_secret of a connected app, or token"):
        loaded(tmp_path, {"salesforce": {"url": "https://acme.my.salesforce.com", **login}})
