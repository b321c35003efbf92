from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from health_assets import settings
from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.channel_kinds import channels_to_check
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import State
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.routing import channels_of, entries_of, follow_hours, opens_at, waits_until
from health_assets.settings import Settings
from health_assets.settings.alerts import Channel, QuietHours, Route

WEDNESDAY_NOON = datetime(2025, 1, 29, 12, tzinfo=UTC)
NIGHT = QuietHours(start=time(20), end=time(7, 30))
ALERT = AccountAlert(
    account_id="A1",
    rule="incident",
    severity="critical",
    kind="happened",
    before=None,
    now="i1",
    as_of_date=date(2025, 1, 28),
    is_good_news=False,
    name="Ada's",
    owner="Lena Fischer",
    segment="enterprise",
    tier="key",
    region=None,
    mrr=500.0,
    news="Critical security incident on 28 January",
    reasons=[],
    next_step=None,
)
FAULT = DataAlert(case=["x"], as_of_date=date(2025, 1, 28), title="Failed", lines=["why"], remedy="Fix it")


def company(**given: object) -> Settings:
    channels = {name: Channel(slack=f"env:{name.upper()}") for name in ("default", "cs", "security", "data")}
    loaded = settings.load()
    alerts = loaded.alerts.model_copy(update={"channels": channels} | given)
    return loaded.model_copy(update={"alerts": alerts})


@pytest.mark.parametrize(
    ("route", "channels"),
    [
        (Route(rules=["incident"], channels=["security"]), ["security"]),
        (Route(rules=["churned"], channels=["security"]), ["default"]),
        (Route(segments=["enterprise"], channels=["cs", "security"]), ["cs", "security"]),
        (Route(tiers=["strategic"], channels=["cs"]), ["default"]),
        (Route(owners=["Lena Fischer"], channels=["cs"]), ["cs"]),
        (Route(mrr_from=501, channels=["cs"]), ["default"]),
    ],
)
def test_an_alert_goes_to_the_channels_of_the_first_route_that_matches(route: Route, channels: list[str]) -> None:
    assert channels_of(ALERT, company(routes=[route])) == channels


def test_the_channel_of_a_rule_goes_before_routes() -> None:
    rules = company().alerts.rules
    own = rules | {"incident": rules["incident"].model_copy(update={"channel": "security"})}
    assert channels_of(ALERT, company(rules=own, routes=[Route(channels=["cs"])])) == ["security"]


def test_data_alerts_go_to_their_channel_and_follow_no_route() -> None:
    assert channels_of(FAULT, company(routes=[Route(channels=["cs"])])) == ["default"]
    assert channels_of(FAULT, company(data_channel="data")) == ["data"]


def test_an_alert_for_two_channels_is_two_entries() -> None:
    entries = entries_of([ALERT], company(routes=[Route(channels=["cs", "security"])]), WEDNESDAY_NOON)
    assert [(one.channel, one.state) for one in entries] == [("cs", State.pending), ("security", State.pending)]
    assert len({one.id for one in entries}) == 2


def test_the_shipped_channel_is_checked_only_where_something_is_sent_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHIPPED", raising=False)
    channels = {"default": Channel(slack="env:SHIPPED"), "cs": Channel(slack="env:CS")}
    assert channels_to_check(company(channels=channels, default_channel="cs")) == ["cs"]
    assert channels_to_check(company(channels=channels, default_channel="cs", data_channel="default")) == [
        "default",
        "cs",
    ]
    monkeypatch.setenv("SHIPPED", "https://hooks.slack.com/services/x")
    assert channels_to_check(company(channels=channels, default_channel="cs")) == ["default", "cs"]


# -- quiet hours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (datetime(2025, 1, 29, 6, 29, tzinfo=UTC), datetime(2025, 1, 29, 6, 30, tzinfo=UTC)),  # 07:29 in Berlin
        (datetime(2025, 1, 29, 6, 30, tzinfo=UTC), None),
        (datetime(2025, 1, 29, 18, 59, tzinfo=UTC), None),
        (datetime(2025, 1, 29, 19, 0, tzinfo=UTC), datetime(2025, 1, 30, 6, 30, tzinfo=UTC)),
    ],
)
def test_quiet_hours_are_in_the_time_zone_of_the_channel(now: datetime, opens: datetime | None) -> None:
    channel = Channel(slack="env:X", timezone="Europe/Berlin", quiet_hours=NIGHT)
    assert opens_at(channel, "America/New_York", now) == opens


def test_quiet_hours_within_a_day_end_on_that_day() -> None:
    lunch = Channel(slack="env:X", quiet_hours=QuietHours(start=time(12), end=time(13)))
    assert opens_at(lunch, "UTC", WEDNESDAY_NOON) == datetime(2025, 1, 29, 13, tzinfo=UTC)


def test_a_weekend_is_held_until_monday_morning_after_the_quiet_hours() -> None:
    friday_evening = datetime(2025, 1, 31, 21, tzinfo=UTC)
    channel = Channel(slack="env:X", quiet_hours=NIGHT, weekends=False)
    assert opens_at(channel, "UTC", friday_evening) == datetime(2025, 2, 3, 7, 30, tzinfo=UTC)


def test_an_alert_in_quiet_hours_is_held_until_they_end() -> None:
    quiet = company(channels={"default": Channel(slack="env:X", quiet_hours=NIGHT)})
    (entry,) = entries_of([ALERT], quiet, datetime(2025, 1, 29, 22, tzinfo=UTC))
    assert (entry.state, entry.held_reason) == (State.held, "quiet hours")
    assert entry.held_until == datetime(2025, 1, 30, 7, 30, tzinfo=UTC)


def test_an_alert_on_a_weekend_is_held_for_that_reason_until_monday_in_the_time_zone_of_the_channel() -> None:
    channel = Channel(slack="env:X", weekends=False, timezone="America/New_York")
    closed = company(channels={"default": channel})
    (entry,) = entries_of([ALERT], closed, datetime(2025, 2, 1, 12, tzinfo=UTC))
    assert waits_until(entry, closed) == "until Monday, 3 February, 00:00 New York time (weekend)"
    channel = channel.model_copy(update={"quiet_hours": NIGHT, "timezone": None})
    night = company(channels={"default": channel})
    (entry,) = entries_of([ALERT], night, datetime(2025, 1, 31, 21, tzinfo=UTC))
    assert waits_until(entry, night) == "until Monday, 3 February, 07:30 UTC (quiet hours and weekend)"


def test_an_alert_that_waits_follows_the_hours_of_the_channel_as_they_are_set_now(tmp_path: Path) -> None:
    saturday = datetime(2025, 2, 1, 21, tzinfo=UTC)

    def after_a_look(outbox: Outbox, **given: object) -> tuple[State, str | None]:
        with outbox.transaction():
            follow_hours(outbox, company(channels={"default": Channel(slack="env:X", **given)}), saturday)  # type: ignore[arg-type]
        (entry,) = outbox.entries()
        return entry.state, entry.held_until and f"{entry.held_until:%A %H:%M} {entry.held_reason}"

    closed = company(channels={"default": Channel(slack="env:X", weekends=False)})
    with Outbox.opened(tmp_path / "alerts.sqlite") as outbox:
        with outbox.transaction():
            outbox.add(entries_of([ALERT], closed, saturday))
        assert after_a_look(outbox, weekends=False) == (State.held, "Monday 00:00 weekend")
        assert after_a_look(outbox, quiet_hours=NIGHT) == (State.held, "Sunday 07:30 quiet hours")
        assert after_a_look(outbox) == (State.pending, None)


# -- silenced and stale -----------------------------------------------------------------------------------------------


def test_an_alert_about_a_silenced_account_is_kept_with_the_reason() -> None:
    (entry,) = entries_of([ALERT], company(), WEDNESDAY_NOON, silences={"A1": "in talks"})
    assert (entry.state, entry.held_reason) == (State.silenced, "silenced: in talks")


def test_while_a_source_is_stale_account_alerts_are_held_and_data_alerts_are_not() -> None:
    held, fault = entries_of([ALERT, FAULT], company(), WEDNESDAY_NOON, held_reason="usage_events")
    assert (held.state, held.held_reason, held.held_until) == (State.held, "stale: usage_events", None)
    assert fault.state == State.pending
    assert waits_until(held, company()) == "while usage_events is stale"
