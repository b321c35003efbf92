"""What `health-assets dashboard` does: start the pages on 127.0.0.1."""

import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, errors, expected_errors
from health_assets.reporting.palette import GOOD

APP = Path(__file__).parents[1] / "dashboard" / "app.py"
OPTIONS = {
    "server.address": "127.0.0.1",
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "theme.light.primaryColor": GOOD[0],
    "theme.dark.primaryColor": GOOD[1],
}


def dashboard(
    settings_file: SettingsFile = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Start the dashboard on 127.0.0.1; it shows each new snapshot as soon as it is published."""
    with expected_errors(settings_file):
        company = settings.load(settings_file)
        if importlib.util.find_spec("streamlit") is None:
            raise CommandError("the dashboard needs Streamlit: pip install 'health-assets[dashboard]'")
        if file := settings_file or os.environ.get(settings.SETTINGS_VARIABLE):
            os.environ[settings.SETTINGS_VARIABLE] = str(Path(file).resolve())
        errors.print(f"Dashboard of {company.company} on http://127.0.0.1:{port}; stop it with Ctrl-C", highlight=False)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell makes background processes ignore Ctrl-C
        options = [f"--{name}={value}" for name, value in (OPTIONS | {"server.port": str(port)}).items()]
        os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", *options, str(APP)])
