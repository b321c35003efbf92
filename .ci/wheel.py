"""Build the wheel, install it in an environment outside the checkout, and use it there as a company would.

`python .ci/wheel.py`: the demo company, a run, the status and the web server, all from the wheel. Dagster's instance must
have telemetry off and one run at a time; nothing may be written into site-packages.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHIPPED = (
    "health_assets/py.typed",
    "health_assets/defaults.yml",
    "health_assets/orchestration/dagster.yaml",
    "health_assets/warehouse/guide_views.sql",
    "health_assets/sources/guesses/synonyms.yml",
    "health_assets/sources/presets/stripe/tables.yml",
    "health_assets/sources/presets/stripe/subscriptions.sql",
)
INSTANCE = """
import json, dagster as dg
with dg.DagsterInstance.get() as instance:
    queue = instance.get_concurrency_config().run_queue_config
    print(json.dumps([instance.telemetry_enabled, queue.max_concurrent_runs if queue else None]))
"""
STARTS_WITHIN = 180  # seconds
ENDS_WITHIN = 90


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="health-assets-wheel-") as folder:
        work = Path(folder)
        wheel = build(work)
        python = install(wheel, work / "venv")
        company = work / "company"
        company.mkdir()
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "DAGSTER_HOME", "HEALTH_ASSETS_SETTINGS", "VIRTUAL_ENV")
        }
        before = package_files(python, company, environment)
        command = python.with_name("health-assets")
        settings = ["--settings", "demo/settings.yml"]
        demo = ["demo", "--folder", "demo", "--accounts", "30", "--months", "6", "--end", "2025-01-31"]
        for arguments in (demo, ["run", *settings], ["status", *settings]):
            step(f"health-assets {arguments[0]}")
            called([command, *arguments], company, environment)
        assert_instance(python, company, environment)
        assert_web_server(command, settings, company, environment)
        step("the docs generator refuses to write outside a checkout")
        generated = [python, "-m", "health_assets.cli.data_dictionary"]
        refused = subprocess.run(generated, cwd=company, env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode, "the docs generator must refuse to run outside a checkout"
        changed = before ^ package_files(python, company, environment)
        assert not changed, f"written into site-packages: {sorted(changed)}"
    step("the wheel works")


def build(work: Path) -> Path:
    """The wheel, built from a copy of what the checkout tracks, so that nothing else finds its way into it."""
    step("build")
    copy = work / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "health_assets", copy / "health_assets", ignore=shutil.ignore_patterns("__pycache__"))
    called([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", work, copy], work, dict(os.environ))
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert names >= set(SHIPPED), f"missing from the wheel: {sorted(set(SHIPPED) - names)}"
    strangers = {name.split("/")[0] for name in names} - {"health_assets", f"{wheel.name.split('-py3')[0]}.dist-info"}
    assert not strangers, f"the wheel holds more than the package: {sorted(strangers)}"
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """The Python of a new environment that has the wheel and its dependencies at the versions of the lock file."""
    step("install")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    called([*pip, "-c", ROOT / "requirements.lock", wheel], folder, dict(os.environ))
    return python


def package_files(python: Path, folder: Path, environment: dict[str, str]) -> set[str]:
    """What stands in site-packages, compiled modules apart; the package must come from there."""
    where = "import health_assets; print(health_assets.__path__[0])"
    package = Path(called([python, "-c", where], folder, environment).strip())
    assert python.parents[1] in package.parents, f"health_assets comes from {package}, not from the wheel"
    files = package.parent.rglob("*")
    return {str(file) for file in files if file.is_file() and "__pycache__" not in file.parts}


def assert_instance(python: Path, company: Path, environment: dict[str, str]) -> None:
    step("telemetry off, one run at a time")
    home = environment | {"DAGSTER_HOME": str(company / "demo" / "dagster")}
    assert (company / "demo" / "dagster" / "dagster.yaml").exists()
    telemetry, runs = json.loads(called([python, "-c", INSTANCE], company, home).splitlines()[-1])
    assert telemetry is False, "Dagster's telemetry is on"
    assert runs == 1, f"{runs} runs may write the warehouse at a time"


def assert_web_server(command: Path, settings: list[str], company: Path, environment: dict[str, str]) -> None:
    """`health-assets ui` starts, answers on 127.0.0.1 and no other address, and stops with all its processes."""
    step("health-assets ui")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = company / "ui.log"
    with log.open("wb") as written:
        served = [command, "ui", *settings, "--port", str(port)]
        process = subprocess.Popen(
            served, cwd=company, env=environment, stdout=written, stderr=written, start_new_session=True
        )
    try:
        answer = answered(f"http://127.0.0.1:{port}/server_info", process, log)
        assert "dagster_version" in answer, answer
        assert not answers(other_address(), port), f"the web server answers on {other_address()}, not only on 127.0.0.1"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        deadline = time.monotonic() + ENDS_WITHIN
        while group_exists(process.pid) and time.monotonic() < deadline:
            process.poll()  # so that it does not stay as a zombie of its own group
            time.sleep(0.1)
        is_left = group_exists(process.pid)
        if is_left:
            os.killpg(process.pid, signal.SIGKILL)
    assert not is_left, f"processes of the web server are left {ENDS_WITHIN} s after Ctrl-C:\n{log.read_text()}"


def answered(url: str, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return str(response.read().decode())
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer from {url}:\n{log.read_text()}")


def other_address() -> str:
    """An address of this machine that is not 127.0.0.1: the one it talks to its network with, else another loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # documentation range; a UDP socket sends nothing by connecting
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.2"


def answers(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def called(command: list[object], folder: Path, environment: dict[str, str]) -> str:
    ended = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def step(what: str) -> None:
    print(f"wheel: {what}", flush=True)


if __name__ == "__main__":
    main()
