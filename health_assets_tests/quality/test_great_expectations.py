"""Great Expectations in a process of its own, beside packages that do not get on with it."""

import os
import subprocess
import sys

import pytest

from health_assets.quality.great_expectations import _Later

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
