"""Take the README's pictures of the dashboard from the demo company: `make screenshots`, after `make run`."""

import os
import sys
from pathlib import Path

from health_assets_tests.browser.serving import dashboard, visit

FOLDER = Path(__file__).parent
PICTURES = {
    "Portfolio": "dashboard_portfolio.png",
    "Attention list": "dashboard_attention.png",
}
WIDTH, HEIGHT = 1440, 900
DRAWN = 4000  # milliseconds until charts and tables are drawn


def main(settings_file: Path) -> None:
    """Open each page in Chromium and keep what a reader sees first."""
    with dashboard(settings_file) as base, visit(base, width=WIDTH) as seen:
        seen.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        for title, file in PICTURES.items():
            seen.open(title)
            seen.page.wait_for_timeout(DRAWN)
            seen.page.screenshot(path=FOLDER / file)
            print(f"{file}: {os.path.getsize(FOLDER / file) // 1024} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
