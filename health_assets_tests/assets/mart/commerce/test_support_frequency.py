"""How often accounts ask for help."""

from datetime import date

from health_assets_tests.assets.rows import AS_OF, made, rows


def frequencies(**tickets: int) -> list[tuple]:
    signals = (
        {"account_id": account_id, "as_of_date": AS_OF, "ticket_count_90d": count}
        for account_id, count in tickets.items()
    )
    earlier = {"account_id": "A", "as_of_date": date(2025, 1, 30), "ticket_count_90d": 9}
    support = rows("fact_account_support_daily", *signals, earlier)
    return made("mart_support_frequency", fact_account_support_daily=support).rows()


def test_ticket_frequency_is_a_third_of_the_tickets_of_ninety_days_a_month() -> None:
    assert frequencies(A=6, B=0) == [("A", 6, 2.0, True), ("B", 0, 0.0, False)]


def test_two_tickets_make_a_multi_ticket_account_and_one_does_not() -> None:
    assert [row[3] for row in frequencies(A=1, B=2)] == [False, True]


def test_without_tickets_nothing_is_said_of_anybody() -> None:
    assert made("mart_support_frequency").is_empty()
