"""What init takes a column of an export for, by its name and its values."""

import json
from pathlib import Path

import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.sources.guesses.candidates import Candidate, candidates_in
from health_assets.sources.guesses.matching import Match, matches
from health_assets.sources.guesses.names import KNOWN, PART, name_score
from health_assets.sources.guesses.spelling import spelling_of
from health_assets.tables import source_contracts
from health_assets_tests.frames import written


def candidate(name: str, **columns: list[str | None]) -> Candidate:
    given = {column.replace("__", " "): values for column, values in columns.items()}
    return Candidate(name, pl.DataFrame(given, schema=dict.fromkeys(given, pl.String)), {"path": f"{name}.csv"})


def contracts():
    load_all()
    return source_contracts()


@pytest.mark.parametrize(
    "theirs",
    [
        "Refund Amount",
        "Total Amount Refunded",
        "Tax Amount",
        "total_amount_tax",
        "Shipping Total Amount",
        "gift_total_amount",
    ],
)
def test_a_refund_a_tax_or_a_fee_is_not_the_amount_of_an_order(theirs: str) -> None:
    assert name_score(theirs, "orders", "total_amount") == 0


def test_a_total_that_includes_the_tax_is_the_amount_of_an_order() -> None:
    assert name_score("Order Total (inc tax)", "orders", "total_amount") > PART
    assert name_score("Total incl. VAT, order total", "orders", "total_amount") > 0


@pytest.mark.parametrize(
    ("theirs", "source", "ours"),
    [
        ("Refund Amount", "orders", "refunded_amount"),
        ("Total Refunded", "orders", "refunded_amount"),
        ("Discount Amount", "subscriptions", "discount_amount"),
        ("last_login_at", "users", "last_login_at"),
    ],
)
def test_a_word_for_another_thing_is_no_hindrance_where_ours_has_it_too(theirs: str, source: str, ours: str) -> None:
    assert name_score(theirs, source, ours) >= KNOWN - 0.1


def test_the_time_of_an_event_is_not_that_of_the_clock_of_a_device() -> None:
    times = ("etl_tstamp", "collector_tstamp", "dvce_created_tstamp", "derived_tstamp")
    assert max(times, key=lambda theirs: name_score(theirs, "usage_events", "event_timestamp")) == "derived_tstamp"
    assert name_score("dvce_created_tstamp", "usage_events", "event_timestamp") == 0


def test_the_outer_name_of_a_nested_value_does_not_say_what_it_is() -> None:
    assert name_score("properties.$browser", "usage_events", "properties") == 0


def test_amounts_of_refunds_are_read_as_what_was_paid_back_and_not_as_spend() -> None:
    orders = candidate(
        "orders",
        Order__ID=["1", "2"],
        Customer__ID=["7", "8"],
        Order__Date=["2024-03-01", "2024-03-02"],
        Order__Total__inc=["12.00", "20.00"],
        Refund__Amount=["0.00", "20.00"],
    )
    orders.rows = orders.rows.rename({"Order Total inc": "Order Total (inc tax)"})
    (match,), _ = matches([orders], contracts())
    assert {ours: match.columns[ours] for ours in ("total_amount", "refunded_amount")} == {
        "total_amount": "Order Total (inc tax)",
        "refunded_amount": "Refund Amount",
    }


@pytest.mark.parametrize(
    ("values", "scale"),
    [(["1", "7", "4"], [1, 7]), (["2", "10"], [1, 10]), (["0", "10"], [0, 10]), (["40", "100"], [0, 100])],
)
def test_ratings_are_of_the_scale_that_their_highest_value_ends(values: list[str], scale: list[int]) -> None:
    answers = candidate("csat", csat=values)
    match = Match("feedback", answers, {"satisfaction_score": "csat"}, 1.0)
    assert spelling_of(match, contracts()["feedback"]).keys["scale"] == {"satisfaction_score": scale}


def test_json_in_a_column_of_text_is_looked_into(tmp_path: Path) -> None:
    inside = json.dumps({"$group_0": "A1", "list": [1]}).replace('"', '""')
    written(tmp_path, "events.csv", f'uuid,properties\n1,"{inside}"\n')
    (events,), _ = candidates_in(tmp_path)
    assert events.header == ["uuid", "properties", "properties.$group_0"]
    assert events.values("properties.$group_0").to_list() == ["A1"]
