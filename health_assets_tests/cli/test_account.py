"""The account page of the terminal."""

import pytest

from health_assets.reporting import accounts
from health_assets.reporting.reader import published
from health_assets_tests.conftest import WholeCompany, said_by


@pytest.fixture
def settings_file(whole_company: WholeCompany) -> str:
    return str(whole_company.folder / "demo" / "settings.yml")


def test_a_name_without_a_command_shows_the_account(whole_company: WholeCompany, settings_file: str) -> None:
    ((account, name),) = whole_company.rows("select account_id, company_name from mart.attention_list limit 1")
    for arguments in ([account], ["show", account], [name.upper()]):
        said = said_by("account", *arguments, "--settings", settings_file)
        assert said.exit_code == 0
        assert f"{name} ({account})" in said.output


def test_an_unknown_account_is_an_error_that_suggests_one(whole_company: WholeCompany, settings_file: str) -> None:
    ((name,),) = whole_company.rows("select company_name from dim.account order by account_id limit 1")
    said = said_by("account", f"{name}x", "--settings", settings_file)
    assert said.exit_code == 1


def test_the_parts_of_the_score_add_up_to_it(whole_company: WholeCompany) -> None:
    with published(whole_company.settings) as connection:
        scores = connection.sql("select account_id, computed_health_score from mart.customer_health").fetchall()
        for account, score in scores[:20]:
            parts = accounts.score_parts(connection, account)
            assert sum(parts["points"].drop_nulls()) == pytest.approx(score or 0, abs=1e-6)
            assert score is None or sum(parts["most_points"].drop_nulls()) == pytest.approx(100)
            for days in accounts.MOVED_SINCE:
                if since := accounts.moved(connection, account, days):
                    assert sum(change for _, change in since.parts) == pytest.approx(since.change, abs=0.05)


def test_each_raised_factor_and_the_next_step_are_shown(whole_company: WholeCompany, settings_file: str) -> None:
    ((account, factors, step),) = whole_company.rows(
        "select account_id, [f.sentence for f in factors], next_step from mart.attention_list "
        "join mart.churn_risk using (account_id) order by factor_count desc, account_id limit 1"
    )
    assert len(factors) > 1
    page = said_by("account", account, "--settings", settings_file).output
    assert [sentence for sentence in [*factors, step] if sentence not in page] == []


def test_the_page_for_the_customer_leaves_internals_out(whole_company: WholeCompany, settings_file: str) -> None:
    ((account,),) = whole_company.rows("select account_id from mart.attention_list order by attention_rank limit 1")
    internal = said_by("account", account, "--settings", settings_file, "--events", "500").output
    page = said_by("account", account, "--settings", settings_file, "--events", "500", "--for-customer").output
    for word in ("Health", "Churn risk", "Next step", " touchpoint ", "owner "):
        assert word not in page
    assert "Churn risk" in internal
    assert "Tickets, 90 days" in page
    assert " ticket " in page
