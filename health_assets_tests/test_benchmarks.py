"""The benchmarks still run, on companies so small that the figures mean nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from health_assets_tests.conftest import WholeCompany

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["scoring.py", "30", "5"], "scores"),
        (["events.py", "--accounts", "20", "--turns", "1"], "same rows and sums"),
        (["pipeline.py", "--accounts", "15", "--profile", "core"], "daily"),
        (["shop.py", "--buyers", "12"], "shop, 12 buyers, daily"),
    ],
    ids=["scoring", "events", "pipeline", "shop"],
)
def test_benchmark_runs(command: list[str], shown: str) -> None:
    script, *arguments = command
    ended = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert shown in ended.stdout


def test_benchmark_against_dbt_says_what_it_needs() -> None:
    ended = subprocess.run(
        [sys.executable, str(BENCHMARKS / "dbt_build.py")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "--dbt" in ended.stderr


@pytest.mark.slow
def test_benchmark_of_the_pages_runs(whole_company: WholeCompany) -> None:
    command = [
        sys.executable,
        str(BENCHMARKS / "pages.py"),
        str(whole_company.folder / "demo" / "settings.yml"),
        "--copies",
        "2",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Portfolio, again" in ended.stdout
