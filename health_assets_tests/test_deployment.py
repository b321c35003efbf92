"""The files of deploy/, as far as they can be checked without a container engine."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from health_assets.cli.app import app

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def services() -> dict[str, dict[str, Any]]:
    """The services of the compose file."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found


def test_image_runs_as_an_unprivileged_user_and_copies_files_that_exist() -> None:
    last_stage = [
        argument
        for name, argument in instructions()[
            max(place for place, (name, _) in enumerate(instructions()) if name == "FROM") :
        ]
        if name == "USER"
    ]
    assert last_stage == ["company"]
    copied = [argument.split()[:-1] for name, argument in instructions() if name == "COPY" and "--from" not in argument]
    assert [file for files in copied for file in files if not (ROOT / file).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert [file for files in copied for file in files if f"!{file.removeprefix('./')}" not in ignored] == []


def test_image_is_based_on_slim_images_of_a_supported_version() -> None:
    bases = {argument.split()[0] for name, argument in instructions() if name == "FROM"}
    assert bases == {"python:3.12-slim"}
    assert "Programming Language :: Python :: 3.12" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_extras_of_the_image_exist() -> None:
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [extra for extra in extras.split(",") if not re.search(rf"^{extra} = \[", declared, re.MULTILINE)] == []


def of_ours() -> dict[str, dict[str, Any]]:
    """The services of the image that is built."""
    return {name: service for name, service in services().items() if "postgres" not in service.get("profiles", [])}


def test_services_publish_no_port_and_give_away_no_privilege() -> None:
    for name, service in of_ours().items():
        assert "ports" not in service, name  # they listen on 127.0.0.1 of the host
        assert service["network_mode"] == "host", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("privileged"), name


def test_commands_of_the_services_exist() -> None:
    unit = (DEPLOY / "health-assets.service").read_text(encoding="utf-8")
    (started,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    named = {service["command"][0] for service in of_ours().values()} | {shlex.split(started)[1]}
    assert named <= COMMANDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_unit_is_valid(tmp_path: Path) -> None:
    program = tmp_path / "health-assets"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "health-assets.service"
    text = (DEPLOY / "health-assets.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/health-assets/bin/health-assets", str(program)))
    checked = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    said = [line for line in (checked.stdout + checked.stderr).splitlines() if "health-assets.service" in line]
    assert said == []
    assert checked.returncode == 0, checked.stderr


def test_page_names_files_that_exist() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert [name for name in re.findall(r"deploy/[\w.-]+\.(?:yaml|service)", page) if not (ROOT / name).exists()] == []


def test_database_of_the_history_is_started_only_on_request_and_listens_on_loopback_only() -> None:
    (database,) = [service for name, service in services().items() if name not in of_ours()]
    assert database["profiles"] == ["postgres"]
    assert "listen_addresses=127.0.0.1" in database["command"]
    assert "ports" not in database


def test_history_in_postgresql_has_otherwise_the_settings_of_the_default() -> None:
    default = yaml.safe_load((ROOT / "health_assets" / "orchestration" / "dagster.yaml").read_text(encoding="utf-8"))
    theirs = yaml.safe_load((DEPLOY / "dagster-postgres.yaml").read_text(encoding="utf-8"))
    del default["event_log_storage"], default["run_storage"], theirs["storage"]
    assert theirs == default
