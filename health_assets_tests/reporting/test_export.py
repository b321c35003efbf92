"""Exported files: the numbers of the marts, text that no spreadsheet runs as a formula, the meaning of each column."""

import subprocess
from datetime import date
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from health_assets.cli.export import ExportFormat, export_to
from health_assets.reporting.export import DEFINITIONS, csv_bytes, neutralised, write_workbook
from health_assets.reporting.scope import Scope
from health_assets_tests.conftest import WholeCompany, said_by
from health_assets_tests.programs import installed

HOSTILE = ['=HYPERLINK("http://x")', "+1", "-2", "@sum(a1)", "\t=1", "\r=1"]
AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_starts_like_a_formula_is_neutralised(text: str) -> None:
    assert neutralised(pl.DataFrame({"name": [text]})).item() == f"'{text}"


def test_other_text_and_numbers_are_unchanged() -> None:
    rows = pl.DataFrame({"name": ["a=b", "", None], "amount": [-1.5, 0.0, None], "day": [date(2025, 1, 1), None, None]})
    assert neutralised(rows).equals(rows)
    assert csv_bytes(rows).decode("utf-8-sig").splitlines()[1] == "a=b,-1.5,2025-01-01"


def test_lists_become_text_without_losing_anything() -> None:
    rows = pl.DataFrame({"reasons": [["a", "b"], []], "factors": [[{"points": 1.5}], None]})
    assert neutralised(rows).rows() == [('["a","b"]', '[{"points":1.5}]'), ("[]", None)]


def test_a_workbook_has_a_sheet_per_mart_and_one_of_definitions(whole_company: WholeCompany, tmp_path: Path) -> None:
    file, left_out = export_to(
        whole_company.settings,
        ExportFormat.xlsx,
        ["mart.attention_list", "mart.clv_segments"],
        Scope(),
        tmp_path / "x.xlsx",
    )
    book = fastexcel.read_excel(file)
    assert book.sheet_names == ["attention_list", "clv_segments", DEFINITIONS]
    assert left_out == []
    meanings = book.load_sheet(DEFINITIONS).to_polars()
    found = meanings.filter((pl.col("table") == "mart.attention_list") & (pl.col("column") == "next_step"))["meaning"]
    assert len(found.item()) > 10
    assert meanings["meaning"].to_list()[meanings["column"].to_list().index("as-of day")] == "2025-01-17"


def test_an_export_for_one_owner_holds_no_other_account(whole_company: WholeCompany, tmp_path: Path) -> None:
    ((owner, count),) = whole_company.rows(
        "select account_owner, count(*) from mart.customer_health where account_owner is not null group by 1 order by 2, 1 limit 1"
    )
    folder, left_out = export_to(
        whole_company.settings, ExportFormat.parquet, [], Scope(owner=owner), tmp_path / "files"
    )
    health = pl.read_parquet(folder / "customer_health.parquet")
    assert health["account_owner"].unique().to_list() == [owner]
    assert health.height == count
    assert not (folder / "net_revenue_retention.parquet").exists()
    assert "mart.net_revenue_retention" in left_out[0]


def test_a_mart_that_is_not_there_is_an_error_that_suggests_one(whole_company: WholeCompany) -> None:
    settings_file = str(whole_company.folder / "demo" / "settings.yml")
    said = said_by("export", "--settings", settings_file, "--marts", "custmer_health")
    assert said.exit_code == 1


@pytest.mark.slow
def test_libreoffice_opens_the_workbook_with_the_totals_of_the_snapshot(
    whole_company: WholeCompany, tmp_path: Path
) -> None:
    installed("soffice", "libreoffice-calc")
    hostile = pl.DataFrame({"name": ["=1+1", "@x"], "amount": [-2.5, 4.0]})
    file, _ = export_to(
        whole_company.settings, ExportFormat.xlsx, ["mart.customer_health", "mart.net_revenue_retention"], Scope(),
        tmp_path / "marts.xlsx",
    )  # fmt: skip
    write_workbook(tmp_path / "hostile.xlsx", {"hostile": hostile}, {})
    for workbook in (file, tmp_path / "hostile.xlsx"):
        subprocess.run(
            [
                "soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", AS_CSV,
                "--outdir", str(tmp_path), str(workbook),
            ],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
    opened = pl.read_csv(tmp_path / "marts-customer_health.csv")
    ((accounts, mrr, score),) = whole_company.rows(
        "select count(*), sum(mrr), sum(health_score) from mart.customer_health"
    )
    assert opened.height == accounts
    assert opened["mrr"].sum() == pytest.approx(mrr, abs=0.01 * accounts)
    assert opened["health_score"].sum() == pytest.approx(score, abs=0.01 * accounts)
    assert pl.read_csv(tmp_path / "hostile-hostile.csv").rows() == [("'=1+1", -2.5), ("'@x", 4.0)]
