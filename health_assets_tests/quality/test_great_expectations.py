"""Great Expectations in a process of its own, beside packages that do not get on with it."""

import os
import subprocess
import sys

import pytest

from health_assets.quality.great_expectations import TRIED, _Later

CODE = """
import sys
from health_assets.quality import great_expectations
library = great_expectations._great_expectations()
assert library.__version__
assert "pyspark" not in sys.modules
import pyspark  # the package can be imported afterwards
"""


@pytest.mark.slow
def test_a_pyspark_that_ends_the_process_is_not_imported(tmp_path):
    package = tmp_path / "pyspark"
    package.mkdir()
    (package / "__init__.py").write_text("import sys\nif 'great_expectations' not in sys.modules:\n    sys.exit(7)\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


IMPORTED = """
import sys
from health_assets.quality.great_expectations import warm_up
warm_up()
import sqlalchemy  # as above
print(*sorted({"altair", "scipy", "pyspark", "sqlalchemy"} & set(sys.modules)))
"""


def test_a_stand_in_imports_its_library_when_a_name_of_it_is_used():
    assert _Later("json").loads("[1]") == [1]


@pytest.mark.slow
def test_charts_distributions_and_engines_are_not_imported_and_can_be_afterwards():
    ended = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["sqlalchemy"]


EVALUATED = """
import sys
from datetime import date
import polars as pl
from health_assets.contracts.contract import Expectation
from health_assets.quality import great_expectations
great_expectations.TRIED = sys.argv[1]
rows = pl.DataFrame({
    "day": [date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 2)], "word": ["a", "b", None], "closes": [True, True, False],
})
made = [
    Expectation("grain__unique", "unique", ("day", "word")),
    Expectation("day__unique", "unique", ("day",)),
    Expectation("word__not_null", "not_null", ("word",)),
    Expectation("word__in_set", "in_set", ("word",), {"value_set": ["a"]}),
    Expectation("day__between", "between", ("day",), {"min_value": date(2025, 1, 2), "max_value": date(2025, 1, 9)}),
    Expectation("closes", "rule", ("closes",)),
]
for name, answer in sorted(great_expectations.evaluate(rows, made, False).items()):
    print(name, answer)
from great_expectations.core.id_dict import IDDict
print(IDDict.to_id.__module__)
"""


def evaluated(tried: str) -> list[str]:
    ended = subprocess.run([sys.executable, "-c", EVALUATED, tried], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()


@pytest.mark.slow
def test_release_that_was_not_tried_is_used_as_it_comes_and_answers_the_same():
    *tried, place = evaluated(TRIED)
    *other, place_of_other = evaluated("0.0.")
    assert (place, place_of_other) == ("health_assets.quality.great_expectations", "great_expectations.core.id_dict")
    assert tried == other
    assert [line.split("=")[1].split(",")[0] for line in tried] == ["False", "False", "False", "True", "False", "False"]
