"""Which column is suggested for one that a file lacks."""

import pytest

from health_assets.sources.load_warnings import load_warnings
from health_assets.sources.suggested_columns import column_meant, did_you_mean_column
from health_assets.tables import TABLES
from health_assets_tests.frames import settings_of, written


@pytest.mark.parametrize(
    ("ours", "theirs", "meant"),
    [
        ("account_id", ["usage_count", "Customer ID", "event"], "Customer ID"),
        ("account_id", ["usage_count", "event_name"], None),
        ("account_id", ["companyName", "organizationId"], "organizationId"),
        ("account_id", ["id", "name"], None),
        ("end_date", ["ended_at", "price"], "ended_at"),
        ("mrr_amount", ["Account Id", "mrr"], "mrr"),
    ],
)
def test_key_is_only_suggested_from_a_column_that_names_the_same_thing(
    ours: str, theirs: list[str], meant: str
) -> None:
    assert column_meant(ours, theirs) == meant


def test_key_of_the_row_itself_may_be_called_id() -> None:
    assert column_meant("ticket_id", ["id", "subject"], is_own_key=True) == "id"


def test_without_a_suggestion_the_columns_of_the_file_are_listed() -> None:
    assert did_you_mean_column("account_id", ["usage_count"], ["usage_count", "day"]) == "; it has usage_count, day"


def test_unread_columns_that_may_be_ours_come_first_and_the_others_are_counted(tmp_path) -> None:
    others = "".join(f",note_{number}" for number in range(9))
    written(tmp_path, "t.csv", f"ticket_id,account_id,created_at,Resolved At{others}\n")
    company = settings_of(tmp_path, sources={"support_tickets": {"path": "t.csv"}})
    (warning, empty) = load_warnings("support_tickets", TABLES["raw_support_tickets"].rows, company)
    assert warning.endswith(
        "t.csv: 10 columns are not read: Resolved At, note_0, note_1 and 7 more; if they are ours under another name, "
        "sources.support_tickets.columns: {Resolved At: resolved_at}"
    )
    assert empty.endswith("t.csv: holds no rows; support_tickets is loaded from the other files, if any")


def test_files_with_the_same_unread_columns_share_a_warning(tmp_path) -> None:
    for name in "abcd":
        written(tmp_path, f"{name}.csv", "account_id,company_name,signup_date,shoe\nA,Acme,2024-01-01,43\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "*.csv"}})
    (warning,) = load_warnings("accounts", TABLES["raw_accounts"].rows, company)
    assert "a.csv" in warning
    assert "c.csv and 1 more: 1 column is not read: shoe" in warning
