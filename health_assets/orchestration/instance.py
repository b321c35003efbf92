"""Where Dagster keeps a company's run history: next to its warehouse, or in DAGSTER_HOME."""

import fcntl
import os
import re
from pathlib import Path
from typing import Any

from health_assets.settings import Settings, SettingsError
from health_assets.sources.file_names import without_secrets

OWNER_FILE = "warehouse"  # in Dagster's home: the warehouse that it belongs to, relative to it


def prepare_home(company: Settings) -> None:
    """Dagster's home exists and has our dagster.yaml; one that DAGSTER_HOME names and that has its own keeps it."""
    home = company.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    _refuse_another_company(home, company)
    ours, theirs = Path(__file__).with_name("dagster.yaml"), home / "dagster.yaml"
    if ours.exists() and not ("DAGSTER_HOME" in os.environ and theirs.exists() and not _is_outdated(theirs)):
        theirs.write_text(ours.read_text(encoding="utf-8"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)


def _is_outdated(file: Path) -> bool:
    """Whether a dagster.yaml names a module that an earlier version of this package had: Dagster would not start with it."""
    named = re.findall(r"^\s*module:\s*(health_assets[\w.]*)", file.read_text(encoding="utf-8"), re.MULTILINE)
    package = Path(__file__).parents[1].parent
    return any(not package.joinpath(*name.split(".")).with_suffix(".py").exists() for name in named)


def _refuse_another_company(home: Path, company: Settings) -> None:
    """The history of runs and the alert state belong to one warehouse: two companies would be mixed up in them.

    Raises:
        SettingsError: the folder belongs to another warehouse.
    """
    owner, ours = home / OWNER_FILE, os.path.relpath(company.warehouse, home)
    theirs = owner.read_text(encoding="utf-8").strip() if owner.exists() else ours
    if theirs != ours:
        raise SettingsError(
            f"warehouse: {company.warehouse} shares its folder with {(home / theirs).resolve()}, and both would use the run "
            f"history in {home} and the alert state next to it; give each company a folder of its own. If the warehouse was "
            f"only renamed, delete {owner}"
        )
    owner.write_text(ours, encoding="utf-8")


def open_instance() -> Any:
    """Dagster's history; made by one process at a time, since two that begin together would both create its tables.

    Raises:
        SettingsError: Dagster cannot use its dagster.yaml, or the database that it names does not answer.
    """
    import dagster as dg

    home = Path(os.environ["DAGSTER_HOME"])
    with (home / ".creating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            instance = dg.DagsterInstance.get()
            instance.has_asset_key(dg.AssetKey("published"))  # the log creates its tables when it is first read
        except Exception as error:
            if not is_in_a_database(home):  # of our own dagster.yaml: a locked or damaged file, which others describe
                raise
            said = without_secrets(str(error).strip().split("\n")[0])
            raise SettingsError(f"{home / 'dagster.yaml'}: the history cannot be opened ({said})") from None
    return instance


def is_in_a_database(home: Path) -> bool:
    """Whether the dagster.yaml of a company keeps the history outside its folder."""
    file = home / "dagster.yaml"
    return file.exists() and re.search(r"^storage:", file.read_text(encoding="utf-8"), re.MULTILINE) is not None
