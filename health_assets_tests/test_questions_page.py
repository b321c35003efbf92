"""docs/questions.md answers its seventeen questions: each query runs on the simulated company, reads one table, and finds rows."""

import re
from pathlib import Path

import pytest

from health_assets_tests.conftest import WholeCompany

PAGE = (Path(__file__).parents[1] / "docs" / "questions.md").read_text(encoding="utf-8")
QUESTIONS = dict(re.findall(r"^### (.+?\?)$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
QUERY = re.compile(r"```sql\n(.*?)```", re.DOTALL)


def test_there_are_seventeen_questions_each_with_one_query() -> None:
    assert [int(title.split(".")[0]) for title in QUESTIONS] == list(range(1, 18))
    assert [len(QUERY.findall(body)) for body in QUESTIONS.values()] == [1] * 17


@pytest.mark.parametrize("title", QUESTIONS)
def test_question_is_answered_by_one_table(whole_company: WholeCompany, title: str) -> None:
    (query,) = QUERY.findall(QUESTIONS[title])
    assert len(set(re.findall(r"\b(?:from|join)\s+(\w+\.\w+)", query)) - {"dim.account"}) == 1
    answer = whole_company.connection.sql(query)
    found = answer.fetchall()
    assert found
    assert "account_id" not in answer.columns  # people read names
    assert [value for row in found for value in row if isinstance(value, float) and value != round(value, 2)] == []
    columns = dict(zip(answer.columns, zip(*found, strict=True), strict=True))
    assert [name for name, values in columns.items() if all(value is None for value in values)] == []


def test_no_detractor_is_proposed_for_expansion(whole_company: WholeCompany) -> None:
    (query,) = next(QUERY.findall(body) for title, body in QUESTIONS.items() if title.startswith("10."))
    limit = whole_company.settings.satisfaction.detractor_up_to
    ratings = [row[-1] for row in whole_company.connection.sql(query).fetchall()]
    assert [rating for rating in ratings if rating is not None and rating <= limit] == []


def test_churned_customers_are_not_called_quiet(whole_company: WholeCompany) -> None:
    (query,) = next(QUERY.findall(body) for title, body in QUESTIONS.items() if title.startswith("16."))
    names = {row[0] for row in whole_company.connection.sql(query).fetchall()}
    churned = whole_company.connection.sql(
        "select company_name from dim.account where account_status = 'churned'"
    ).fetchall()
    assert churned
    assert names & {name for (name,) in churned} == set()
