"""docs/metrics.md is true: each example on the page, from a company's files to the rows of the table."""

import re
from pathlib import Path

import pytest

from health_assets_tests.specification import Example, examples, outcome

PAGE = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
EXAMPLES = list(examples(PAGE))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: re.sub(r"\W+", "_", example.title.lower()))
def test_rule_gives_the_rows_on_the_page(example: Example, tmp_path: Path) -> None:
    for relation, found, wanted in outcome(example, tmp_path):
        assert found == wanted, relation


def test_each_table_on_the_page_belongs_to_an_example() -> None:
    tables = len(re.findall(r"(?<!\|)\n\|", PAGE))
    assert tables == sum(len(example.files) + len(example.results) for example in EXAMPLES)


def test_wrong_value_on_the_page_is_found(tmp_path: Path) -> None:
    example = next(iter(EXAMPLES))
    row = example.results[0].rows[0]
    wrong = Example(example.title, example.settings, example.as_of, example.files, list(example.results))
    wrong.results[0].rows[0] = row | {column: f"{value}1" for column, value in row.items()}
    ((_, found, wanted), *_) = outcome(wrong, tmp_path)
    assert found != wanted
