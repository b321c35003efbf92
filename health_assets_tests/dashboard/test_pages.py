"""Every page of the dashboard without a browser: what it shows, and what it says where a source is missing."""

import re
import textwrap
from pathlib import Path

import polars as pl
import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from health_assets import dashboard
from health_assets.cli.export import ExportFormat, export_to
from health_assets.dashboard.access import scope_of
from health_assets.dashboard.screens import attention
from health_assets.dashboard.screens.account import CHOSEN
from health_assets.dashboard.view import WORD_JOINER, plain
from health_assets.reporting.formatting import number, pct
from health_assets.reporting.portfolio import LEVELS, mrr_at_risk
from health_assets.reporting.reader import published
from health_assets.reporting.revenue import latest_retention
from health_assets.reporting.scope import Scope
from health_assets.settings import SETTINGS_VARIABLE
from health_assets_tests.browser import snapshots
from health_assets_tests.conftest import WholeCompany, said_by

APP = Path(dashboard.__file__).with_name("app.py")
USABLE_WIDTH = 1004  # pixels of a window of 1,440, without the navigation, the margins and the boxes to choose a row


@pytest.fixture
def opened(whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(SETTINGS_VARIABLE, str(whole_company.folder / "demo" / "settings.yml"))
    return AppTest.from_file(str(APP), default_timeout=60).run()


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_a_number_is_the_same_in_terminal_dashboard_and_snapshot(whole_company: WholeCompany, opened: AppTest) -> None:
    with published(whole_company.settings) as connection:
        risk, retention = mrr_at_risk(connection), latest_retention(connection)
    assert retention is not None
    status = said_by("status", "--settings", str(whole_company.folder / "demo" / "settings.yml")).output
    shown = figures(opened)
    assert shown["MRR at churn risk"] == number(risk["at_risk_mrr"])
    assert f"MRR at churn risk (high or critical) USD {number(risk['at_risk_mrr'])} in" in status
    assert shown["NRR"] == pct(retention["nrr_pct"])
    assert f"NRR {shown['NRR']}, GRR {shown['GRR']}" in status
    assert not opened.exception


def test_a_number_is_the_same_in_report_export_and_dashboard(
    whole_company: WholeCompany, opened: AppTest, tmp_path: Path
) -> None:
    folder, _ = export_to(whole_company.settings, ExportFormat.parquet, ["mart.churn_risk"], Scope(), tmp_path)
    risk = pl.read_parquet(folder / "churn_risk.parquet")
    at_risk = number(risk.filter(pl.col("risk_level").is_in(["high", "critical"]))["mrr"].sum())
    assert figures(opened)["MRR at churn risk"] == at_risk
    assert f"MRR at churn risk<b>{at_risk}</b>" in whole_company.settings.report.read_text(encoding="utf-8")


def test_every_figure_explains_itself(opened: AppTest) -> None:
    assert [metric.label for metric in opened.metric if not metric.help] == []
    assert len(opened.metric) == 5


@pytest.mark.parametrize(
    ("headers", "scope"),
    [
        ({"X-Viewer": "Lena Fischer"}, Scope(owner="Lena Fischer")),
        ({"x-viewer": "lena@example.com"}, Scope(owner="Lena Fischer")),
        ({"X-Viewer": "head@example.com"}, Scope()),
        ({}, None),
        ({"X-Viewer": " "}, None),
    ],
)
def test_a_viewer_sees_the_accounts_of_one_owner(
    whole_company: WholeCompany, headers: dict[str, str], scope: Scope | None
) -> None:
    viewers = {"lena@example.com": "Lena Fischer", "head@example.com": "all"}
    limits = whole_company.settings.dashboard.model_copy(update={"viewer_header": "X-Viewer", "viewers": viewers})
    assert scope_of(headers, whole_company.settings.model_copy(update={"dashboard": limits})) == scope


def test_without_a_header_in_the_settings_everybody_sees_all_accounts(whole_company: WholeCompany) -> None:
    assert scope_of({"X-Viewer": "Lena Fischer"}, whole_company.settings) == Scope()


def test_a_scope_holds_its_accounts_only_in_every_table(whole_company: WholeCompany) -> None:
    ((owner,),) = whole_company.rows("select max(account_owner) from dim.account")
    with published(whole_company.settings, Scope(owner=owner)) as connection:
        allowed = {account for (account,) in connection.sql("select account_id from dim.account").fetchall()}
        tables = connection.sql(
            "select schema_name, table_name, bool_or(column_name = 'account_id') from duckdb_columns() "
            "where database_name = current_database() and schema_name in ('main', 'dim', 'fact', 'mart') group by all"
        ).fetchall()
        for schema, table, has_account in tables:
            if has_account:
                rows = connection.sql(f"select distinct account_id from {schema}.{table}").fetchall()
                assert {account for (account,) in rows} <= allowed, table
    assert {f"{schema}.{table}" for schema, table, has_account in tables if not has_account} == {
        "main.about", "main.sources", "dim.date", "dim.feature"
    }  # fmt: skip
    assert len(tables) > 50
    assert len(allowed) > 1


@pytest.mark.parametrize(
    "text", ["http://x.y", "WWW.x.y", "a@b.c", "[a](b)", "<b>", ":material/home:", "$a$", "# a", "1. a"]
)
def test_text_from_outside_means_nothing_in_markdown(text: str) -> None:
    shown = plain(text)
    assert shown.replace("\\", "").replace(WORD_JOINER, "") == text
    assert not re.search(r"(?<!\\)[\[\]<>$#:]|https?://|www\.|(?<!\u2060)@", shown, re.IGNORECASE)


def page_of(name: str, **arguments: str) -> AppTest:
    """One page of the company that the environment names, as everybody sees it."""
    script = f"""
        from health_assets import settings
        from health_assets.dashboard.screens import {name}
        from health_assets.dashboard.view import View
        from health_assets.reporting.scope import Scope

        {name}.show(View.of(settings.load(), Scope()), {", ".join(f"{key}={text}" for key, text in arguments.items())})
    """
    return AppTest.from_string(textwrap.dedent(script), default_timeout=60).run()


def test_service_levels_of_both_clocks_are_those_of_the_mart(
    whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTINGS_VARIABLE, str(whole_company.folder / "demo" / "settings.yml"))
    (last,) = whole_company.rows(
        "select calendar_sla_adherence_pct, business_sla_adherence_pct, calendar_first_response_adherence_pct, "
        "business_first_response_adherence_pct from mart.sla_adherence where dimension_type = 'all' order by month desc limit 1"
    )
    page = page_of("support")
    shown = [metric.value for metric in page.metric if metric.label in ("Resolved in time", "First response in time")]
    assert shown == [pct(last[place]) for place in (0, 2, 1, 3)]
    assert last[0] < last[1]
    assert not page.exception


def test_support_says_where_business_hours_are_missing(
    whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = snapshots.company_with(tmp_path, whole_company.settings)
    file.write_text(file.read_text() + "support: {business_hours: null}\n")
    monkeypatch.setenv(SETTINGS_VARIABLE, str(file))
    page = page_of("support")
    assert [info.value for info in page.info] == [
        "No business hours are set. Give `support.business_hours` in the settings to see them."
    ]
    assert [metric.label for metric in page.metric].count("Resolved in time") == 1


def test_product_says_where_no_usage_was_measured(
    whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unmeasured = {
        "mart.engagement_cohorts": "engagement_retention_pct",
        "mart.account_engagement": "active_user_day_count_30d",
    }
    nulled = [f"update {table} set {column} = null" for table, column in unmeasured.items()]
    monkeypatch.setenv(SETTINGS_VARIABLE, str(snapshots.company_with(tmp_path, whole_company.settings, *nulled)))
    page = page_of("product")
    said = "not measured yet. Connect `usage_events` in the settings to see it."
    assert [info.value for info in page.info] == [f"Engagement cohorts: {said}", f"Accounts: {said}"]


def test_what_moved_an_account_is_the_same_on_its_page_and_in_the_terminal(
    whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(whole_company.folder / "demo" / "settings.yml")
    monkeypatch.setenv(SETTINGS_VARIABLE, file)
    page = page_of("account")
    account = page.session_state[CHOSEN]
    said = said_by("account", account, "--settings", file).output
    found = re.findall(r"Since (\S+) \(\d+ days\): \*\*(\S+) points\*\*", " ".join(one.value for one in page.markdown))
    assert len(found) == 2
    for day, points in found:
        assert re.search(rf"Since {day} +{re.escape(points)} points", said)


CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
PAGES = (
    "account",
    "attention",
    "commerce",
    "operations",
    "portfolio",
    "product",
    "revenue",
    "score",
    "security",
    "support",
)


@pytest.mark.parametrize("name", PAGES)
def test_the_tables_of_a_page_hold_words_and_name_the_accounts(
    name: str, whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTINGS_VARIABLE, str(whole_company.folder / "demo" / "settings.yml"))
    page = page_of(name, account_page="None") if name == "attention" else page_of(name)
    assert not page.exception
    assert len(page.dataframe) > 0
    for table in page.dataframe:
        rows = table.value
        codes = {
            str(value) for column in rows for value in rows[column] if isinstance(value, str) and CODE.fullmatch(value)
        }
        assert codes == set()
        assert "account_id" not in rows or {"name", "company_name"} & set(rows.columns)


def test_declining_accounts_have_a_flag_and_touchpoints_an_effect(
    whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTINGS_VARIABLE, str(whole_company.folder / "demo" / "settings.yml"))
    declining = page_of("operations").dataframe[0].value
    assert (declining["risk_score"] > 0).all()
    effects = page_of("score").dataframe[-1].value
    assert effects["effect_30d"].notna().all()


def test_owner_since_and_due_of_an_account_to_contact_are_seen_without_scrolling(
    whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTINGS_VARIABLE, str(whole_company.folder / "demo" / "settings.yml"))
    (table,) = page_of("attention", account_page="None").dataframe
    (rank, level, since) = whole_company.rows(
        "select attention_rank, attention_level, since_date from mart.attention_list where since_date is not null order by 1"
    )[0]
    assert table.value["attention_level"][rank - 1] == f"{LEVELS[level]} since {since}"
    assert {"account_owner", "next_step_days"} < set(attention.WIDTHS)
    assert list(table.value.columns)[: len(attention.WIDTHS)] == list(attention.WIDTHS)
    assert sum(attention.WIDTHS.values()) <= USABLE_WIDTH


def test_rows_of_the_attention_list_have_room_for_the_longest_reason() -> None:
    def height(reason: str) -> int:
        row = {"reason": reason, "next_step": "Call the account", "attention_level": "low health since 2025-01-01"}
        return attention._row_height(pl.DataFrame([row]))

    letters = (attention.WIDTHS["reason"] - attention.MARGIN) // attention.LETTER_WIDTH
    short, long = height("No login"), height("x" * letters * 6)
    assert short == attention.MARGIN + attention.FEWEST_LINES * attention.LINE_HEIGHT
    assert long >= attention.MARGIN + 6 * attention.LINE_HEIGHT


def test_streamlit_finds_no_pages_that_the_navigation_does_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PagesManager, "uses_pages_directory", None)  # looked up once for each process
    PagesManager(str(APP))
    assert PagesManager.uses_pages_directory is False


@pytest.mark.parametrize("page", sorted(APP.parent.glob("screens/*.py")), ids=lambda page: page.stem)
def test_a_page_computes_no_metric(page: Path) -> None:
    computing = re.findall(r"100 \* pl\.|\.(?:sum|mean|median|group_by|agg|rolling_\w+|over)\(", page.read_text())
    assert computing == []
