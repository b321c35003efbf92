"""`python -m health_assets.orchestration.dev`: `dagster dev`, with our guarded web server in the place of Dagster's."""

from collections.abc import Sequence
from typing import Any

from dagster._cli import dev
from dagster_shared.ipc import open_ipc_subprocess

THEIRS, OURS = "dagster_webserver", "health_assets.orchestration.web_server"


def _open(parts: Sequence[str], **options: Any) -> Any:
    return open_ipc_subprocess([OURS if part == THEIRS else part for part in parts], **options)


def main() -> None:
    """Run Dagster's code server, daemon and web server until stopped."""
    dev.open_ipc_subprocess = _open  # type: ignore[attr-defined]
    dev.dev_command()


if __name__ == "__main__":
    main()
