"""Nothing leaves this machine: the guard over the suite works, Dagster's telemetry is off, its web server is local."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from health_assets.cli.app import app
from health_assets.orchestration.instance import prepare_home
from health_assets_tests.frames import settings_of
from health_assets_tests.loopback_only.sitecustomize import NOTES

ELSEWHERE = "192.0.2.1"  # an address for documentation, which belongs to nobody


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(NOTES, str(tmp_path / "notes"))
    return tmp_path / "notes"


def test_connection_to_another_machine_is_rejected_and_noted(notes: Path) -> None:
    with socket.socket() as away, pytest.raises(PermissionError, match="no other machine"):
        away.connect((ELSEWHERE, 80))
    assert ELSEWHERE in notes.read_text()


def test_name_of_another_machine_is_not_looked_up(notes: Path) -> None:
    with pytest.raises(PermissionError):
        socket.getaddrinfo("example.com", 443)
    assert "example.com" in notes.read_text()


def test_process_that_a_test_starts_is_rejected_too(notes: Path) -> None:
    program = f"import socket; socket.create_connection(('{ELSEWHERE}', 80), 1)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "no other machine" in ended.stderr
    assert ELSEWHERE in notes.read_text()


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5):
        pass


def test_telemetry_is_off_and_one_run_writes_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    prepare_home(settings_of(tmp_path))
    with dg.DagsterInstance.get() as instance:
        queue = instance.get_concurrency_config().run_queue_config
        assert instance.telemetry_enabled is False
        assert queue is not None
        assert queue.max_concurrent_runs == 1
        assert instance.run_monitoring_enabled
        assert instance.run_launcher.supports_check_run_worker_health
        assert instance.run_monitoring_poll_interval_seconds <= 30


def test_web_server_listens_on_the_loopback_address_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)  # the command changes it
    monkeypatch.setattr(os, "execv", lambda program, arguments: started.append(arguments))
    settings_of(tmp_path)
    CliRunner().invoke(app, ["ui", "--settings", str(tmp_path / "settings.yml")])
    (arguments,) = started
    assert arguments[arguments.index("-h") + 1] == "127.0.0.1"
