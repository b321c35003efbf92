"""Counts of things by account and day, against plain SQL."""

from datetime import date

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from health_assets.contracts.day_counts import Distinct, Latest, Spans, counts_by_day, read_if_any
from health_assets.contracts.expressions import Period

FIRST = date(2025, 1, 1)
DATABASE = duckdb.connect()
DAYS = "(select unnest(generate_series(date '2025-01-28', date '2025-03-02', interval 1 day))::date as day)"
MONTHS = Period(date(2025, 1, 28), date(2025, 3, 2))  # a month's last days, a whole month, the first days of another

days = st.dates(date(2024, 12, 1), date(2025, 3, 10)) | st.sampled_from([MONTHS.first_day, MONTHS.last_day]) | st.none()
accounts = st.sampled_from(["a", "b", "gone"]) | st.none()
members = st.fixed_dictionaries({"a": days, "b": days})


def known(since: dict[str, date | None]) -> pl.DataFrame:
    return pl.DataFrame(list(since.items()), {"account_id": pl.String, "since": pl.Date}, orient="row")


def by_sql(sql: str, since: dict[str, date | None], **frames: pl.DataFrame) -> list[tuple]:
    """What a subquery finds for each member (m) and day (d), from the member's own first day on."""
    with DATABASE.cursor() as cursor:
        for name, frame in (frames | {"members": known(since)}).items():
            cursor.register(name, frame.to_arrow())
        rows = (
            f"select m.account_id, d.day, ({sql}) from members as m, {DAYS} as d where d.day >= m.since order by 1, 2"
        )
        return cursor.execute(rows).fetchall()


def by_day(since: dict[str, date | None], counted: Distinct | Spans | pl.LazyFrame) -> list[tuple]:
    found = counts_by_day(known(since).lazy(), "since", {"counted": counted}, MONTHS)
    return found.collect(engine="streaming").rows()


@settings(max_examples=25, deadline=None)
@given(
    members, st.lists(st.tuples(accounts, st.sampled_from("xyz") | st.none(), days), max_size=30), st.integers(1, 31)
)
def test_distinct_things_of_a_trailing_window_are_those_that_sql_counts(since, happened, window):
    events = pl.DataFrame(happened, {"account_id": pl.String, "thing": pl.String, "day": pl.Date}, orient="row")
    counted = by_sql(
        "select count(distinct thing) from events "
        f"where account_id = m.account_id and day > d.day - {window} and day <= d.day",
        since,
        events=events,
    )
    assert by_day(since, Distinct(events.lazy(), "thing", "day", window)) == counted


@settings(max_examples=25, deadline=None)
@given(members, st.lists(st.tuples(accounts, days, days, st.integers(0, 9) | st.none()), max_size=30))
def test_spans_count_from_their_first_day_until_their_end_day_as_in_sql(since, spanned):
    spans = pl.DataFrame(
        spanned, {"account_id": pl.String, "first_day": pl.Date, "end_day": pl.Date, "size": pl.Int64}, orient="row"
    )
    running = (
        "from spans where account_id = m.account_id and first_day <= d.day and (end_day is null or end_day > d.day)"
    )
    first_day, end_day, size = pl.col("first_day"), pl.col("end_day"), pl.col("size")
    number = by_sql(f"select count(*) {running}", since, spans=spans)
    assert by_day(since, Spans(spans.lazy(), first_day, end_day)) == number
    total = by_sql(f"select coalesce(sum(size), 0)::bigint {running}", since, spans=spans)
    assert by_day(since, Spans(spans.lazy(), first_day, end_day, size)) == by_day(since, spans.lazy()) == total


def test_absurd_amount_of_one_member_leaves_no_dust_on_the_next():
    members = pl.LazyFrame({"account_id": ["a", "b"], "since": [FIRST, FIRST]})
    spans = [("a", 1e300), ("a", 100.0), ("b", 0.1)]
    things = pl.LazyFrame(
        [(name, FIRST, None, size) for name, size in spans],
        schema={"account_id": pl.String, "first_day": pl.Date, "end_day": pl.Date, "size": pl.Float64},
        orient="row",
    )
    found = counts_by_day(members, "since", {"mrr": things}, Period(FIRST, FIRST)).collect()
    assert found.rows() == [("a", FIRST, 1e300), ("b", FIRST, 0.1)]


@settings(max_examples=25, deadline=None)
@given(members, st.lists(st.tuples(accounts, days, st.integers(0, 9) | st.none()), max_size=30))
def test_each_day_has_the_latest_row_by_then_as_in_sql(since, dated):
    rows = pl.DataFrame(dated, {"account_id": pl.String, "day": pl.Date, "value": pl.Int64}, orient="row")
    expected = by_sql(
        "select last(value order by day, number) from numbered where account_id = m.account_id and day <= d.day",
        since,
        numbered=rows.with_row_index("number"),
    )
    latest = [Latest(rows.lazy(), "day", ["value"])]
    assert counts_by_day(known(since).lazy(), "since", {}, MONTHS, latest=latest).collect().rows() == expected


def test_rows_that_nothing_needs_are_not_read():
    def read() -> pl.DataFrame:
        raise AssertionError("read")

    rows = pl.defer(read, schema={"user_id": pl.String})
    assert read_if_any(rows, pl.LazyFrame({"user_id": []})).collect().rows() == []
    needed = pl.LazyFrame({"user_id": ["u1", "u2"]})
    assert read_if_any(needed, needed.filter(pl.col("user_id") == "u1")).collect().rows() == [("u1",), ("u2",)]
