"""Whether the very process that executed a run is still there."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from health_assets.orchestration import processes
from health_assets.orchestration.processes import (
    PROCESS_TAG,
    WORKER_TAG,
    Process,
    holding_lock,
    start_of,
    why_it_ended,
)
from health_assets.orchestration.run_history import close_killed
from health_assets.orchestration.run_launcher import CheckedRunLauncher


@dg.job
def daily() -> None: ...


@pytest.fixture
def process():
    started = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield started
    started.kill()
    started.communicate()


def test_process_that_is_there_is_not_gone_and_one_that_was_killed_is(process: subprocess.Popen) -> None:
    seen = replace(Process.this(), pid=process.pid, start=start_of(process.pid))
    assert not seen.is_gone()
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    assert seen.is_gone()
    process.wait()
    assert seen.is_gone()


def test_another_process_with_the_same_number_is_not_the_one() -> None:
    assert replace(Process.this(), start="an earlier one").is_gone()
    assert not replace(Process.this(), start=None).is_gone()


def test_process_of_another_machine_counts_as_being_there() -> None:
    assert not Process("elsewhere", 2**22 + 1, "1").is_gone()


def test_run_of_the_daemon_is_found_by_its_log_and_then_remembered_with_its_start(process: subprocess.Popen) -> None:
    with dg.instance_for_test(
        overrides={
            "run_launcher": {"module": CheckedRunLauncher.__module__, "class": "CheckedRunLauncher", "config": {}}
        }
    ) as instance:
        run = instance.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTED)
        launcher = instance.run_launcher
        assert launcher.supports_check_run_worker_health
        assert launcher.check_run_worker_health(run).status.value == "RUNNING"  # nothing is known yet
        instance.report_engine_event(f"Started process for run (pid: {process.pid}).", run)
        assert launcher.check_run_worker_health(run).status.value == "RUNNING"
        tagged = instance.get_run_by_id(run.run_id)
        assert tagged.tags[WORKER_TAG].split(":")[1:] == [str(process.pid), start_of(process.pid)]
        process.kill()
        process.wait()
        health = launcher.check_run_worker_health(tagged)
        assert (health.status.value, health.msg) == ("NOT_FOUND", f"Process {process.pid} ended during the run")


def test_run_of_another_container_is_gone_for_the_daemon_alone_and_only_if_a_daemon_executed_it() -> None:
    elsewhere = "machine/1:7:boot-1"
    with dg.instance_for_test() as instance:
        for tag, ended in [(WORKER_TAG, True), (PROCESS_TAG, False)]:
            run = instance.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTED, tags={tag: elsewhere})
            assert why_it_ended(run, instance) is None
            assert bool(why_it_ended(run, instance, by_daemon=True)) == ended


@pytest.mark.slow
def test_command_line_run_of_another_container_is_gone_when_its_lock_is_free(tmp_path: Path) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        run = instance.create_run_for_job(
            daily, status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: "machine/1:7:boot-1"}
        )
        program = (
            "import sys, dagster as dg\nfrom health_assets.orchestration.processes import holding_lock\n"
            f"with dg.DagsterInstance.local_temp({str(tmp_path)!r}) as instance, holding_lock(instance, {run.run_id!r}):\n"
            "    print('holds it', flush=True)\n    sys.stdin.read()\n"
        )
        executing = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert executing.stdout.readline() == "holds it\n"
        assert why_it_ended(run, instance) is None
        executing.kill()
        executing.communicate()
        assert why_it_ended(run, instance) == "Process 7 of machine/1 ended during the run"
        assert close_killed(instance) == 1
        assert list((tmp_path / "executing").iterdir()) == []


def test_run_that_ended_by_itself_leaves_no_lock(tmp_path: Path) -> None:
    with (
        dg.instance_for_test(temp_dir=str(tmp_path)) as instance,
        suppress(ValueError),
        holding_lock(instance, "a run"),
    ):
        assert (tmp_path / "executing" / "a run").exists()
        raise ValueError
    assert not (tmp_path / "executing" / "a run").exists()


def test_starting_run_whose_server_is_gone_has_ended() -> None:
    with dg.instance_for_test() as instance:
        tags = {".dagster/grpc_info": '{"host": "localhost", "socket": "/nowhere/at/all"}'}
        run = instance.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTING, tags=tags)
        assert why_it_ended(run, instance) == "The process that was to start the run is gone"


def test_run_that_an_earlier_daemon_was_starting_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTING)
        assert instance.get_run_record_by_id(run.run_id).update_timestamp.tzinfo is not None
        assert why_it_ended(run, instance, by_daemon=True) is None
        monkeypatch.setattr(processes, "LOADED_AT", time.time() + 10)
        assert why_it_ended(run, instance, by_daemon=True) == "The daemon that was starting it ended during the run"
        assert why_it_ended(run, instance) is None
