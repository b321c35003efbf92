"""The dashboard as its own process on a free port, and a browser that notes whatever is wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from health_assets_tests.programs import chromium

PATIENCE = 60  # seconds until the server answers, or a page is drawn
# Streamlit looks for its server below the path of a deep link first; Vega-Lite's remark about a legend is no error of a page
ACCEPTED = ("/_stcore/",)


@dataclass
class Visit:
    """A page in the browser with what went wrong on it."""

    page: Page
    base: str
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, title: str) -> None:
        """Go to a page by the navigation, as a reader does, and wait until it is drawn."""
        self.page.get_by_role("link", name=title, exact=True).click()
        self.page.get_by_role("heading", level=1, name=title).wait_for(timeout=1000 * PATIENCE)
        self.drawn()

    def drawn(self) -> None:
        """Wait until no script runs and nothing is stale; no error is shown."""
        self.page.wait_for_function(
            "!document.querySelector('[data-testid=stStatusWidget]') && !document.querySelector('[data-stale=true]')",
            timeout=1000 * PATIENCE,
        )
        assert self.page.locator("[data-testid=stException]").all_inner_texts() == []

    def unlabelled(self) -> list[str]:
        """Fields, buttons and charts that a screen reader could not name."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('[data-testid=stMain] :is(input, textarea, button, [role=img], canvas)')]
                .filter(one => one.checkVisibility() && !one.closest('[data-testid=stDataFrame]'))
                .filter(one => !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.title
                    || one.innerText || (one.labels && one.labels.length) || one.closest('[aria-label],label,[role=group]')))
                .map(one => one.outerHTML.slice(0, 200))"""
        )
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dashboard(settings_file: Path) -> Iterator[str]:
    """The address of a dashboard that runs for the `with` block."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "health_assets.cli.app",
        "dashboard",
        "--settings",
        str(settings_file),
        "--port",
        str(port),
    ]
    log = settings_file.with_name("dashboard.log")
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait_for(f"{base}/_stcore/health", server, log)
        yield base
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=PATIENCE)


@contextmanager
def visit(
    base: str, scheme: str = "light", width: int = 1440, headers: dict[str, str] | None = None
) -> Iterator[Visit]:
    """The first page of a dashboard in Chromium, drawn."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            extra_http_headers=headers or {},  # type: ignore[arg-type]
        )
        seen = Visit(context.new_page(), base)
        address = base.removeprefix("http://")
        seen.page.on(
            "request", lambda request: seen.outside.append(request.url) if not _is_local(request.url, address) else None
        )
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
        seen.page.goto(base)
        seen.page.get_by_role("heading", level=1).or_(seen.page.get_by_role("alert")).first.wait_for(
            timeout=1000 * PATIENCE
        )
        seen.drawn()
        yield seen
        browser.close()


def _is_local(url: str, address: str) -> bool:
    return url.startswith((f"http://{address}/", f"ws://{address}/", "data:", "blob:"))


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(f"the dashboard did not start: {log.read_text()}")
