"""The ten hand-made accounts from files to scores: every branch of NovaCRM's published scorecard."""

import csv
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import yaml

from health_assets import settings as company_settings
from health_assets.expressions import Period
from health_assets.gate import gated
from health_assets.settings import Settings
from health_assets.sources import read_source
from health_assets.tables import load_all
from health_assets_tests import novacrm_ten_accounts as ten

AS_OF = date.fromisoformat(ten.AS_OF)
FILES = {
    "accounts": ten.ACCOUNTS,
    "subscriptions": ten.SUBSCRIPTIONS,
    "invoices": ten.INVOICES,
    "usage_events": ten.USAGE_EVENTS,
    "support_tickets": ten.SUPPORT_TICKETS,
}


@pytest.fixture(scope="module")
def scored_accounts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """mart_customer_health of the ten accounts, by account."""
    rows = _made("mart_customer_health", _company(tmp_path_factory.mktemp("ten"))).collect()
    return {row["account_id"]: row for row in rows.to_dicts()}


@pytest.mark.parametrize("account_id", sorted(ten.EXPECTED))
def test_account_gets_the_score_worked_out_by_hand(
    account_id: str, scored_accounts: dict[str, dict[str, object]]
) -> None:
    row = scored_accounts[account_id]
    parts = tuple(row[f"{dimension}_score"] for dimension in ten.DIMENSIONS)
    assert (*parts, row["health_score"], row["health_band"]) == ten.EXPECTED[account_id]


def test_account_that_is_not_active_in_the_crm_is_not_scored(scored_accounts: dict[str, dict[str, object]]) -> None:
    assert scored_accounts.keys() == ten.EXPECTED.keys()


def test_lowest_score_comes_first(scored_accounts: dict[str, dict[str, object]]) -> None:
    assert scored_accounts["TEN-05"]["intervention_priority"] == 1
    assert scored_accounts["TEN-07"]["intervention_priority"] == len(ten.EXPECTED)


def _company(folder: Path) -> Settings:
    for name, rows in FILES.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    chosen = {
        "as_of": ten.AS_OF,
        "history_start": "2024-01-01",
        "scorecard": "novacrm",
        "sources": {name: {"path": f"{name}.csv"} for name in FILES},
    }
    file = folder / "settings.yml"
    file.write_text(yaml.safe_dump(chosen), encoding="utf-8")
    return company_settings.load(file)


def _made(wanted: str, settings: Settings) -> pl.LazyFrame:
    """A table made from the files by calling the transforms that it needs, without a warehouse."""
    tables = load_all()
    injected = {
        "settings": settings,
        "as_of": AS_OF,
        "load_day": settings.load_day,
        "period": Period(date(2024, 1, 1), AS_OF),
    }

    @cache
    def made(name: str) -> pl.LazyFrame:
        table = tables[name]
        if table.rows is not None:
            return read_source(name.removeprefix("raw_"), table.rows, settings)
        rows = table.function(
            **{reads: made(reads) for reads in table.inputs}, **{given: injected[given] for given in table.injected}
        )
        kept = gated(rows, table.contract, {}, monthly=table.monthly).kept if table.is_gated else rows.collect()
        return kept.lazy()

    return made(wanted)
