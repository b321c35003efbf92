"""The real command line in a process of its own, over the tables that revenue, usage and support need.

Fewer tables make a run that is killed twenty times bearable; everything else is as in production. FAULT, from the
environment, does harm at a chosen place: "kill insert 3", "kill fact.tickets" (before it is
written), "kill swap", "fill staged_invoices", "fill published", "fill swap" (after it).
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from health_assets import definitions
from health_assets.assets import load_all
from health_assets.tables import TABLES
from health_assets.warehouse import snapshot as publish
from health_assets.warehouse import storage

WANTED = ("mart_net_revenue_retention", "fact_usage_daily", "fact_tickets")


def keep_few_tables() -> None:
    """Drop every table that the wanted ones do not read, directly or not."""
    load_all()
    kept: set[str] = set()
    found = [*WANTED, "staged_accounts", "dim_account"]
    while found:
        name = found.pop()
        if name not in kept:
            kept.add(name)
            table = TABLES[name]
            found += [*table.inputs, *(name for identity in table.identities for name in identity.inputs)]
    for name in set(TABLES) - kept:
        del TABLES[name]
    definitions.check_scorecards = definitions.check_features = lambda *_: None  # no table here is scored
    definitions.scorable_columns = definitions.learnable_columns = set


def do_harm(fault: str) -> None:
    """Arrange for the fault."""
    kind, place, *count = fault.split()
    if kind == "kill" and place == "insert":  # after the delete, before the insert
        storage.insert = _killing(storage.insert, int(count[0]))
    elif kind == "kill" and "." in place:
        storage.insert = _killing(storage.insert, 1, lambda _, relation, __: relation == place)
    elif kind == "kill":
        publish._swap = _killing(publish._swap, 1)
    elif place == "swap":
        publish._swap = _then_filling(publish._swap)
    elif place == "published":
        publish._write = _filling(publish._write, lambda *_: True)
    else:
        storage.Warehouse.write = _filling(storage.Warehouse.write, lambda _, table, *__: table.name == place)


def _killing(
    function: Callable[..., Any], count: int, counts: Callable[..., bool] = lambda *_: True
) -> Callable[..., Any]:
    calls = []

    def killing(*given: Any) -> Any:
        calls.extend([1] * counts(*given))
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given)

    return killing


def _filling(function: Callable[..., Any], when: Callable[..., bool]) -> Callable[..., Any]:
    def filling(*given: Any) -> Any:
        if when(*given):
            fill(Path(os.environ["DISK"]))
        return function(*given)

    return filling


def _then_filling(function: Callable[..., Any]) -> Callable[..., Any]:
    def filling(*given: Any) -> Any:
        done = function(*given)
        fill(Path(os.environ["DISK"]))
        return done

    return filling


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while filler.write(b"0" * size):
                    pass
            except OSError:
                continue


if __name__ == "__main__":
    keep_few_tables()
    if os.environ.get("FAULT"):
        do_harm(os.environ["FAULT"])
    from health_assets.cli.app import app

    app()
