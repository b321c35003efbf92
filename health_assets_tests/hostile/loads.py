"""Hostile loads: a simulated company whose files are right, one file replaced, and what the product makes of it.

A load is `right` when every figure agrees with the company's own, `stopped` when nothing would be published, `warned` when it
would be published with other figures and a check or warning names the source. Anything else is `silent`: wrong, published,
with nothing to see.
"""

import os
import random
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from health_assets.demo import company as demo_company
from health_assets.demo import write_company
from health_assets_tests.conftest import said_by
from health_assets_tests.hostile.direct_run import Ran, run
from health_assets_tests.hostile.mutation import Case, Mutation, Rows, read
from health_assets_tests.hostile.mutations import MUTATIONS

END = date(2025, 1, 17)
SEED = 20250117
PROFILES = {"core": "SaaS", "commerce": "shop", "security": "security", "operations": "operations"}
ACCOUNTS = {"operations": 15}  # whose workflow items are many; the others have 60
SOURCES = demo_company.PROFILES
WANTED = (
    "dim_account", "fact_revenue_monthly", "mart_net_revenue_retention", "fact_tickets", "fact_usage_daily", "fact_orders",
    "fact_payments", "fact_invoices", "fact_incidents", "fact_feedback", "fact_workflow_monthly", "mart_customer_health",
    "mart_churn_risk",
)  # fmt: skip
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
    "payments": "select count(*), count(payment_date), count(distinct account_id), round(sum(amount_paid), 2) from fact.payments",
    "incidents": (
        "select severity, count(*), round(sum(minutes_to_respond), 1), count_if(is_within_sla) "
        "from fact.incidents group by all order by all"
    ),
    "feedback": "select count(*), sum(nps_rating), round(sum(satisfaction_rating), 1) from fact.feedback",
    "operations": (
        "select month, sum(tickets_processed), round(sum(processing_minutes), 1), sum(data_error_count), sum(denied_count) "
        "from fact.workflow_monthly group by all order by all"
    ),
    "health": "select count(health_score), round(sum(health_score), 3) from mart.customer_health",
    "risk": "select risk_level, count(*), sum(churn_risk_score) from mart.churn_risk group by all order by all",
}  # fmt: skip


@dataclass(frozen=True)
class Load:
    """One hostile load: which company, which file, what happened to it, and whether a right load came before."""

    number: int
    profile: str
    source: str
    mutation: Mutation
    is_first: bool

    def __str__(self) -> str:
        """Which load, in words."""
        return f"{self.number} {self.profile} {self.source}: {self.mutation.name}, {'first' if self.is_first else 'second'} load"


@dataclass(frozen=True)
class Outcome:
    """What became of a load: right, stopped, warned, silent or traceback; and the lines that say so."""

    result: str
    evidence: str = ""


@dataclass(frozen=True)
class Right:
    """A company whose files are right, after a run that published it; what a first and a second direct run say of it."""

    folder: Path
    first: Ran
    second: Ran


def drawn(count: int, seed: int = SEED) -> list[Load]:
    """So many loads, every mutation in turn, drawn by a seed."""
    chance = random.Random(seed)
    loads = []
    for number in range(count):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        profile = chance.choice([name for name in PROFILES if set(SOURCES[name]) & set(mutation.sources)])
        source = chance.choice([name for name in SOURCES[profile] if name in mutation.sources])
        is_first = not mutation.needs_history and chance.random() < 0.5
        loads.append(Load(number, profile, source, mutation, is_first))
    return loads


def right_company(folder: Path, profile: str) -> Right:
    """A company without a dirty row, published by the command line; the limits are those of the defaults."""
    company = folder / "company"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(demo_company, "with_dirt", lambda _, rows: rows)
        write_company(company, accounts=ACCOUNTS.get(profile, 60), months=8, end=END, profile=profile)
        settings = company / "settings.yml"
        settings.write_text(re.sub(r", rows_kept: [\d.]+", "", settings.read_text()))
        patched.chdir(company)
        patched.setenv("DAGSTER_HOME", str(company / "dagster"))
        said = said_by("run", "--settings", "settings.yml")
    assert said.exit_code == 0, said.output
    shutil.rmtree(company / "dagster")
    second = _direct(_copy(company, folder / "second"))
    first = _copy(company, folder / "first")
    _forget_the_first_run(first)
    return Right(company, _direct(first), second)


def outcome_of(load: Load, right: Right, folder: Path) -> Outcome:
    """Replace one file of a copy of the company, run, and say what came of it."""
    _copy(right.folder, folder)
    if load.is_first:
        _forget_the_first_run(folder)
    replace_file(load, folder)
    expected = right.first if load.is_first else right.second
    try:
        ran = _direct(folder, expected.contents)
    except Exception as error:  # noqa: BLE001 - whatever it is, a run that ends so is a fault of ours
        return Outcome("traceback", f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(folder)
    if ran.stopped:
        return Outcome("stopped", ran.stopped)
    wrong = [name for name in ran.figures if ran.figures[name] != expected.figures[name]]
    news = [line for line in ran.warnings if line not in expected.warnings and load.source in line]
    if not wrong:
        return Outcome("right", " | ".join(news))
    return Outcome("warned" if news else "silent", f"{', '.join(wrong)} differ | {' | '.join(news)}")


def _direct(folder: Path, contents: dict[str, int] | None = None) -> Ran:
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        return run(folder / "settings.yml", WANTED, FIGURES, contents)


def _copy(company: Path, folder: Path) -> Path:
    """A copy of a company; the published snapshot is read only, so the copy links to it."""
    shutil.copytree(company, folder, symlinks=True, ignore=shutil.ignore_patterns("published*", "alerts*"))
    (folder / "published.duckdb").symlink_to(os.path.realpath(company / "published.duckdb"))
    return folder


def _forget_the_first_run(folder: Path) -> None:
    for file in ("warehouse.duckdb", "published.duckdb"):
        (folder / file).unlink(missing_ok=True)


def replace_file(load: Load, folder: Path) -> None:
    """Harm one file of a company as the load says."""
    file = _files(folder, load.source)[-1]
    chance = random.Random(f"{load.number} {load.mutation.name}")
    others = {
        name: rows
        for name in SOURCES[load.profile]
        if name != load.source and (rows := _rows(folder, name)) is not None
    }
    changed = load.mutation.change(Case(read(file.read_bytes()), load.source, chance, others))
    arrived = file.with_stem(f"{file.stem}_again") if load.mutation.adds_file else file
    arrived.write_bytes(changed)


def _rows(folder: Path, source: str) -> Rows | None:
    files = _files(folder, source)
    return read(files[-1].read_bytes()) if files else None


def _files(folder: Path, source: str) -> Sequence[Path]:
    return sorted(folder.glob(f"{source}.csv")) or sorted(folder.glob(f"{source}/*.csv"))
