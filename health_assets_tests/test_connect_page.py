"""The queries of docs/connect.md do what the page says."""

import re
from datetime import date
from pathlib import Path

from health_assets_tests.frames import settings_of, written
from health_assets_tests.inline_company import made
from health_assets_tests.sources.test_answers import answers

PAGE = (Path(__file__).parents[1] / "docs" / "connect.md").read_text(encoding="utf-8")
ACCOUNTS = "account_id,company_name,signup_date\n1,One,2025-01-01\n2,Two,2025-01-01\n"


def query(title: str) -> str:
    found = re.search(rf"### {title}\n.*?```sql\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def periods(folder: Path, statement: str) -> list[tuple[object, ...]]:
    written(folder, "accounts.csv", ACCOUNTS)
    settings = settings_of(
        folder, sources={"accounts": {"path": "accounts.csv"}, "subscriptions": {"query": statement}}
    )
    answers.fetch_answers(settings)
    rows = made("staged_subscriptions", settings).collect().sort("account_id", "start_date")
    return rows.select("account_id", "mrr_amount", "start_date", "end_date").rows()


def test_row_that_is_missing_from_the_next_file_has_ended(tmp_path: Path) -> None:
    for month, rows in {"2025-01": "1,90\n2,80\n", "2025-02": "1,90\n2,80\n", "2025-03": "1,95\n"}.items():
        written(tmp_path, f"subscriptions_{month}.csv", "customer_id,mrr\n" + rows)
    assert periods(tmp_path, query("Files that each list who pays")) == [
        ("1", 90.0, date(2025, 1, 1), date(2025, 3, 1)),
        ("1", 95.0, date(2025, 3, 1), None),
        ("2", 80.0, date(2025, 1, 1), date(2025, 3, 1)),
    ]


def test_column_for_each_month_becomes_periods(tmp_path: Path) -> None:
    content = 'Customer ID,Customer,Jan-25,Feb-25,Mar-25\n1,One,"1,090",,90\n2,Two,80,80,80\nTotal,,1170,80,170\n'
    written(tmp_path, "mrr.csv", content)
    states = query("Files that each list who pays")
    statement = query("A column for each month") + states[states.index("numbered as") - 0 :].replace(
        "numbered as", ", numbered as", 1
    )
    assert periods(tmp_path, statement) == [
        ("1", 1090.0, date(2025, 1, 1), date(2025, 2, 1)),
        ("1", 90.0, date(2025, 3, 1), None),
        ("2", 80.0, date(2025, 1, 1), None),
    ]
