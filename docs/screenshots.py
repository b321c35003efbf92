"""Take the README's pictures of the dashboard and of the Dagster UI from the demo company: `make screenshots`, after `make run`."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from health_assets import settings
from health_assets.settings import SETTINGS_VARIABLE
from health_assets_tests.browser.serving import dashboard, free_port, visit
from health_assets_tests.programs import chromium

FOLDER = Path(__file__).parent
PICTURES = {
    "Portfolio": "dashboard_portfolio.png",
    "Attention list": "dashboard_attention.png",
}
WIDTH, HEIGHT = 1440, 900
DRAWN = 4000  # milliseconds until charts and tables are drawn
LINEAGE = "assets/mart_net_revenue_retention?view=lineage&lineageScope=upstream&lineageDepth=3"
STARTS_WITHIN = 120  # seconds
GRAPH = {"x": 270, "y": 240, "width": 1120, "height": 655}  # pixels of the window that hold the graph


def main(settings_file: Path) -> None:
    """Open each page in Chromium and keep what a reader sees first."""
    with dashboard(settings_file) as base, visit(base, width=WIDTH) as seen:
        seen.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        for title, file in PICTURES.items():
            seen.open(title)
            seen.page.wait_for_timeout(DRAWN)
            seen.page.screenshot(path=FOLDER / file)
            print(f"{file}: {os.path.getsize(FOLDER / file) // 1024} kB")
    with dagster(settings_file) as base:
        lineage(base, FOLDER / "lineage.png")


@contextmanager
def dagster(settings_file: Path) -> Iterator[str]:
    """The address of Dagster's web server for the company, without the daemon."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    home = settings.load(settings_file).dagster_home
    environment = os.environ | {SETTINGS_VARIABLE: str(settings_file.resolve()), "DAGSTER_HOME": str(home)}
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    command += ["-m", "health_assets.definitions"]
    server = subprocess.Popen(
        command, env=environment, cwd=home, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + STARTS_WITHIN
        while not answers(f"{base}/server_info"):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("Dagster's web server did not start")
            time.sleep(0.5)
        yield base
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=STARTS_WITHIN)


def answers(url: str) -> bool:
    """Whether a server on this machine answers."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
            return True
    except OSError:
        return False


def lineage(base: str, file: Path) -> None:
    """What net revenue retention is made from, by the groups of the asset graph."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(f"{base}/{LINEAGE}")
        page.get_by_text("raw_accounts").first.wait_for(timeout=1000 * STARTS_WITHIN)
        page.wait_for_timeout(DRAWN)
        page.screenshot(path=file, clip=GRAPH)
        browser.close()
    print(f"{file.name}: {os.path.getsize(file) // 1024} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
