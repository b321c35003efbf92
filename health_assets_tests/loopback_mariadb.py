"""A MariaDB server of its own on 127.0.0.1, in a temporary folder, for the tests that need a real one."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from health_assets_tests.loopback_server import ESCAPED, PASSWORD, folder_of, free_port

SERVERS_ZONE = "+05:00"  # neither UTC nor that of the tests' company
OWNER = "mysql"  # the server refuses to run as root


class MariaDB:
    """A running server with a database `crm` that the user `reader` may read; `url` has its password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"mysql://reader:{ESCAPED}@127.0.0.1:{self.port}/crm"
        self._process: subprocess.Popen[bytes] | None = None

    def sql(self, statements: str) -> str:
        """What the server's client prints for statements of its administrator."""
        client = ["mariadb", "--no-defaults", f"--socket={self.folder}/socket", "--user=root"]
        called = subprocess.run(
            [*client, "--default-character-set=utf8mb4", "-NBe", statements, "mysql"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert called.returncode == 0, called.stderr
        return called.stdout.strip()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        files = [f"--datadir={self.folder}/data", f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        network = ["--bind-address=127.0.0.1", f"--port={self.port}", f"--default-time-zone={SERVERS_ZONE}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_server(), "--no-defaults", *_as_owner(), *files, *network], stdout=log, stderr=log
            )
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)

    def stop(self, *, is_crash: bool = False) -> None:
        """Stop the server, or end it as a crash would."""
        assert self._process is not None
        (self._process.kill if is_crash else self._process.terminate)()
        self._process.wait()

    def _answers(self) -> bool:
        ping = ["mariadb-admin", "--no-defaults", f"--socket={self.folder}/socket", "--user=root", "ping"]
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0


def _server() -> str:
    return shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or ""


def _as_owner() -> list[str]:
    return [f"--user={OWNER}"] if os.getuid() == 0 else []


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A server that the tests of a session share; one that stops it starts it again."""
    if not _server():
        pytest.skip("MariaDB is not installed (Debian: apt-get install mariadb-server)")
    with folder_of(OWNER) as folder:
        laid_out = ["mariadb-install-db", "--no-defaults", *_as_owner(), f"--datadir={folder}/data", "--skip-test-db"]
        subprocess.run([*laid_out, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
        server = MariaDB(folder)
        server.start()
        try:
            server.sql(
                f"create database crm character set utf8mb4; create user reader@'%' identified by '{PASSWORD}'; "
                "grant select, insert, delete on crm.* to reader@'%'; create database other"
            )
            yield server
        finally:
            server.stop()
