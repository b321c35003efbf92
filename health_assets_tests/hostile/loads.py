"""Hostile loads: a simulated company whose files are right, one file replaced, and what the product makes of it.

A load is `right` when every figure agrees with the company's own, `stopped` when nothing was published, `warned` when it
was published with other figures and a check or warning names the source. Anything else is `silent`: wrong, published,
with nothing to see.
"""

import os
import random
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from health_assets.cli.app import app
from health_assets.demo import company as demo_company
from health_assets.demo import write_company
from health_assets_tests.hostile.mutations import MUTATIONS, Mutation, read

END = date(2025, 1, 17)
PROFILES = ("core", "commerce")
SOURCES = demo_company.PROFILES
FIGURES = {
    "accounts by status": "select account_status, count(*) from dim.account group by all order by all",
    "MRR by month": "select month, round(sum(mrr), 2) from fact.revenue_monthly group by all order by all",
    "churned MRR": "select month, round(sum(churned_mrr), 2) from fact.revenue_monthly group by all order by all",
    "NRR": "select month, round(nrr_pct, 4) from mart.net_revenue_retention order by all",
    "lifetime value": "select round(sum(lifetime_value), 2) from dim.account",
    "tickets": (
        "select sla_state, count(*), round(sum(resolution_hours), 2), count(satisfaction_score) "
        "from fact.tickets group by all order by all"
    ),
    "events": "select sum(event_count), count(distinct account_id) from fact.usage_daily",
    "orders": "select count(*), round(sum(total_amount), 2) from fact.orders",
    "health": "select count(health_score), round(sum(health_score), 3) from mart.customer_health",
    "risk": "select risk_level, count(*), sum(churn_risk_score) from mart.churn_risk group by all order by all",
    "payments": "select count(*), count(payment_date), count(distinct account_id) from fact.payments",
}


@dataclass(frozen=True)
class Load:
    """One hostile load: which company, which file, what happened to it, and whether a right load came before."""

    number: int
    profile: str
    source: str
    mutation: Mutation
    is_first: bool

    @property
    def chance(self) -> random.Random:
        """Its own source of chance, so that a load can be repeated alone."""
        return random.Random(f"{self.number} {self.mutation.name}")

    def __str__(self) -> str:
        """Which load, in words."""
        return f"{self.number} {self.source}: {self.mutation.name}, {'first' if self.is_first else 'second'} load"


@dataclass(frozen=True)
class Outcome:
    """What became of a load: right, stopped, warned, silent or traceback; and the lines that say so."""

    result: str
    evidence: str = ""


@dataclass(frozen=True)
class Right:
    """A company whose files are right, after its first run."""

    folder: Path
    figures: dict[str, Any]
    warnings: set[str]


def drawn(count: int, seed: int = 20250117) -> list[Load]:
    """So many loads, every mutation in turn, drawn by a seed."""
    chance = random.Random(seed)
    loads = []
    for number in range(count):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        profile = chance.choice([name for name in PROFILES if set(SOURCES[name]) & set(mutation.sources)])
        source = chance.choice([name for name in mutation.sources if name in SOURCES[profile]])
        is_first = not mutation.needs_history and chance.random() < 0.5
        loads.append(Load(number, profile, source, mutation, is_first))
    return loads


def right_company(folder: Path, profile: str) -> Right:
    """A company without a dirty row."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(demo_company, "with_dirt", lambda _, rows: rows)
        write_company(folder, accounts=60, months=8, end=END, profile=profile)
    exit_code, lines = _run(folder)
    assert exit_code == 0, "\n".join(lines)
    return Right(folder, _figures(folder), _warnings(lines))


def outcome_of(load: Load, right: Right, folder: Path) -> Outcome:
    """Replace one file of a copy of the company, run, and say what came of it."""
    shutil.copytree(right.folder, folder, symlinks=True)
    if load.is_first:
        _forget_the_first_run(folder)
    _replace_file(load, folder)
    before = os.path.realpath(folder / "published.duckdb")
    exit_code, lines = _run(folder)
    if any("Traceback" in line for line in lines):
        return Outcome("traceback", " ".join(lines[-3:]))
    if exit_code:
        assert load.is_first or os.path.realpath(folder / "published.duckdb") == before, (
            "a failed run changed the snapshot"
        )
        return Outcome("stopped", next((line for line in lines if line.startswith(("error", "failed"))), lines[-1]))
    figures = _figures(folder)
    wrong = [name for name in FIGURES if figures[name] != right.figures[name]]
    if not wrong:
        return Outcome("right")
    news = sorted(line for line in _warnings(lines) - right.warnings if load.source in line)
    return Outcome("warned" if news else "silent", f"{', '.join(wrong)} | {' | '.join(news)}")


def _forget_the_first_run(folder: Path) -> None:
    for file in ("warehouse.duckdb", "published.duckdb", "alerts.sqlite"):
        (folder / file).unlink(missing_ok=True)
    for made in ("published.snapshots", "dagster"):
        shutil.rmtree(folder / made, ignore_errors=True)


def _replace_file(load: Load, folder: Path) -> None:
    files = sorted(folder.glob(f"{load.source}.csv")) or sorted(folder.glob(f"{load.source}/*.csv"))
    files[-1].write_bytes(load.mutation.change(read(files[-1].read_bytes()), load.source, load.chance))


def _figures(folder: Path) -> dict[str, Any]:
    """What a reader of the first page would look at, from the snapshot."""
    with duckdb.connect(os.path.realpath(folder / "published.duckdb"), read_only=True) as snapshot:
        return {name: snapshot.sql(query).fetchall() for name, query in FIGURES.items()}


def _warnings(lines: list[str]) -> set[str]:
    return {line for line in lines if line.startswith(("warned", "warning"))}


def _run(folder: Path) -> tuple[int, list[str]]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DAGSTER_HOME", str(folder / "dagster"))
        patched.setenv("COLUMNS", "400")
        patched.chdir(folder)
        ended = CliRunner().invoke(app, ["run", "--settings", "settings.yml"])
    lines = ended.output.splitlines()
    if ended.exception and not isinstance(ended.exception, SystemExit):
        lines.append(f"Traceback: {ended.exception!r}")
    return ended.exit_code, lines
