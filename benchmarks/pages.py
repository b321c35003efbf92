"""How long a reader waits for the pages of the dashboard in Chromium, and what a page costs the server.

    python benchmarks/pages.py data/demo/settings.yml --copies 134      # a published company, each account 134 times

The snapshot is copied and multiplied by SQL in a temporary folder; nothing of the company is changed. Each page is opened by the
navigation: the first time (queries run), and again by another visitor (answers are kept). Seconds until the page is drawn depend on
what else the machine does; the CPU seconds of the server and of the browser do not. Linux only.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from health_assets import settings
from health_assets_tests.browser import snapshots
from health_assets_tests.browser.serving import Visit, dashboard, visit

TITLES = [
    "Attention list",
    "Account",
    "Revenue",
    "Support",
    "Product",
    "Commerce",
    "Security",
    "Operations",
    "Data",
    "Portfolio",
]
PROGRAMS = {"server": "streamlit", "browser": "chrom"}
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("settings", type=Path)
    arguments.add_argument("--copies", type=int, default=134)
    given = arguments.parse_args()
    company = settings.load(given.settings)
    print(f"{'':34}   drawn  server CPU  browser CPU")
    with tempfile.TemporaryDirectory() as folder:
        file = snapshots.company_with(Path(folder), company, *snapshots.multiplied(company, given.copies))
        with dashboard(file) as base:
            for turn in ("first", "again"):
                opened = visit(base)
                seen = timed(f"first page, {turn}", opened.__enter__)
                for title in TITLES:
                    timed(f"{title}, {turn}", partial(seen.open, title))
                timed(f"search, {turn}", partial(search, seen))
                for name, use in (("filter by owner", by_owner), ("revenue by region", by_region)):
                    timed(f"{name}, {turn}", use(seen))
                opened.__exit__(None, None, None)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def search(seen: Visit) -> None:
    seen.open("Account")
    seen.page.get_by_label("Search by name or id").fill("no such account")
    seen.page.keyboard.press("Enter")
    seen.page.get_by_text("No account matches.").wait_for()


def by_owner(seen: Visit) -> Callable[[], None]:
    """Choose the first owner on the attention list; the page is open before."""
    seen.open("Attention list")
    counted = seen.page.get_by_text("Choose a row to open the account")
    before = counted.inner_text()

    def choose() -> None:
        seen.page.get_by_label("Owner").first.click()
        seen.page.get_by_role("option").nth(1).click()
        while counted.inner_text() == before:
            seen.page.wait_for_timeout(10)
        seen.drawn()
        seen.page.keyboard.press("Escape")  # the menu stays open for further choices

    return choose


def by_region(seen: Visit) -> Callable[[], None]:
    """Group retention by region; the page is open before."""
    seen.open("Revenue")

    def choose() -> None:
        seen.page.get_by_role("button", name="Region").or_(seen.page.get_by_role("radio", name="Region")).first.click()
        seen.drawn()

    return choose


def timed(what: str, action: Callable[[], Any]) -> Any:
    """Do something, and print how long it took and what it cost; what is drawn later is not counted."""
    started, before = time.monotonic(), {name: cpu(word) for name, word in PROGRAMS.items()}
    answer = action()
    drawn = time.monotonic() - started
    used = [cpu(word) - before[name] for name, word in PROGRAMS.items()]
    print(f"{what:34} {drawn:5.2f} s     {used[0]:5.2f} s      {used[1]:5.2f} s", flush=True)
    return answer


def cpu(word: str) -> float:
    """CPU seconds so far of this process's children, and theirs, whose command has the word; those that ended do not count."""
    parents, seconds = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            parents[int(folder.name)] = int(stat[1])
            if word in command:
                seconds[int(folder.name)] = (int(stat[11]) + int(stat[12])) / TICKS
    return sum(used for process, used in seconds.items() if is_ours(process, parents))


def is_ours(process: int, parents: dict[int, int]) -> bool:
    while process in parents and process != os.getpid():
        process = parents[process]
    return process == os.getpid()


if __name__ == "__main__":
    main()
