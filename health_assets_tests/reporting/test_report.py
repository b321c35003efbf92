"""The report: one file that needs nothing else, with the numbers of the snapshot."""

import re
from html import escape
from pathlib import Path

import duckdb
import pytest

from health_assets import settings
from health_assets.cli.report import as_pdf, write_report
from health_assets.cli.terminal import CommandError
from health_assets.reporting import svg
from health_assets.reporting.formatting import number, pct
from health_assets.reporting.palette import GAIN, LOSS
from health_assets.reporting.portfolio import mrr_at_risk
from health_assets.reporting.reader import published
from health_assets.reporting.report import _movements
from health_assets.reporting.revenue import latest_retention
from health_assets.reporting.scope import Scope
from health_assets.warehouse.sql import literal
from health_assets_tests.conftest import WholeCompany
from health_assets_tests.programs import chromium

KB = 1024


@pytest.fixture(scope="module")
def report(whole_company: WholeCompany) -> str:
    return whole_company.settings.report.read_text(encoding="utf-8")


def test_the_daily_run_writes_the_report_next_to_the_snapshot(whole_company: WholeCompany, report: str) -> None:
    assert whole_company.settings.report.parent == whole_company.settings.published.parent
    assert "as of <b>2025-01-17</b>" in report


def test_the_report_needs_no_script_and_no_other_file(report: str) -> None:
    assert not re.search(r"<script|<link|<img|<iframe|https?://|url\(|@import|\son\w+=", report)
    assert len(report.encode()) < 300 * KB


def test_the_report_shows_the_numbers_of_the_snapshot(whole_company: WholeCompany, report: str) -> None:
    with published(whole_company.settings) as connection:
        risk, retention = mrr_at_risk(connection), latest_retention(connection)
    assert retention is not None
    assert f"MRR at churn risk<b>{number(risk['at_risk_mrr'])}</b>" in report
    assert f"NRR<b>{pct(retention['nrr_pct'])}</b>" in report
    for account, reason in whole_company.rows("select account_id, reason from mart.attention_list"):
        assert f"{account}, " in report
        assert reason.split(";")[0].replace("'", "&#x27;") in report


def test_a_report_of_an_unknown_owner_says_who_was_meant(whole_company: WholeCompany, tmp_path: Path) -> None:
    ((owner,),) = whole_company.rows("select min(account_owner) from dim.account")
    with pytest.raises(CommandError, match=f"there are no accounts of {owner[:-1]}; did you mean '{owner}'"):
        write_report(whole_company.settings, Scope(owner=owner[:-1]), tmp_path / "report.html")
    with pytest.raises(CommandError, match="there are no accounts of Zzyzx; there are those of "):
        write_report(whole_company.settings, Scope(owner="Zzyzx"), tmp_path / "report.html")


def test_a_report_of_one_owner_names_no_other_account(whole_company: WholeCompany, tmp_path: Path) -> None:
    ((owner,),) = whole_company.rows(
        "select account_owner from mart.attention_list where account_owner is not null limit 1"
    )
    text = write_report(whole_company.settings, Scope(owner=owner), tmp_path / "report.html").read_text(
        encoding="utf-8"
    )
    others = whole_company.rows(
        f"select account_id from dim.account where account_owner is distinct from {literal(owner)}"
    )
    assert [account for (account,) in others if account in text] == []
    assert f"accounts of {escape(owner)}" in text


def test_charts_of_months_without_retention_have_no_caption_and_no_heading() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema mart; create table mart.net_revenue_retention as "
            "select date '2026-11-01' as month, 4040.0 as ending_mrr, null::double as starting_mrr, null::double as new_mrr, "
            "null::double as reactivation_mrr, null::double as expansion_mrr, null::double as contraction_mrr, "
            "null::double as churned_mrr, null::double as nrr_pct, null::double as grr_pct")  # fmt: skip
        assert list(_movements(connection, settings.load())) == []
        connection.execute("update mart.net_revenue_retention set nrr_pct = 100, grr_pct = 100")
        heading, charts = _movements(connection, settings.load())
    assert heading == "<h2>Movement</h2>"
    assert "Retention by month, %" in charts
    assert "MRR this month" not in charts


def test_text_of_the_source_is_never_markup() -> None:
    drawn = svg.sparkline([50.0], "<script>alert('x')</script>")
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn


def test_a_sparkline_is_interrupted_where_there_was_no_score() -> None:
    assert svg.sparkline([10, 20, None, 30, 40], "health").count("<polyline") == 2


def test_a_waterfall_draws_gains_and_losses_between_its_totals() -> None:
    drawn = svg.waterfall([("start", 100), ("new", 20), ("churned", -5), ("end", 115)], ["start", "end"], "MRR")
    assert (drawn.count("<rect"), drawn.count(GAIN), drawn.count(LOSS)) == (4, 1, 1)
    assert ">+20<" in drawn
    assert ">-5<" in drawn


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0), (94.2, 113.7), (0, 89_904), (-30, 12), (0.001, 0.002)])
def test_an_axis_holds_its_values(low: float, high: float) -> None:
    start, end = svg._axis(low, high)
    assert start <= low
    assert end >= high


@pytest.mark.slow
def test_chromium_prints_the_report(whole_company: WholeCompany, tmp_path: Path) -> None:
    chromium()
    file = write_report(whole_company.settings, Scope(), tmp_path / "report.html")
    assert as_pdf(file).read_bytes().startswith(b"%PDF")
