"""A command starts without the libraries that it does not use."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_command_line_is_imported_without_sqlalchemy_and_dagster():
    code = "import sys, health_assets.cli.app; print(*sorted({'sqlalchemy', 'dagster', 'polars'} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["polars"]
