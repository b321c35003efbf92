"""Programs of other packages that some tests need, such as a browser."""

import os
import shutil
import subprocess

import pytest


def chromium() -> str:
    """The path of the browser."""
    return installed("chromium", "chromium")


def installed(program: str, package: str) -> str:
    """The path of a program, which is installed from Debian's package where it is missing; else the test is skipped."""
    if shutil.which(program) is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "-qq", package], check=True, capture_output=True)
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (Debian: apt-get install {package})")
    return found
