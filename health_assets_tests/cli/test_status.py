"""The status page, and the one list of accounts to contact that it shares with Slack."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from health_assets.alerts import alert
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.wording import plain
from health_assets.cli.status import SHOWN_ACCOUNTS, print_status
from health_assets.reporting.formatting import counted, money
from health_assets.settings import Settings
from health_assets_tests.conftest import END, WholeCompany, said_by


def page_of(company: WholeCompany, width: int = 120) -> str:
    page = StringIO()
    print_status(company.settings, Console(file=page, width=width))
    return page.getvalue()


@pytest.fixture
def calm_yesterday(whole_company: WholeCompany, tmp_path: Path) -> Settings:
    """The company with an alert state in which no account was at an alarming level the day before, and no days to wait."""
    alerts = whole_company.settings.alerts
    rules = {name: rule.model_copy(update={"enter_days": 0}) for name, rule in alerts.rules.items()}
    company = whole_company.settings.model_copy(
        update={
            "warehouse": tmp_path / "warehouse.duckdb",
            "alerts": alerts.model_copy(update={"rules": rules}),
        }
    )
    before = (END - timedelta(days=1)).isoformat()
    accounts = [account for (account,) in whole_company.rows("select account_id from dim.account")]
    with Outbox.of(company) as outbox, outbox.transaction():
        for rule, level in {"risk_level": "low", "health_band": "healthy"}.items():
            outbox.connection.execute("insert into rules values (?, ?, null)", [rule, before])
            outbox.connection.executemany(
                "insert into levels (account_id, rule, level, as_of_date) values (?, ?, ?, ?)",
                [(account, rule, level, before) for account in accounts],
            )
    return company


def test_status_and_slack_show_the_attention_list_in_its_order(
    whole_company: WholeCompany, calm_yesterday: Settings
) -> None:
    entries = whole_company.rows("select account_id from mart.attention_list order by attention_rank")
    listed = [account for (account,) in entries]
    assert len(listed) > 1
    assert re.findall(r"^ ?\d+ .*?\((ACC-\d+)\)", page_of(whole_company), re.MULTILINE) == listed[:SHOWN_ACCOUNTS]
    digest = alert(calm_yesterday, dry_run=True).text
    names = dict(whole_company.rows("select company_name, account_id from mart.attention_list"))
    posted = [names[name] for name in re.findall(r"^[-!+] (.*) · USD", digest, re.MULTILINE) if name in names]
    assert posted == listed


def test_mrr_in_low_bands_is_shown_beside_mrr_at_risk(whole_company: WholeCompany) -> None:
    ((mrr, accounts),) = whole_company.rows(
        "select sum(mrr), count(*) from mart.customer_health where health_band in ('at_risk', 'critical')"
    )
    expected = f"in a low health band (at risk or critical): {money(mrr, 'USD')} in {counted(accounts, 'account')}"
    assert expected in " ".join(page_of(whole_company).split())


def test_breadth_stands_next_to_the_bands(whole_company: WholeCompany) -> None:
    ((breadth,),) = whole_company.rows(
        "select median(breadth) from mart.customer_health where health_score is not null"
    )
    assert f"; {100 * breadth:.0f}% of the scorecard's weight is connected" in " ".join(page_of(whole_company).split())


def test_renewals_at_low_health_are_shown_next_to_those_at_risk(whole_company: WholeCompany) -> None:
    days = max(whole_company.settings.renewal_windows_days)
    ((low,),) = whole_company.rows(
        "select coalesce(sum(renewing_mrr), 0) from mart.renewal_pipeline "
        f"where days_to_renewal <= {days} and health_band in ('at_risk', 'critical')"
    )
    assert f"{money(low)} at low health)" in " ".join(page_of(whole_company, width=400).split())


def test_each_entry_has_its_reason_next_step_and_owner(whole_company: WholeCompany) -> None:
    entries = whole_company.rows(
        "select split_part(reason, '; ', 2), next_step, next_step_owner_role, coalesce('owner ' || account_owner, 'no owner') "
        "from mart.attention_list "
        "order by attention_rank "
        f"limit {SHOWN_ACCOUNTS}"
    )
    page = page_of(whole_company, width=400)
    for reason, step, role, owner in entries:
        assert plain(reason) in page
        assert f", {owner}" in page
        assert f"Next: {step} ({role}, within" in page


def test_a_reason_that_does_not_fit_is_left_out_whole(whole_company: WholeCompany) -> None:
    reasons = {
        part
        for (reason,) in whole_company.rows("select reason from mart.attention_list")
        for part in plain(reason).split("; ")
    }
    shown = re.findall(r"^ +Why: (.*?)$", page_of(whole_company, width=120), re.MULTILINE)
    assert shown
    assert {part for line in shown for part in line.rstrip().split("; ")} <= reasons | {"..."}


def test_the_page_fits_one_screen_of_80_columns_and_40_lines(whole_company: WholeCompany) -> None:
    assert page_of(whole_company, width=80).count("\n") <= 40


def test_the_dashboard_of_the_security_provider_is_a_page_of_its_own(whole_company: WholeCompany) -> None:
    settings_file = str(whole_company.folder / "demo" / "settings.yml")
    page = said_by("status", "--settings", settings_file, "--profile", "security").output
    assert "CYBERSECURITY CUSTOMER HEALTH DASHBOARD" in page
    assert "CYBERSECURITY" not in page_of(whole_company)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_is_wider_than_the_terminal(whole_company: WholeCompany, width: int) -> None:
    assert max(map(len, page_of(whole_company, width).splitlines())) <= width


def test_flags_of_a_shop_are_not_shown_where_subscriptions_are_connected(whole_company: WholeCompany) -> None:
    assert "commerce_flags" not in page_of(whole_company)
