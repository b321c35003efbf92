"""Debian's Chromium for the tests that need a browser, installed where it is missing."""

import shutil
import subprocess


def chromium() -> str:
    """The path of the browser."""
    if shutil.which("chromium") is None:
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=True, capture_output=True)
    found = shutil.which("chromium")
    assert found is not None, "chromium could not be installed"
    return found
