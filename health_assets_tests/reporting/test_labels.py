"""Headings and values as people read them, whatever the columns are called in the tables."""

import re
from datetime import date

import duckdb
import polars as pl
import pytest

from health_assets.reporting.churn_model import probability_in_words
from health_assets.reporting.definitions import columns_of, marts
from health_assets.reporting.labels import heading, in_words, worded
from health_assets.reporting.marts import named_rows_of


@pytest.mark.parametrize("relation", marts())
def test_no_heading_is_the_name_of_a_column(relation: str) -> None:
    unread = re.compile(r"_|\b(is|has|count|pct|avg|dimension value|\d+[dm])\b", re.IGNORECASE)
    headings = {column: heading(column, relation) for column in columns_of(relation) if column != "dimension_type"}
    assert {column: text for column, text in headings.items() if unread.search(text)} == {}


@pytest.mark.parametrize(
    ("column", "relation", "text"),
    [
        ("is_partial", "mart.sla_adherence", "In progress"),
        ("health_score_30d_before", "mart.churned_accounts", "Health 30 days before"),
        ("ticket_count_90d", "mart.commerce_flags", "Tickets, 90 days"),
        ("business_median_resolution_hours", "mart.sla_adherence", "Median resolution (business hours)"),
        ("attention_rank", "mart.attention_list", "#"),
        ("attention_rank", "mart.commerce_flags", "Rank by flags"),
        ("at_risk_account_count", "mart.risk_drivers", "Accounts at churn risk"),
    ],
)
def test_a_heading_says_what_a_column_is_in_its_table(column: str, relation: str, text: str) -> None:
    assert heading(column, relation) == text


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        ("at_risk", "health_band", "at risk"),
        ("mid_market", "segment", "mid-market"),
        ("smb", "segment", "SMB"),
        ("north_america", "region", "North America"),
        ("apac", "region", "APAC"),
        ("p1", "priority", "P1"),
        ("EMEA_North", "region", "EMEA_North"),
    ],
)
def test_a_word_of_a_list_is_written_as_in_text(value: str, column: str, text: str) -> None:
    assert worded(value, column) == text


def test_shares_are_percentages_and_what_people_typed_is_left_alone() -> None:
    rows = pl.DataFrame({"account_id": ["a_b"], "name": ["c_d"], "late_payment_rate": [0.213], "quick_ratio": [4.0],
                         "factor": ["low_engagement"], "renewal_rate": [None]}, schema_overrides={"renewal_rate": pl.Float64})  # fmt: skip
    assert in_words(rows).row(0) == ("a_b", "c_d", 21.3, 4.0, "low engagement", None)


def test_rows_of_accounts_start_with_their_names() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema dim; create schema mart")
        connection.execute(
            "create table dim.account as select 'A1' as account_id, 'Acme' as company_name, 'smb' as segment"
        )
        connection.execute(
            "create table mart.flags as select unnest(['A2', 'A1']) as account_id, 'x' as segment, 1 as flags"
        )
        connection.execute("create table mart.named as select 'A1' as account_id, 2 as flags, 'Own' as company_name")
        connection.execute("create table mart.months as select date '2026-01-01' as month")
        assert named_rows_of(connection, "mart.flags", "account_id").rows() == [
            ("Acme", "A1", "x", 1),
            (None, "A2", "x", 1),
        ]
        assert named_rows_of(connection, "mart.named").rows() == [("Own", "A1", 2)]
        assert named_rows_of(connection, "mart.months").rows() == [(date(2026, 1, 1),)]


@pytest.mark.parametrize(
    ("skill", "text"),
    [
        (0.02, "20.0%; the model is 2.0% more accurate than the churn rate of all accounts (Brier skill 0.020)"),
        (0.007, "not shown, since the model is hardly better than the churn rate of all accounts (Brier skill 0.007)"),
        (0.0, "not shown, since the model is not better than the churn rate of all accounts (Brier skill 0.000)"),
        (None, "not shown, since the model was not tested"),
    ],
)
def test_a_probability_is_shown_only_of_a_model_that_says_something(skill: float | None, text: str) -> None:
    assert probability_in_words(0.2, skill, 0.02) == text
