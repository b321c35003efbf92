"""Hostile loads as one command that prints a table: `python -m health_assets_tests.hostile --loads 500`."""

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from health_assets_tests.hostile.loads import PROFILES, SEED, Load, Outcome, Right, drawn, outcome_of, right_company
from health_assets_tests.hostile.mutations import MUTATIONS

RESULTS = ("right", "stopped", "warned", "silent", "traceback")
Tried = list[tuple[Load, Outcome]]


def main() -> int:
    """Try the loads and print what became of them; 1 if one was published wrong in silence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=500)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", action="append", default=[], help="part of the name of a load; may be given again")
    parser.add_argument("--each", action="store_true", help="print every load, not only those that are wrong")
    parser.add_argument("--write", type=Path, help="file that the table replaces")
    given = parser.parse_args()
    loads = [
        load
        for load in drawn(given.loads, given.seed)
        if not given.only or any(name in str(load) for name in given.only)
    ]
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        spawning = multiprocessing.get_context("spawn")  # Polars must not be forked
        with ProcessPoolExecutor(given.workers, spawning, _prepare, (Path(folder),)) as pool:
            wanted = {load.profile: None for load in loads}
            companies = dict(zip(wanted, pool.map(_company, wanted), strict=True))
            tried: Tried = []
            for load, outcome in pool.map(_try, [(load, companies[load.profile]) for load in loads]):
                tried.append((load, outcome))
                if given.each or is_wrong(load, outcome):
                    print(f"{outcome.result.upper()}: {load}: {outcome.evidence}", file=sys.stderr, flush=True)
    page = in_words(tried, given.seed)
    print(page)
    if given.write:
        given.write.write_text(page, encoding="utf-8")
    return int(any(is_wrong(load, outcome) for load, outcome in tried))


def is_wrong(load: Load, outcome: Outcome) -> bool:
    """Whether a load was published wrong in silence, or a harmless one not right."""
    return outcome.result in ("silent", "traceback") or (load.mutation.harmless and outcome.result != "right")


def in_words(tried: Tried, seed: int) -> str:
    """The page of results: counts by kind of company and by kind of harm."""
    by_company = Counter((PROFILES[load.profile], outcome.result) for load, outcome in tried)
    by_kind = Counter((load.mutation.name, outcome.result) for load, outcome in tried)
    harmless = {mutation.name for mutation in MUTATIONS if mutation.harmless}
    second = {mutation.name for mutation in MUTATIONS if mutation.needs_history}
    marked = {
        mutation.name: f"{mutation.name} {'(h)' * (mutation.name in harmless)}{'(s)' * (mutation.name in second)}".strip()
        for mutation in MUTATIONS
    }
    return f"""# Hostile loads

{len(tried)} loads, seed {seed}, of four simulated companies: one file of a sound company is harmed and loaded.
`make hostile` repeats this and writes this page; it fails if a load is published wrong in silence.

* right: every figure is as it should be (must be so of harm marked `(h)`);
* stopped: nothing is published, and the message names the file or the source;
* warned: published with other figures, and a warning of this load names the source;
* silent: published with other figures and nothing to see.

`(s)` marks harm that nothing in the file itself shows; it is tried with an earlier load to compare with.

{_table("company", PROFILES.values(), by_company)}

{_table("harm", [name for name in marked if any(by_kind[name, result] for result in RESULTS)], by_kind, marked)}
"""


def _table(
    title: str, names: Iterable[str], counts: Counter[tuple[str, str]], shown: dict[str, str] | None = None
) -> str:
    rows = [[(shown or {}).get(name, name), *(counts[name, result] for result in RESULTS)] for name in names]
    rows.append(["all", *(sum(count for (_, other), count in counts.items() if other == result) for result in RESULTS)])
    lines = [f"| {title} | {' | '.join(RESULTS)} |", f"|---|{'--:|' * len(RESULTS)}"]
    return "\n".join(lines + ["| " + " | ".join(str(cell or "") for cell in row) + " |" for row in rows])


_folder = Path()


def _prepare(folder: Path) -> None:
    global _folder  # of this worker
    _folder = folder


def _company(profile: str) -> Right:
    return right_company(_folder / profile, profile)


def _try(given: tuple[Load, Right]) -> tuple[Load, Outcome]:
    load, right = given
    return load, outcome_of(load, right, _folder / f"load_{load.number}")
