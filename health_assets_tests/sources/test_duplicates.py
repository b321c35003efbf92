"""Rows of one key: the same row, versions, or lines."""

from pathlib import Path

from health_assets.assets import load_all
from health_assets.orchestration.assets import source_of
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.tables import TABLES
from health_assets_tests.frames import settings_of, written

load_all()


def orders(
    folder: Path, *contents: str, columns: str = "order_id,account_id,order_date,total_amount", **described: object
) -> FilteredRows:
    """Orders of files with these rows, after the contract."""
    names = [written(folder, f"o{number}.csv", f"{columns}\n{text}") for number, text in enumerate(contents)]
    mapped = {"columns": described.pop("columns_of_ours")} if "columns_of_ours" in described else {}
    company = settings_of(folder, sources={"orders": {"path": names} | described | mapped})
    table = TABLES["staged_orders"]
    rows = TABLES["raw_orders"].function(company)
    return filter_rows(table.function(rows, company), table.contract, {}, source_of(table, company))


def counts(outcome: FilteredRows) -> dict[str, int]:
    return outcome.loads.drop("month").sum().to_dicts()[0]


def test_lines_of_one_key_are_summed(tmp_path):
    outcome = orders(tmp_path, "1,A,2025-01-01,10\n1,A,2025-01-01,10\n1,A,2025-01-01,20\n", duplicates="sum")
    assert outcome.kept.select("order_id", "total_amount").rows() == [("1", 40.0)]
    assert counts(outcome) == {
        "rows_read": 3, "rows_kept": 1, "rows_quarantined": 0, "duplicates_collapsed": 2, "rows_left_out": 0,
        "values_blanked": 0,
    }  # fmt: skip


def test_lines_of_a_file_that_is_read_twice_are_summed_once(tmp_path):
    lines = "1,A,2025-01-01,10\n1,A,2025-01-01,10\n"
    assert orders(tmp_path, lines, lines, duplicates="sum").kept["total_amount"].to_list() == [20.0]


def test_of_versions_the_newest_counts_by_a_column_that_no_contract_has(tmp_path):
    outcome = orders(
        tmp_path,
        "1,A,2025-01-01,10,2025-01-03T10:00:00Z\n1,A,2025-01-01,20,2025-01-02T10:00:00Z\n",
        columns="order_id,account_id,order_date,total_amount,changed",
        duplicates="newest",
        newest_by="changed",
    )
    assert outcome.kept["total_amount"].to_list() == [10.0]
    assert outcome.rejected["reasons"].to_list() == [["grain__superseded"]]


def test_of_versions_the_oldest_counts_where_the_settings_say_so(tmp_path):
    versions = "1,A,2025-01-01,10\n1,A,2025-01-01,20\n2,A,2025-01-01,5\n"
    outcome = orders(tmp_path, versions, duplicates="oldest")
    assert outcome.kept.select("order_id", "total_amount").rows() == [("1", 10.0), ("2", 5.0)]
    assert outcome.rejected["reasons"].to_list() == [["grain__superseded"]]


def test_orders_of_a_shop_that_were_cancelled_are_left_out_by_the_column_that_says_when(tmp_path):
    outcome = orders(
        tmp_path,
        "#1,ann@example.com,2025-01-01 10:00:00 +0100,100,30,partially_refunded,\n"
        "#2,ann@example.com,2025-01-02 10:00:00 +0100,50,0,paid,2025-01-03 09:00:00 +0100\n",
        columns="Name,Email,Created at,Total,Refunded Amount,Financial Status,Cancelled at",
        where='"Cancelled at" is null',
        columns_of_ours={
            "Name": "order_id", "Email": "account_id", "Created at": "order_date", "Total": "total_amount",
            "Refunded Amount": "refunded_amount", "Financial Status": "status",
        },
    )  # fmt: skip
    assert outcome.kept.select("order_id", "total_amount", "refunded_amount", "status").rows() == [
        ("#1", 100.0, 30.0, "paid")
    ]
    assert counts(outcome)["rows_left_out"] == 1


def test_without_a_declaration_the_last_row_counts_and_the_others_are_quarantined_with_a_hint(tmp_path):
    outcome = orders(tmp_path, "1,A,2025-01-01,10\n1,A,2025-01-01,20\n")
    assert outcome.kept["total_amount"].to_list() == [20.0]
    assert "`duplicates`" in outcome.rejected["hint"][0]


def test_equal_purchases_without_a_key_are_two(tmp_path):
    outcome = orders(tmp_path, "A,2025-01-10,11.77\nA,2025-01-10,11.77\n", columns="account_id,order_date,total_amount")
    assert outcome.kept["total_amount"].to_list() == [11.77, 11.77]


def test_rows_that_are_left_out_are_counted_apart(tmp_path):
    outcome = orders(tmp_path, "1,A,2025-01-01,10\n2,B,2025-01-01,soon\n", where="account_id <> 'B'")
    assert (outcome.kept.height, outcome.rejected.height, counts(outcome)["rows_left_out"]) == (1, 0, 1)


def test_rows_stay_in_the_order_of_their_file_and_of_versions_only_the_last_is_kept(tmp_path):
    outcome = orders(tmp_path, "1,A,2025-01-01,10\n2,A,2025-01-01,5\n1,A,2025-01-01,20\n3,A,2025-01-01,7\n")
    assert outcome.kept.select("order_id", "total_amount").rows() == [("2", 5.0), ("1", 20.0), ("3", 7.0)]
    assert outcome.rejected["source_row"].to_list() == [1]
