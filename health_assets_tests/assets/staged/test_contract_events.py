"""Contract events as files have them."""

from pathlib import Path

import pytest

from health_assets.assets.staged.contract_events import staged_contract_events
from health_assets_tests.assets.rows import SETTINGS, rows
from health_assets_tests.frames import settings_of


def test_types_are_mapped_and_those_that_nobody_maps_are_other(tmp_path: Path) -> None:
    mapped = {"values": {"event_type": {"Contract Renewal": "renewed"}}}
    company = settings_of(tmp_path, sources={"contract_events": {"path": "events.csv"} | mapped})
    given = ({"event_type": kind} for kind in ("contract renewal", "Cancelled", "Payment Delay", None))
    made = staged_contract_events(rows("raw_contract_events", *given), company).collect()
    assert made["event_type"].to_list() == ["renewed", "cancelled", "other", "other"]


@pytest.mark.parametrize(
    ("word", "event_type"),
    [("Won", "signed"), ("Closed Won", "signed"), ("Closed Lost", "other"), ("lost", "other"), ("Proposal", "other")],
)
def test_deal_that_is_won_is_signed_and_one_that_is_lost_ends_no_contract(word: str, event_type: str) -> None:
    made = staged_contract_events(rows("raw_contract_events", {"event_type": word}), SETTINGS).collect()
    assert made["event_type"].to_list() == [event_type]
