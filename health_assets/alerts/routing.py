"""Where an alert goes, and whether it is posted now: channels, quiet hours, silenced accounts, data that cannot be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from health_assets.alerts.account_alert import AccountAlert, holds
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import Entry, State, entry_of
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.recording import Recorded
from health_assets.alerts.weekly import Digest
from health_assets.reporting.formatting import day_and_month
from health_assets.settings import Settings
from health_assets.settings.alerts import Channel

QUIET_HOURS, WEEKEND = "quiet hours", "weekend"
SILENCED = "silenced: "
STALE = "stale: "
SATURDAY = 5


def entries_of(
    bodies: Sequence[AccountAlert | DataAlert],
    settings: Settings,
    now: datetime,
    silences: Mapping[str, str] | None = None,
    held_reason: str | None = None,
) -> list[Entry]:
    """An entry for each alert and channel, in the state in which it begins.

    Args:
        bodies: the alerts.
        settings: the company's.
        now: UTC.
        silences: account -> why it is silenced.
        held_reason: why account alerts have to wait for better data.
    """
    return [
        _in_first_state(entry_of(body, channel), settings, now, silences or {}, held_reason)
        for body in bodies
        for channel in channels_of(body, settings)
    ]


def channels_of(body: AccountAlert | DataAlert, settings: Settings) -> list[str]:
    """The channels of an alert: its rule's, else those of the first route that matches, else the default."""
    alerts = settings.alerts
    if isinstance(body, DataAlert):
        return [alerts.data_channel or alerts.default_channel]
    rule = alerts.rules.get(body.rule)
    if rule and rule.channel:
        return [rule.channel]
    for route in alerts.routes:
        if (not route.rules or body.rule in route.rules) and holds(route, body):
            return list(dict.fromkeys(route.channels))
    return [alerts.default_channel]


def superseded(held: Sequence[Entry], found: Recorded) -> tuple[list[str], set[tuple[str, str]]]:
    """What becomes of the alerts that waited for better data, now that a day was compared.

    Returns the entries that are dropped, since they are not true any more or are found again as alerts of today, and the
    accounts with the rules that go on waiting.
    """
    waits = {(one.account_id, one.rule) for one in found.held}
    gone, known = [], set()
    for entry in held:
        if entry.account_id is None or not (entry.held_reason or "").startswith(STALE):
            continue
        if (entry.account_id, entry.rule) in waits:
            known.add((entry.account_id, entry.rule))
        elif entry.rule in found.compared:
            gone.append(entry.id)
    return gone, known


def opens_at(channel: Channel, zone: str, now: datetime) -> datetime | None:
    """When a channel gets messages again, UTC; None = it gets them now.

    Args:
        channel: with its quiet hours and weekends.
        zone: the company's time zone, where the channel has none of its own.
        now: UTC.
    """
    return _closed(channel, zone, now)[0]


def _closed(channel: Channel, zone: str, now: datetime) -> tuple[datetime | None, str]:
    """When a channel gets messages again, and why not now."""
    local = now.astimezone(ZoneInfo(channel.timezone or zone))
    moment, why = local, dict[str, None]()
    for _ in range(4):  # quiet hours may end on a weekend, and a weekend within quiet hours
        if later := _end_of_quiet(channel, moment):
            why[QUIET_HOURS] = None
        elif later := _end_of_weekend(channel, moment):
            why[WEEKEND] = None
        else:
            break
        moment = later
    return (None if moment == local else moment.astimezone(UTC)), " and ".join(why)


def follow_hours(outbox: Outbox, settings: Settings, now: datetime) -> None:
    """What waits for its channel is due, or waits on, by the channel's hours as they are set now.

    To be called within a transaction.
    """
    for one in outbox.held():
        if one.held_until is None:
            continue
        until, why = _closed(_channel(one.channel, settings), settings.timezone, now)
        if until is None:
            outbox.release([one.id])
        elif (until, why) != (one.held_until, one.held_reason):
            outbox.hold_until([one.id], until, why)


def waits_until(entry: Entry, settings: Settings) -> str:
    """Until when a held entry waits and why, e.g. "until Monday, 30 November, 00:00 New York time (weekend)"."""
    reason = entry.held_reason or ""
    if reason.startswith(STALE):
        sources = reason.removeprefix(STALE)
        return f"while {sources} {'are' if ', ' in sources else 'is'} stale"
    if entry.held_until is None:
        return reason
    zone = _channel(entry.channel, settings).timezone or settings.timezone
    local = entry.held_until.astimezone(ZoneInfo(zone))
    place = zone if "/" not in zone else f"{zone.rsplit('/', 1)[1].replace('_', ' ')} time"
    return f"until {local:%A}, {day_and_month(local.date())}, {local:%H:%M} {place} ({entry.held_reason})"


def _channel(name: str, settings: Settings) -> Channel:
    """A channel of the settings; the default one for a name that is no longer there."""
    return settings.alerts.channels.get(name) or settings.alerts.channels[settings.alerts.default_channel]


def _end_of_quiet(channel: Channel, local: datetime) -> datetime | None:
    if not (quiet := channel.quiet_hours):
        return None
    clock = local.time().replace(tzinfo=None)
    spans_midnight = quiet.start >= quiet.end
    within = clock >= quiet.start or clock < quiet.end if spans_midnight else quiet.start <= clock < quiet.end
    if not within:
        return None
    day = local.date() + timedelta(days=1 if spans_midnight and clock >= quiet.start else 0)
    return datetime.combine(day, quiet.end, local.tzinfo)


def _end_of_weekend(channel: Channel, local: datetime) -> datetime | None:
    if channel.weekends or local.weekday() < SATURDAY:
        return None
    monday = local.date() + timedelta(days=7 - local.weekday())
    return datetime.combine(monday, datetime.min.time(), local.tzinfo)


def digest_entries(due: Sequence[tuple[Digest, str]], settings: Settings, now: datetime) -> list[Entry]:
    """The entries of weekly digests, each for its channel."""
    return [_in_first_state(entry_of(digest, channel), settings, now, {}, None) for digest, channel in due]


def _in_first_state(
    entry: Entry, settings: Settings, now: datetime, silences: Mapping[str, str], held_reason: str | None
) -> Entry:
    if entry.account_id in silences:
        return replace(entry, state=State.silenced, held_reason=SILENCED + silences[entry.account_id or ""])
    if held_reason and entry.account_id:
        return replace(entry, state=State.held, held_reason=STALE + held_reason)
    until, why = _closed(_channel(entry.channel, settings), settings.timezone, now)
    return replace(entry, state=State.held, held_reason=why, held_until=until) if until else entry
