"""No test and no process that a test starts may reach another machine: a hook that refuses it and notes who tried.

Python imports a module of this name at its start from any folder of PYTHONPATH, so child processes have the hook too;
conftest.py puts this folder there, and fails the session if anybody tried.
"""

import ipaddress
import os
import sys

NOTES = "HEALTH_ASSETS_TESTS_NETWORK_NOTES"  # the file that the attempts are noted in
LOCAL = {"", "localhost", "0.0.0.0", "::", os.uname().nodename}


def is_local(host: object) -> bool:
    """Whether an address or a name is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in LOCAL:
        return True
    try:
        return ipaddress.ip_address(str(name).split("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_other_machines(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: connections, datagrams and look-ups of names go to this machine or nowhere."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None  # a path of a Unix socket is local
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not is_local(host):
        if notes := os.environ.get(NOTES):
            with open(notes, "a", encoding="utf-8") as file:
                file.write(
                    f"{event} {host} by {' '.join(sys.orig_argv)[:200]} ({os.environ.get('PYTEST_CURRENT_TEST')})\n"
                )
        raise PermissionError(f"tests reach no other machine: {event} {host}")


sys.addaudithook(refuse_other_machines)
