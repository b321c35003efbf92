"""One account's story: its score in parts that add up, what moved, and why it needs attention.

What happened to it, day by day, is in timeline.py; how a score is calculated, step by step, in explanation.py.
"""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta

import duckdb
import polars as pl

from health_assets.reporting.formatting import full_day, number
from health_assets.reporting.reader import Row, frame, holds, row, rows
from health_assets.settings.suggestions import nearest

MOVED_SINCE = (30, 90)  # days: what moved is shown against these
POINTS = "_contribution"
SHOWN_DIFFERENCE = 0.05  # points
LISTED = 10  # accounts that a message names


class AccountNotFoundError(Exception):
    """No account, or more than one, has this id or name; the message says what to give instead."""


@dataclass(frozen=True)
class Moved:
    """What changed in a score between two published days, in points that add up to the change."""

    day: date  # the earlier one
    before: float
    now: float
    parts: list[tuple[str, float]] = field(default_factory=list)  # dimension, points; largest change first
    trend: float | None = None  # the change by what was measured on both days; None where too little was

    @property
    def change(self) -> float:
        """Points that the score rose."""
        return self.now - self.before

    @property
    def note(self) -> str:
        """What to say next to the change: the trend, where it is another number because other measures are in the score."""
        if self.trend is None:
            return "too little was measured on both days to compare them"
        is_same = abs(self.trend - self.change) < SHOWN_DIFFERENCE
        return "" if is_same else f"{number(self.trend, 1, '+')} like for like, by what was measured on both days"


def account_id_of(connection: duckdb.DuckDBPyConnection, given: str, *, is_exact: bool = False) -> str:
    """The id of the account with this id or name, else of the only one whose id or name contains it, in any case.

    Args:
        connection: the snapshot.
        given: an id, a name, or part of one.
        is_exact: whether part of one is not enough, as where something is written about the account.

    Raises:
        AccountNotFoundError: no account matches, or several do.
    """
    accounts = connection.sql("select account_id, coalesce(company_name, account_id) from dim.account").fetchall()
    named = [account for account, name in accounts if given.lower() in (account.lower(), name.lower())]
    found = [given] if given in named else named or ([] if is_exact else _with_part(accounts, given))
    if len(found) > 1:
        names = dict(accounts)
        listed = [f"{account} ({names[account]})" for account in sorted(found)[:LISTED]]
        more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
        raise AccountNotFoundError(f"{given}: several accounts match; give an id: {', '.join(listed)}{more}")
    if not found:
        spellings = {word: f"{account} ({name})" for account, name in accounts for word in (account, name)}
        near = nearest(
            given, (word for word in spellings if _digits(word) == _digits(given))
        )  # C020 is not C004 misspelt
        hint = f"; did you mean {spellings[near]}?" if near else ""
        raise AccountNotFoundError(f"{given}: there is no such account{hint}")
    return found[0]


def _digits(word: str) -> str:
    return re.sub(r"\D", "", word)


def _with_part(accounts: list[tuple[str, str]], given: str) -> list[str]:
    """The accounts with the text at the start of a word, so that "arbor" is not also Harbor; else with it anywhere."""
    part = re.escape(given.strip().casefold())
    spellings = {account: f"{account}\n{name}".casefold() for account, name in accounts if part}
    at_word_start = [account for account, spelled in spellings.items() if re.search(rf"(?<!\w){part}", spelled)]
    return at_word_start or [account for account, spelled in spellings.items() if re.search(part, spelled)]


def matching(connection: duckdb.DuckDBPyConnection, text: str, limit: int) -> pl.DataFrame:
    """Accounts whose id or name contains the text, in any case; active ones first, then those with the most MRR."""
    return frame(
        connection,
        """
        select account_id, coalesce(company_name, account_id) as name
        from dim.account where contains(lower(account_id), lower($1)) or contains(lower(company_name), lower($1))
        order by account_id = $1 desc, is_active desc nulls last, mrr desc nulls last, account_id limit $2
        """,
        [text, limit],
    )


def summary(connection: duckdb.DuckDBPyConnection, account_id: str) -> Row:
    """Who the account is, and where it stands on the as-of day; null = not measured, or not scored."""
    return row(
        connection,
        """
        select account_id, coalesce(account.company_name, account_id) as name, about.as_of_date, account_status,
               crm_status, segment,
               plan_tier, region, industry, lifecycle_stage, value_tier, account.account_owner, account.mrr, tenure_days,
               signup_date, churn_date, health_score, health_band::varchar as health_band, trend_7d, trend_30d, trend_90d,
               days_in_band, health.coverage, breadth, scorecard, scorecard_version, unscored_reason,
               coalesce(is_overridden, false) as is_overridden, override_reason, override_author, override_expiry_date,
               computed_health_score, rounding_difference, risk.churn_risk_score, risk.risk_level::varchar as risk_level,
               risk.risk_level_since, risk.risk_level_days, risk.churn_probability, days_to_renewal
        from dim.account as account
        left join mart.customer_health as health using (account_id)
        left join mart.churn_risk as risk using (account_id)
        left join (
            select account_id, min(days_to_renewal) as days_to_renewal from mart.renewal_forecast group by 1
        ) using (account_id)
        cross join about where account_id = ?
        """,
        [account_id],
    )


def status_of(found: Row) -> str:
    """The status of `summary`, and that of the CRM where it is another, e.g. "active, suspended in the CRM"."""
    status, in_crm = found["account_status"], found["crm_status"]
    return f"{status}, {in_crm} in the CRM" if in_crm and in_crm != status else f"{status}"


def scheduled_ends(connection: duckdb.DuckDBPyConnection, account_id: str) -> list[str]:
    """When paid subscriptions end by what is known, e.g. "2,000 MRR on 3 December 2026"; the next end first."""
    if not holds(connection, "fact.subscriptions"):
        return []
    ends = rows(
        connection,
        """
        select scheduled_end_date, sum(mrr)::double as mrr from fact.subscriptions
        where account_id = ? and scheduled_end_date is not null group by 1 order by 1
        """,
        [account_id],
    )
    return [f"{number(end['mrr'])} MRR on {full_day(end['scheduled_end_date'])}" for end in ends]


def risk_points(found: Row, factors: list[Row]) -> str:
    """The points of the risk score of `summary`, e.g. "55 of 100 points"; blank where there is no score."""
    score = found["churn_risk_score"]
    if score is None:
        return ""
    total = sum(factor["points"] for factor in factors)
    capped = f"; the factors add up to {number(total)}, and the score is capped" if total - score >= 1 else ""
    return f"{number(score)} of 100 points{capped}"


def score_parts(connection: duckdb.DuckDBPyConnection, account_id: str) -> pl.DataFrame:
    """The computed score by dimension, most points lost first: points, and the most points that the dimension could give.

    The points add up to the score; where adjustments, rounding or the limits of a score changed the sum, a last part
    says by how much. A dimension without points is not measured: the others carry its weight.
    """
    return frame(
        connection,
        """
        with parts as (
            select dimension, sum(weight) as weight, sum(contribution) as points, count(score) as measured_count,
                   count(*) as measure_count
            from mart.customer_health_parts
            where account_id = $1 and as_of_date = (select as_of_date from about) group by 1
        )
        from (
        select dimension, points, measured_count, measure_count,
               case when measured_count > 0 then 100 * weight / sum(weight) filter (measured_count > 0) over () end
                   as most_points
        from parts
        union all
        select 'adjustments and rounding', rounding_difference, null, null, null
        from mart.customer_health where account_id = $1 and abs(rounding_difference) > 1e-6
        )
        order by most_points - points desc nulls last, dimension
        """,
        [account_id],
    )


def measures(connection: duckdb.DuckDBPyConnection, account_id: str) -> pl.DataFrame:
    """Every measure of the score: the signal, its value now and 30 days before, its score 0-100, its points."""
    return frame(
        connection,
        """
        with parts as (from mart.customer_health_parts where account_id = $1)
        select now.dimension, now.measure, now.metric, before.value as value_30d_ago, now.value, now.score,
               now.contribution as points
        from parts as now
        left join parts as before
          on before.dimension = now.dimension and before.measure = now.measure and before.as_of_date < now.as_of_date
        where now.as_of_date = (select as_of_date from about) order by now.dimension, now.measure
        """,
        [account_id],
    )


def moved(connection: duckdb.DuckDBPyConnection, account_id: str, days: int) -> Moved | None:
    """What moved since so many days ago, by dimension; None where a day has no score or another scorecard made it."""
    (as_of,) = connection.sql("select as_of_date from about").fetchall()[0]
    earlier = as_of - timedelta(days=days)
    found = rows(
        connection,
        """
        select as_of_date, scorecard_version, health_score, rounding_difference, columns('.*_contribution')
        from mart.customer_health_daily where account_id = ? and as_of_date in (?, ?) order by as_of_date
        """,
        [account_id, earlier, as_of],
    )
    if len(found) < 2 or any(day["health_score"] is None for day in found):
        return None
    before, now = found
    if before["scorecard_version"] != now["scorecard_version"]:
        return None
    points = {
        name.removesuffix(POINTS): (now[name] or 0) - (before[name] or 0) for name in now if name.endswith(POINTS)
    }
    points["adjustments and rounding"] = (now["rounding_difference"] or 0) - (before["rounding_difference"] or 0)
    parts = sorted(((name, change) for name, change in points.items() if abs(change) >= 0.005), key=_largest_first)
    trend = row(
        connection,
        f"select trend_{days}d::double as trend from mart.customer_health where account_id = ?",
        [account_id],
    )
    return Moved(earlier, before["health_score"], now["health_score"], parts, trend["trend"])


def _largest_first(part: tuple[str, float]) -> tuple[float, str]:
    return -abs(part[1]), part[0]


def risk_factors(connection: duckdb.DuckDBPyConnection, account_id: str) -> list[Row]:
    """The raised factors of churn risk, each with its points and a sentence, most points first."""
    return rows(
        connection,
        """
        select factor.factor, factor.points, factor.sentence
        from (select unnest(factors) as factor from mart.churn_risk where account_id = ?) order by 2 desc, 1
        """,
        [account_id],
    )


def attention(connection: duckdb.DuckDBPyConnection, account_id: str) -> Row | None:
    """Why the account is on the attention list and what to do next; None where it is not on it."""
    found = rows(
        connection,
        """
        select attention_rank, attention_level::varchar as attention_level, reason, since_date, held_days, next_step,
               next_step_owner_role, next_step_days
        from mart.attention_list where account_id = ?
        """,
        [account_id],
    )
    return found[0] if found else None


def health_history(connection: duckdb.DuckDBPyConnection, account_id: str, days: int = 730) -> pl.DataFrame:
    """The published score of each day, with its band and the version of the scorecard."""
    return frame(
        connection,
        """
        select as_of_date, health_score, health_band::varchar as health_band, scorecard, scorecard_version
        from mart.customer_health_daily
        where account_id = ? and as_of_date > (select as_of_date from about) - ?::integer order by as_of_date
        """,
        [account_id, days],
    )


def service_to_customer(connection: duckdb.DuckDBPyConnection, account_id: str) -> Row:
    """What an account may see of itself: how it uses the product, and how it was served; null = not measured."""
    return row(
        connection,
        """
        select event_count_30d, active_user_count_30d, active_day_count_30d, total_user_count, feature_adoption_rate,
               license_utilization, ticket_count_90d, open_ticket_count, sla_adherence_pct_90d, mean_csat_90d,
               incident_count_90d, incident_response_sla_pct_90d, overdue_invoice_count, overdue_amount
        from dim.account cross join about
        left join fact.account_usage_daily as usage using (account_id, as_of_date)
        left join fact.account_adoption_daily as adoption using (account_id, as_of_date)
        left join fact.account_support_daily as support using (account_id, as_of_date)
        left join fact.account_security_daily as security using (account_id, as_of_date)
        left join fact.account_revenue_daily as revenue using (account_id, as_of_date)
        where account_id = ?
        """,
        [account_id],
    )
