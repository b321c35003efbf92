"""The report of the accounts that a weekly digest is about, attached to it."""

from dataclasses import replace

import duckdb

from health_assets.alerts.message import Message
from health_assets.reporting.portfolio import about
from health_assets.reporting.reader import published
from health_assets.reporting.report import report_html
from health_assets.settings import Settings
from health_assets.warehouse.snapshot import SnapshotError


def with_report(message: Message, settings: Settings) -> Message:
    """A weekly digest with the report of the newest snapshot; any other message as it is.

    Attached where the settings want it and the channel is one of apprise. A digest is delivered without its report, and says
    so, rather than not at all.
    """
    channels = settings.alerts.channels
    channel = channels.get(message.channel) or channels[settings.alerts.default_channel]
    if message.report_of is None or not settings.alerts.weekly.report or not channel.apprise:
        return message
    try:
        with published(settings, message.report_of) as connection:
            day = about(connection)["as_of_date"]
            report = f"customer-health-{day}.html", report_html(connection, settings, message.report_of)
    except (SnapshotError, duckdb.Error) as error:
        reason = str(error).splitlines()[0]
        return replace(message, text=f"{message.text}\n\nThe report could not be attached: {reason}")
    return replace(message, attachment=report)
