"""Where Dagster keeps the history of a company's runs: beside its warehouse, or where DAGSTER_HOME says."""

import fcntl
import os
from pathlib import Path
from typing import Any

from health_assets.settings import Settings


def prepare_home(company: Settings) -> None:
    """Dagster's home exists and has our dagster.yaml; one that DAGSTER_HOME names and that has its own keeps it."""
    home = company.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    ours, theirs = Path(__file__).with_name("dagster.yaml"), home / "dagster.yaml"
    if ours.exists() and not ("DAGSTER_HOME" in os.environ and theirs.exists()):
        theirs.write_text(ours.read_text(encoding="utf-8"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)


def open_instance() -> Any:
    """Dagster's history; made by one process at a time, since two that begin together would both create its tables."""
    import dagster as dg

    with (Path(os.environ["DAGSTER_HOME"]) / ".creating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = dg.DagsterInstance.get()
        instance.has_asset_key(dg.AssetKey("published"))  # the log creates its tables when it is first read
    return instance
