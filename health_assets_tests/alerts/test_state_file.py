"""The file of the alert state: brought up to date without loss, refused with the right advice when it cannot be used."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from health_assets.alerts import AlertError, alert, store_of
from health_assets.alerts.entry import State
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.state_file import VERSION, is_delivering, only_delivery
from health_assets.settings import Settings
from health_assets_tests.loopback_slack import Publish, Slack, account

WRITTEN_BEFORE = Path(__file__).with_name("state_of_version_1.sql")  # a dump of a file that version 1 wrote
THURSDAY = date(2025, 1, 30)


def restored(file: Path) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(WRITTEN_BEFORE.read_text())
    return file


def test_file_of_the_first_version_keeps_its_entries_with_their_states(tmp_path: Path) -> None:
    with Outbox.opened(restored(tmp_path / "alerts.sqlite")) as outbox:
        entries = outbox.entries()
        assert outbox.connection.execute("pragma user_version").fetchone() == (VERSION,)
    assert [(one.account_id, one.rule, one.channel, one.state) for one in entries] == [
        ("A2", "risk_level", "default", State.delivered),
        (None, "data", "default", State.pending),
        ("A1", "risk_level", "default", State.pending),
    ]
    assert (entries[0].delivered_at.isoformat(), entries[1].delivered_at) == ("2025-01-30T09:31:18+00:00", None)


def test_what_was_pending_in_a_file_of_the_first_version_is_delivered_once_and_nothing_twice(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    restored(store_of(company))
    publish(THURSDAY, [account("A1", "high"), account("A2", "high")], sources=[("usage_events", date(2025, 1, 1), 7)])
    outcome = alert(company)
    assert (outcome.delivered, outcome.data_alerts, outcome.pending) == (1, 1, 0)
    assert [message["text"] for message in posted.accepted] == [
        "Acme &amp; Sons: usage_events is stale",
        "1 account changed, USD 1,200 MRR: Acme &amp; &lt;Söhne&gt;",
    ]
    assert (alert(company).delivered, len(posted.posts)) == (0, 2)


def test_file_is_migrated_once_and_a_copy_never_changes_it(tmp_path: Path) -> None:
    file = restored(tmp_path / "alerts.sqlite")
    before = file.read_bytes()
    with Outbox.copied(file) as outbox:
        assert len(outbox.pending()) == 2
    assert file.read_bytes() == before
    for _ in range(2):
        with Outbox.opened(file) as outbox:
            assert len(outbox.pending()) == 2


def test_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "alerts.sqlite")) as connection:
        connection.execute(f"pragma user_version = {VERSION + 1}")
    with pytest.raises(AlertError, match="written by a later version"), Outbox.opened(tmp_path / "alerts.sqlite"):
        pass


def _damage(file: Path) -> None:
    file.write_bytes(b"not a database, but long enough to look like one" * 99)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


@pytest.mark.parametrize("harm", [_damage, _cut])
def test_damaged_file_is_refused_with_what_moving_it_aside_would_cost(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    file = restored(tmp_path / "alerts.sqlite")
    harm(file)
    advice = r"The file is damaged: restore a copy of it, or move it aside.* are lost"
    with pytest.raises(AlertError, match=advice), Outbox.opened(file) as outbox:
        outbox.pending()


def test_file_that_another_program_keeps_locked_is_refused_without_advice_to_move_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("health_assets.alerts.state_file.SECONDS_TO_WAIT", 0.2)
    file = tmp_path / "alerts.sqlite"
    with Outbox.opened(file):
        pass
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin exclusive")
        advice = r"Another program has it open: close that.* Nothing is lost"
        with pytest.raises(AlertError, match=advice), Outbox.opened(file) as outbox, outbox.transaction():
            pass


def test_folder_that_cannot_be_written_is_refused_without_advice_to_move_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "company"
    folder.mkdir()
    restored(folder / "alerts.sqlite")
    (folder / "alerts.sqlite").chmod(0o444)
    folder.chmod(0o555)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere")
        advice = r"give this user write permission.* leave the file where it is"
        with pytest.raises(AlertError, match=advice), Outbox.opened(folder / "alerts.sqlite"):
            pass
    finally:
        folder.chmod(0o755)


def test_deliveries_take_turns_and_one_that_waits_too_long_says_so(tmp_path: Path) -> None:
    file = tmp_path / "alerts.sqlite"
    assert not is_delivering(file)
    with only_delivery(file, 1):
        assert is_delivering(file)
        with pytest.raises(AlertError, match="another alert run has been delivering"), only_delivery(file, 0.2):
            pass
    assert not is_delivering(file)
    with only_delivery(file, 0.2):
        pass


def test_second_company_with_its_warehouse_in_the_same_folder_is_refused(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(THURSDAY, [account("A1")])
    alert(company)
    other = company.model_copy(update={"warehouse": company.warehouse.with_name("other.duckdb")})
    with pytest.raises(
        AlertError, match=r"belongs to the warehouse warehouse\.duckdb, not to other\.duckdb.* of its own"
    ):
        alert(other)
    assert alert(company).delivered == 0
