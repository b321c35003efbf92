from pathlib import Path

from health_assets_tests.conftest import Said, said_by
from health_assets_tests.frames import settings_of, written

ACCOUNTS = "account_id,company_name,signup_date,status,plan\nA1,One,2024-10-01,Live,x\nA2,Two,2024-11-01,odd,x\n"
TICKETS = (
    "ticket_id,account_id,created_at,priority\nT1,A1,2024-12-01 10:00,urgent\nT2,A1,2024-12-02,P9\n"
    "T3,A9,2024-12-03,low\nT3,A1,2024-12-04,low\n"
)


def checked(folder: Path, **sources: object) -> Said:
    settings_of(folder, sources=sources)
    return said_by("check", "--settings", str(folder / "settings.yml"))


def test_block_of_a_source_has_rows_words_ranges_and_quarantined_samples(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(tmp_path, "tickets.csv", TICKETS)
    tickets = {"path": "tickets.csv", "rows_kept": 0.5}
    said = checked(tmp_path, accounts={"path": "accounts.csv"}, support_tickets=tickets)
    lines = [line.strip() for line in said.output.splitlines()]
    assert said.exit_code == 0, said.output
    assert "2 rows, 2 kept, 1 value set to null" in lines
    assert "status: Live = active" in lines
    assert "status: not understood: 'odd' 1 row; map them in sources.accounts.values.status" in lines
    assert "signup_date: 2024-10-01 to 2024-11-01" in lines
    assert "not read: plan" in lines
    assert "4 rows, 3 kept, 1 quarantined, 1 value set to null" in lines
    assert f"quarantined account_id__orphan: 1 row, first {tmp_path.name}/tickets.csv row 3" in lines
    assert "created_at: 2024-12-01 10:00 UTC to 2024-12-04 00:00 UTC" in lines
    assert any(line.startswith("feedback: mart.satisfaction") for line in lines)
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_source_that_could_not_be_published_is_an_error(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    rows = "".join(f"T{number},A9,2024-12-01\n" for number in range(4)) + "".join(
        f"T1{n},A1,2024-12-01\n" for n in range(6)
    )
    written(tmp_path, "tickets.csv", f"ticket_id,account_id,created_at\n{rows}")
    said = checked(tmp_path, accounts={"path": "accounts.csv"}, support_tickets={"path": "tickets.csv"})
    assert said.exit_code == 1
    assert "60.0% of the rows are kept; below rows_kept (90%) the load is not published" in said.output


def test_fault_of_the_settings_is_all_that_is_shown(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", "account_id,company_name\nA1,One\n")
    said = checked(tmp_path, accounts={"path": "accounts.csv"})
    assert said.exit_code == 1
    assert "has no column 'signup_date'" in said.output
    assert "Not measured" not in said.output


def test_query_is_answered_without_touching_the_answers_of_the_runs(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    said = checked(tmp_path, accounts={"query": "select account_id, company_name, signup_date from 'accounts.csv'"})
    assert said.exit_code == 0, said.output
    assert "2 rows, 2 kept" in said.output
    assert not (tmp_path / "warehouse.answers").exists()


def test_preset_that_answers_no_rows_is_an_error_of_its_source(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    for table, header in (("subscriptions", "id,customer,status"), ("subscription_items", "id,subscription,price")):
        written(tmp_path, f"{table}.csv", f"{header}\n")
    said = checked(tmp_path, accounts={"path": "accounts.csv"}, subscriptions={"preset": "stripe", "path": "s*.csv"})
    assert said.exit_code == 1
    assert "0 rows, 0 kept" in said.output
    assert "error no rows" in said.output


def test_column_that_is_computed_is_not_listed_as_missing(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(
        tmp_path, "prices.csv", "subscription_id,account_id,start_date,amount,interval\nS1,A1,2024-10-01,120,year\n"
    )
    said = checked(tmp_path, accounts={"path": "accounts.csv"}, subscriptions={"path": "prices.csv"})
    assert "mrr_amount: 10.00 to 10.00" in said.output
    (missing,) = (
        line for line in said.output.partition("subscriptions")[2].splitlines() if "empty or not in the files" in line
    )
    assert "mrr_amount" not in missing
    assert "end_date" in missing
