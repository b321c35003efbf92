"""The weak areas of an account's health in words: which dimensions score low, and which measure is behind each.

Words of risk factors are in scoring/risk_factors.py.
"""

from collections.abc import Callable, Mapping

import polars as pl

from health_assets.contracts.expressions import safe_ratio
from health_assets.scoring.measures import parts_of
from health_assets.scoring.scorecards import NOISE, band_of, is_low
from health_assets.scoring.wording import counted, number_in_words
from health_assets.settings.scorecard import Scorecard

AREAS_SHOWN = 2
VALUE = pl.col("value")
Words = Callable[[], pl.Expr]


def weak_areas(parts: pl.LazyFrame, scorecards: Mapping[str, Scorecard]) -> pl.LazyFrame:
    """The lowest of the dimensions whose own score is in a low band of the account's scorecard, each with its weightiest measure.

    Args:
        parts: rows of mart.customer_health_parts of one day.
        scorecards: those in use.

    Returns:
        account_id; weak_areas, e.g. "support 11.4 (42.9% of tickets within SLA in 90 days), usage 25 (no login for 40 days)".
        An account without a weak dimension has no row.
    """
    lost_points = pl.col("weight") * (100 - pl.col("score"))
    score, weight = pl.col("score"), pl.col("weight")
    area = pl.format("{} {}", pl.col("dimension").str.replace_all("_", " ", literal=True), number_in_words(score, 1))
    return (
        parts.drop_nulls("score")
        .with_columns(words=_measure_in_words(scorecards))
        .sort(lost_points, "measure", descending=[True, False])
        .group_by("account_id", "scorecard", "dimension", maintain_order=True)
        .agg(score=safe_ratio((score * weight).sum(), weight.sum()).round(NOISE), words=pl.col("words").first())
        .filter(_is_weak(scorecards))
        .sort("score", "dimension")
        .group_by("account_id", maintain_order=True)
        .agg(weak_areas=pl.coalesce(pl.format("{} ({})", area, "words"), area).head(AREAS_SHOWN).str.join(", "))
    )


def _is_weak(scorecards: Mapping[str, Scorecard]) -> pl.Expr:
    return pl.coalesce(
        pl.when(pl.col("scorecard") == name).then(is_low(card, band_of(pl.col("score"), card)))
        for name, card in scorecards.items()
    )


def _measure_in_words(scorecards: Mapping[str, Scorecard]) -> pl.Expr:
    """What was measured; null where a formula of several signals has no words of its own, or the signal is null."""
    metrics = {part.measure.metric: part.measure.method for card in scorecards.values() for part in parts_of(card)}
    named = {
        metric: WORDS[metric]() if metric in WORDS else _by_name(metric)
        for metric, method in metrics.items()
        if metric in WORDS or method != "formula"
    }
    return pl.coalesce(
        pl.lit(None, pl.String), *(pl.when(pl.col("metric") == metric).then(said) for metric, said in named.items())
    )


def _by_name(metric: str) -> pl.Expr:
    """For a signal without words here, such as a company's own metric: "owner rating 2"."""
    return pl.format(f"{metric.replace('_', ' ')} {{}}", number_in_words(VALUE, 2))


def _count(noun: str, after: str = "", before: str = "") -> Words:
    return lambda: pl.format(f"{before}{{}}{after}", counted(VALUE.cast(pl.Int64), noun))


def _figure(sentence: str, decimals: int = 0, scale: float = 1) -> Words:
    return lambda: pl.format(sentence, number_in_words(VALUE * scale, decimals))


def _change(fell: str, rose: str, scale: float = 1) -> Words:
    """Two sentences by the sign; the figure is without it."""
    size = number_in_words(VALUE.abs() * scale, 1)
    return lambda: pl.when(VALUE < 0).then(pl.format(fell, size)).otherwise(pl.format(rose, size))


WORDS: dict[str, Words] = {
    "usage_change_ratio": _change(
        "{}% fewer events than in the 30 days before", "{}% more events than in the 30 days before", 100
    ),
    "days_since_last_login": _count("day", before="no login for "),
    "active_day_count_30d": _figure("active on {} of 30 days"),
    "feature_breadth_30d": _figure("{}% of the feature categories in use", 1, 100),
    "license_utilization": _figure("{}% of the licenses in use", 1, 100),
    "sla_adherence_pct_90d": _figure("{}% of tickets within SLA in 90 days", 1),
    "mean_csat_90d": _figure("average ticket rating {} in 90 days", 2),
    "escalated_ticket_count_90d": _count("ticket", " escalated in 90 days"),
    "mrr_change_ratio_90d": _change("MRR fell {}% in 90 days", "MRR rose {}% in 90 days", 100),
    "contraction_month_count_6m": _figure("MRR shrank in {} of the last 6 months"),
    "overdue_invoice_count": _count("invoice", " past due and unpaid"),
    "nps_rating": _figure("latest NPS rating {}"),
    "order_count_365d": _count("order", " in 365 days"),
    "order_quiet_ratio": _figure("quiet for {} times its usual interval between orders", 1),
    "order_change_ratio_60d": _change(
        "{}% fewer orders than in the 60 days before", "{}% more orders than in the 60 days before", 100
    ),
    "late_payment_count_90d": _count("late payment", " in 90 days"),
    "critical_incident_count_90d": _count("critical incident", " in 90 days"),
    "incident_response_sla_pct_90d": _figure("{}% of incidents responded to within target in 90 days", 1),
    "operations_flag_count": _count("operations flag", " in the last closed month"),
    "denial_rate_change": _change("denial rate fell {} points", "denial rate rose {} points", 100),
    "days_since_last_touchpoint": _count("day", before="no contact for "),
    "events_per_active_day_31d": _figure("{} events per active day in 31 days", 1),
    "ticket_count_31d": _count("ticket", " in 31 days"),
    "paid_month_change_pct": _change(
        "{}% less paid than in the paid month before", "{}% more paid than in the paid month before"
    ),
    "event_name_count_31d": _figure("{} different events used in 31 days"),
}
