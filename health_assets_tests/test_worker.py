"""The process shared_worker the run: what it answers, and that it is never waited for when nobody needs it any more."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from health_assets.demo import write_company
from health_assets.worker import Worker

ROOT = Path(__file__).parents[1]
HEAVY = ("great_expectations", "pandas", "pyarrow.dataset", "scipy", "sklearn")
RUN = f"""
import sys
from health_assets.cli.app import app
try:
    app()
finally:
    print("IMPORTED", [name for name in {HEAVY} if name in sys.modules])
"""


@pytest.fixture
def process() -> Iterator[Worker]:
    started = Worker()
    yield started
    started.dismiss()


def divided(dividend: int, by: int) -> int:
    return dividend // by


def prints() -> int:
    print("a library talks")
    return os.getpid()


def ends() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleeps() -> None:
    time.sleep(600)


def raises() -> None:
    raise ValueError("there is no such library")


def test_answers_come_from_another_process_whatever_it_prints(process: Worker) -> None:
    assert process.submit(prints).result() != os.getpid()
    assert process.submit(divided, 7, by=2).result() == 3


def test_error_is_reported_with_the_function_and_the_next_question_is_answered(process: Worker) -> None:
    with pytest.raises(RuntimeError, match=r"test_worker\.divided failed: ZeroDivisionError"):
        process.submit(divided, 1, by=0).result()
    assert process.submit(divided, 4, by=2).result() == 2


def test_process_that_ends_is_reported_with_its_exit_code(process: Worker) -> None:
    with pytest.raises(RuntimeError, match=r"ended \(exit code -9\); is memory short"):
        process.submit(ends).result()


def test_preparation_that_fails_leaves_the_telling_to_who_asks(process: Worker) -> None:
    process.prepare(raises)
    assert process.submit(divided, 4, by=2).result() == 2


def test_dismissed_process_is_not_waited_for_while_it_prepares(process: Worker) -> None:
    process.prepare(sleeps)
    process._queue.submit(int).result()  # by then it has been sent
    process.dismiss()
    assert process._process.poll() == -signal.SIGKILL


def test_dismissed_process_ends_by_itself_when_it_has_answered(process: Worker) -> None:
    process.prepare(prints)
    process.submit(divided, 4, by=2).result()
    process.dismiss()
    assert process._process.poll() == 0


def test_stopped_process_is_ended_after_the_time_limit(process: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert process.submit(divided, 4, by=2).result() == 2
    monkeypatch.setattr("health_assets.worker.ANSWERS_WITHIN", 0.5)
    os.kill(process._process.pid, signal.SIGSTOP)
    with pytest.raises(RuntimeError, match="did not answer within"):
        process.submit(len, b"." * 1_000_000).result()


def test_killed_process_leaves_nothing_on_the_terminal() -> None:
    program = (
        "import os, signal; from health_assets.worker import Worker; worker = Worker(); "
        "worker.submit(len, 'a').result(); os.kill(worker._process.pid, signal.SIGKILL); worker._process.wait(); "
        "failed = worker.submit(len, b'.' * 10_000_000).exception(); print(type(failed).__name__)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ended.stdout, ended.stderr) == ("RuntimeError\n", "")


@pytest.mark.slow
def test_run_imports_nothing_that_takes_long_itself(tmp_path: Path) -> None:
    write_company(tmp_path, accounts=6, months=3, end=date(2025, 1, 31), seed=7, profile="core")
    ended = subprocess.run(
        [sys.executable, "-c", RUN, "run", "--settings", str(tmp_path / "settings.yml")],
        env=os.environ | {"DAGSTER_HOME": str(tmp_path / "dagster")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "IMPORTED []" in ended.stdout
