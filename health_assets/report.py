"""What `health-assets status` prints: what a head of customer success wants to know first, from the snapshot alone."""

from rich.console import Console

from health_assets.publish import snapshot
from health_assets.settings import Settings


def print_status(settings: Settings, console: Console) -> None:
    """Portfolio, revenue, whom to call and why, support, data quality.

    Raises:
        SnapshotError: nothing has been published yet.
    """
    with snapshot(settings.published) as connection:
        company, as_of = connection.sql("select company, as_of_date from about").fetchone()
        console.print(f"[bold]{company}[/], as of {as_of}")
