"""The ten hand-made accounts from files to scores: every branch of NovaCRM's published scorecard."""

import pytest

from health_assets_tests import novacrm_ten_accounts as ten
from health_assets_tests.inline_company import company_of, made

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
    company = company_of(
        tmp_path_factory.mktemp("ten"), FILES, as_of=ten.AS_OF, history_start="2024-01-01", scorecard="novacrm"
    )
    rows = made("mart_customer_health", company).collect()
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
