"""How long a reader waits for the pages of the dashboard, in Chromium.

    python benchmarks/pages.py data/demo/settings.yml --copies 134      # a published company, each account 134 times

The snapshot is copied and multiplied by SQL in a temporary folder; nothing of the company is changed. Each page is opened by the
navigation, the first time (queries run) and again (answers are kept).
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("settings", type=Path)
    arguments.add_argument("--copies", type=int, default=134)
    given = arguments.parse_args()
    company = settings.load(given.settings)
    with tempfile.TemporaryDirectory() as folder:
        file = snapshots.company_with(Path(folder), company, *snapshots.multiplied(company, given.copies))
        with dashboard(file) as base:
            for turn in ("first", "again"):
                with visit(base) as seen:
                    for title in TITLES:
                        shown(f"{title}, {turn}", lambda title=title: seen.open(title))
                    shown(f"search, {turn}", lambda: search(seen))
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def search(seen: Visit) -> None:
    seen.open("Account")
    seen.page.get_by_label("Search by name or id").fill("no such account")
    seen.page.keyboard.press("Enter")
    seen.page.get_by_text("No account matches.").wait_for()


def shown(what: str, action: Callable[[], None]) -> None:
    started = time.monotonic()
    action()
    print(f"{what}: {time.monotonic() - started:.2f} s")


if __name__ == "__main__":
    main()
