"""A column that says which rows do not count is warned of while nothing reads it."""

import pytest

from health_assets.assets import load_all
from health_assets.quality.unread_exclusions import EXCLUSIONS, exclusions_of
from health_assets.tables import TABLES
from health_assets_tests.frames import settings_of

ORDERS = "order_id,account_id,order_date,total_amount"


def found(company, warehouse, source: str, header: str, *rows: str, **described: str) -> str | None:
    content = "\n".join([header, *rows]) + "\n"
    return company.load(content, warehouse, source, described).get(EXCLUSIONS.name)


@pytest.mark.slow
def test_orders_that_a_column_of_their_own_calls_cancelled(company, warehouse) -> None:
    rows = ("1,A1,2024-03-01,10,2024-03-02", "2,A1,2024-03-01,20,", "3,A2,2024-03-01,30,")
    header = f"{ORDERS},Cancelled at"
    assert found(company, warehouse, "orders", header, *rows) == (
        "Cancelled at has a value in 1 row, and is not read; leave rows out that do not count, for example "
        "sources.orders.where: coalesce(\"Cancelled at\", '') = ''"
    )
    left_out = "coalesce(\"Cancelled at\", '') = ''"
    assert found(company, warehouse, "orders", header, *rows, where=left_out) is None
    assert warehouse.cursor().sql("select sum(total_amount) from staged.orders").fetchone() == (50,)


@pytest.mark.slow
def test_what_was_paid_back_of_orders(company, warehouse) -> None:
    header = f"{ORDERS},Total Refunded"
    assert found(company, warehouse, "orders", header, "1,A1,2024-03-01,10,10.00", "2,A1,2024-03-01,20,0.00") == (
        "Total Refunded has a value in 1 row, and is not read; lower the amount by what was paid back, "
        "sources.orders.columns: {Total Refunded: refunded_amount}"
    )
    assert found(company, warehouse, "orders", header, "1,A1,2024-03-01,10,0.00", "2,A1,2024-03-01,20,") is None


@pytest.mark.slow
def test_answers_that_are_none_by_a_word_of_a_column_that_is_not_read(company, warehouse) -> None:
    rows = ("1,A1,2024-03-01,9,Survey Preview", "2,A1,2024-03-01,3,IP Address")
    header = "feedback_id,account_id,feedback_date,nps_score,Status"
    assert found(company, warehouse, "feedback", header, *rows) == (
        "Status is 'Survey Preview' in 1 row, and is not read; leave rows out that do not count, for example "
        "sources.feedback.where: \"Status\" <> 'Survey Preview'"
    )
    assert found(company, warehouse, "feedback", header, *rows, where="\"Status\" <> 'Survey Preview'") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value"),
    [("test_group", "b"), ("cancellation_policy", "strict"), ("is_deleted", "false"), ("tests", "4")],
)
def test_columns_about_something_else_or_without_a_case_are_none_of_them(company, warehouse, column, value) -> None:
    assert found(company, warehouse, "orders", f"{ORDERS},{column}", f"1,A1,2024-03-01,10,{value}") is None


def test_events_of_bots_by_the_name_of_a_column(tmp_path) -> None:
    header = "event_id,account_id,user_id,event_name,event_timestamp,is_bot"
    rows = ("1,A1,U1,login,2024-03-01T10:00:00,true", "2,A1,U2,login,2024-03-01T11:00:00,false")
    (tmp_path / "events.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    load_all()

    def said(**described: str) -> str:
        source = {"path": str(tmp_path / "events.csv"), **described}
        return exclusions_of(TABLES["staged_usage_events"], settings_of(tmp_path, sources={"usage_events": source}))

    assert said() == (
        "is_bot has a value in 1 row of the newest file's first 200,000, and is not read; leave rows out that do not count, for "
        "example sources.usage_events.where: \"is_bot\" <> 'true'"
    )
    assert said(where="\"is_bot\" <> 'true'") == ""


@pytest.mark.parametrize(
    ("content", "counted"),
    [
        ("", ""),
        ("account_id,company_name,deleted\n", ""),
        ('account_id,company_name,deleted\nA1,"Acme" Ltd,true\nA2,Beta,\n', "deleted has a value in 1 row"),
        ("account_id,company_name,deleted\nA1,Acme, Ltd,true\nA2,Beta,true\n", "deleted has a value in "),
    ],
    ids=["empty file", "header alone", "stray quotes", "one field too many"],
)
def test_file_that_is_read_row_by_row_or_has_none_is_looked_at_like_any_other(tmp_path, content, counted) -> None:
    (tmp_path / "accounts.csv").write_text(content, encoding="utf-8")
    load_all()
    company = settings_of(tmp_path, sources={"accounts": {"path": str(tmp_path / "accounts.csv")}})
    said = exclusions_of(TABLES["staged_accounts"], company)
    assert said.startswith(counted) if counted else said == ""


@pytest.mark.slow
def test_credit_notes_that_are_positive_amounts(company, warehouse) -> None:
    header = "invoice_id,account_id,invoice_date,amount,Type"
    invoice, negative = "1,A1,2024-03-01,10,Invoice", "2,A1,2024-03-01,-4,Credit Note"
    said = found(company, warehouse, "invoices", header, invoice, "3,A1,2024-03-01,4,Credit Note", negative)
    assert said is not None
    assert said.startswith("Type is 'Credit Note' in 1 row, and is not read;")
    assert "make the amounts of what was given back negative with a query" in said
    assert found(company, warehouse, "invoices", header, invoice, negative) is None
