"""Hostile values through files, gate and warehouse: each row is kept with what it says, or quarantined with a reason."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.tables import TABLES
from health_assets_tests.frames import settings_of, written

load_all()
ACCOUNTS = pl.Series(["A"])


def staged_from(folder: Path, name: str, content: str, keys: dict[str, pl.Series], **source: object) -> FilteredRows:
    """A source's rows after the gate."""
    file = written(folder, f"{name}.csv", content)
    company = settings_of(folder, sources={name: {"path": file} | source})
    raw = TABLES[f"raw_{name}"].function(company)
    table = TABLES[f"staged_{name}"]
    return filter_rows(table.function(raw, company), table.contract, keys)


def accounted_for(outcome: FilteredRows, rows: int) -> bool:
    """Whether no row disappeared uncounted."""
    counts = outcome.loads.sum().to_dicts()[0]
    out = counts["rows_kept"] + counts["rows_quarantined"] + counts["duplicates_collapsed"]
    return counts["rows_read"] == rows == out and outcome.kept.height == counts["rows_kept"]


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("100", 100.0),
        ('"1,234.5"', 1234.5),
        ("1e3", 1000.0),
        ("-5", -5.0),
        ("about 5", None),
        ("NaN", None),
        ("inf", None),
        ("-inf", None),
        ("1e308", None),
        ("-1e308", None),
        ('"1.234,5"', None),
        ("", None),
    ],
)
def test_an_amount_is_read_as_it_is_meant_or_quarantined(tmp_path: Path, amount: str, kept: float | None) -> None:
    header = "invoice_id,account_id,invoice_date,amount,status"
    outcome = staged_from(tmp_path, "invoices", f"{header}\n1,A,2025-01-01,{amount},paid\n", {"account_id": ACCOUNTS})
    assert outcome.kept["amount"].to_list() == ([] if kept is None else [kept])
    assert accounted_for(outcome, 1)
    assert all(reason.startswith("amount__") for reason in outcome.rejected["reasons"].explode().drop_nulls())


@pytest.mark.parametrize(
    ("day", "unit", "kept"),
    [
        ("2024-02-29", None, date(2024, 2, 29)),
        ("2025-02-29", None, None),
        ("2025-02-30", None, None),
        ("0001-01-01", None, None),
        ("9999-12-31", None, None),
        ("1735689600", "s", date(2025, 1, 1)),
        ("1735689600000", "ms", date(2025, 1, 1)),
        ("1735689600", None, None),  # an epoch is not guessed at
        ("1735689600000", "s", None),  # milliseconds taken for seconds: the year 56972
        ("-99999999999999999999", "s", None),
        ("31.12.2024", None, None),
    ],
)
def test_a_day_is_read_as_it_is_meant_or_quarantined(
    tmp_path: Path, day: str, unit: str | None, kept: date | None
) -> None:
    header = "invoice_id,account_id,invoice_date,amount,status"
    spelling = {"unit": {"invoice_date": unit}} if unit else {}
    content = f"{header}\n1,A,{day},5,paid\n"
    outcome = staged_from(tmp_path, "invoices", content, {"account_id": ACCOUNTS}, **spelling)
    assert outcome.kept["invoice_date"].to_list() == ([] if kept is None else [kept])
    assert accounted_for(outcome, 1)


NAMES = ["'; DROP TABLE staged.accounts; --", 'say "hi"', "../../etc/passwd", "<script>alert(1)</script>", "a\tb", "📈"]


def test_hostile_names_come_out_as_they_went_in(tmp_path: Path) -> None:
    quoted = ['"' + name.replace('"', '""') + '"' for name in NAMES]
    lines = [f"A{number},{name},2024-01-01,active" for number, name in enumerate(quoted)]
    content = "\n".join(["account_id,company_name,signup_date,status", *lines, ""])
    outcome = staged_from(tmp_path, "accounts", content, {})
    assert outcome.kept.sort("account_id")["company_name"].to_list() == NAMES
    assert accounted_for(outcome, len(NAMES))


def test_hostile_keys_are_quarantined_as_orphans_with_their_record(tmp_path: Path) -> None:
    quoted = ['"' + name.replace('"', '""') + '"' for name in NAMES]
    lines = [f"{number},{key},2025-01-01,5,paid" for number, key in enumerate(quoted)]
    content = "\n".join(["invoice_id,account_id,invoice_date,amount,status", *lines, ""])
    outcome = staged_from(tmp_path, "invoices", content, {"account_id": ACCOUNTS})
    assert accounted_for(outcome, len(NAMES))
    assert [json.loads(record)["account_id"] for record in outcome.rejected["record"]] == NAMES
    assert set(outcome.rejected["reasons"].explode()) == {"account_id__orphan"}
