"""A command starts without the libraries that it does not use, and says which settings it used."""

import subprocess
import sys
from pathlib import Path

import pytest

from health_assets_tests.conftest import said_by


@pytest.mark.slow
def test_the_command_line_is_imported_without_sqlalchemy_and_dagster():
    code = "import sys, health_assets.cli.app; print(*sorted({'sqlalchemy', 'dagster', 'polars'} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["polars"]


def test_without_a_settings_file_the_message_says_which_settings_were_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEALTH_ASSETS_SETTINGS", raising=False)
    said = said_by("status").output
    assert "nothing has been published yet" in said
    assert "the default settings were used: name yours with --settings FILE\n" in said
    (tmp_path / "data" / "demo").mkdir(parents=True)
    (tmp_path / "data" / "demo" / "settings.yml").touch()
    assert "or the demo's with --settings data/demo/settings.yml" in said_by("status").output
