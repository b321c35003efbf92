"""What the servers that tests start on 127.0.0.1 share: a free port, a password, and a folder of a user that is not root."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "corr3ct h@rse/st:aple"  # with characters that a URL has to escape
ESCAPED = "corr3ct%20h%40rse%2Fst%3Aaple"


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def folder_of(user: str) -> Iterator[Path]:
    """A temporary folder that belongs to a user where root runs the tests, as databases refuse to run as root."""
    folder = Path(tempfile.mkdtemp(prefix=f"{user}-"))
    folder.chmod(0o755)
    if os.getuid() == 0:
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
