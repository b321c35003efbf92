"""A PostgreSQL server of its own on 127.0.0.1, in a temporary folder, for the tests that need a real database."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from health_assets_tests.loopback_server import ESCAPED, PASSWORD, folder_of, free_port

UNPRIVILEGED = "nobody"  # the server refuses to run as root


class Postgres:
    """A running server; `url` has its password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"postgresql://owner:{ESCAPED}@127.0.0.1:{self.port}/postgres"

    def sql(self, statement: str) -> str:
        """What psql prints for a statement."""
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        command = ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "owner", "-d", "postgres"]
        called = subprocess.run(
            [*command, "-v", "ON_ERROR_STOP=1", "-qtAc", statement],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert called.returncode == 0, called.stderr
        return called.stdout.strip()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self._control("start", "-w", "-o", options)

    def stop(self, how: str = "fast") -> None:
        """Stop the server: `fast`, or `immediate` as a crash would."""
        self._control("stop", "-m", how)

    def _control(self, *arguments: str) -> None:
        log = str(self.folder / "log")
        _as_unprivileged([_program("pg_ctl"), "-D", str(self.folder / "data"), "-l", log, *arguments])


def _program(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name) or ""


def _as_unprivileged(command: list[str]) -> None:
    user = ["runuser", "-u", UNPRIVILEGED, "--"] if os.getuid() == 0 else []
    subprocess.run([*user, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server that the tests of a session share; one that stops it starts it again."""
    if not _program("initdb"):
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with folder_of(UNPRIVILEGED) as folder:
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        server = Postgres(folder)
        initialise = ["-U", "owner", "-A", "scram-sha-256", "--pwfile", str(password), "-E", "UTF8", "--no-sync"]
        _as_unprivileged([_program("initdb"), "-D", str(folder / "data"), *initialise])
        server.start()
        try:
            yield server
        finally:
            server.stop()
