"""The factors of churn risk, one function each: the value, when it is raised, and the sentence that explains it.

How points become a score and a level is in mart/health/churn_risk.py; points and thresholds are in the settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from health_assets.contracts.expressions import safe_ratio
from health_assets.scoring.scorecards import TREND_DAYS
from health_assets.scoring.wording import bills, counted, number_in_words
from health_assets.settings.risk import Factor


@dataclass(frozen=True)
class RiskFactor:
    """One reason why an account may churn."""

    setting: Factor  # its points and its threshold
    is_raised: pl.Expr  # null where it cannot be measured
    value: pl.Expr
    sentence: pl.Expr
    own_threshold: pl.Expr | None = None  # where the value is compared with something other than setting.threshold

    @property
    def threshold(self) -> pl.Expr:
        """What the value is compared with."""
        own = pl.lit(self.setting.threshold) if self.own_threshold is None else self.own_threshold
        return own.cast(pl.Float64)


def declining_health(setting: Factor) -> RiskFactor:
    """The health score fell."""
    trend, score = pl.col("trend_30d"), pl.col("computed_health_score")
    return RiskFactor(
        setting,
        is_raised=trend < setting.threshold,
        value=trend,
        sentence=pl.format(
            f"Health fell {{}} points in {TREND_DAYS} days, from {{}} to {{}} (threshold: {-setting.threshold:g})",
            number_in_words(-trend, 1),
            number_in_words(score - trend, 1),
            number_in_words(score, 1),
        ),
    )


def usage_halved(setting: Factor) -> RiskFactor:
    """Far fewer events than in the previous 30 days."""
    now, before = pl.col("event_count_30d"), pl.col("event_count_previous_30d")
    ratio = safe_ratio(now, before)
    is_measured = pl.col("usage_change_ratio").is_not_null()  # null where the earlier window has too few events
    return RiskFactor(
        setting,
        is_raised=pl.when(is_measured).then(now < setting.threshold * before),
        value=ratio,
        sentence=pl.format(
            "Usage fell {}% compared with the previous 30 days, from {} to {} events "
            f"(threshold: {100 - 100 * setting.threshold:g}%)",
            number_in_words(100 - 100 * ratio, 1),
            before,
            now,
        ),
    )


def low_engagement(setting: Factor) -> RiskFactor:
    """No login for long."""
    silent = pl.col("days_since_last_login")
    return RiskFactor(
        setting,
        is_raised=silent > setting.threshold,
        value=silent,
        sentence=pl.format(f"No login for {{}} (threshold: {setting.threshold:g})", counted(silent, "day")),
    )


def revenue_contraction(setting: Factor) -> RiskFactor:
    """MRR shrank in several months."""
    months = pl.col("contraction_month_count_6m")
    return RiskFactor(
        setting,
        is_raised=months >= setting.threshold,
        value=months,
        sentence=pl.format(f"MRR shrank in {{}} of the last 6 months (threshold: {setting.threshold:g})", months),
    )


def payment_trouble(setting: Factor) -> RiskFactor:
    """Invoices or payments are past due, or were paid late."""
    overdue_counts = ("overdue_invoice_count", "past_due_payment_count")
    late_counts = ("late_paid_invoice_count_90d", "late_paid_payment_count_90d")
    overdue, late = _sum_of_measured(*overdue_counts), _sum_of_measured(*late_counts)
    is_overdue = overdue >= setting.threshold
    shows_overdue = is_overdue.fill_null(False)
    return RiskFactor(
        setting,
        is_raised=_either(is_overdue, late >= setting.late_payments),
        value=pl.when(shows_overdue).then(overdue).otherwise(late),
        sentence=pl.when(shows_overdue)
        .then(pl.format("Past due and unpaid: {}", bills(*overdue_counts, "overdue_amount")))
        .otherwise(pl.format(f"Paid late in 90 days: {{}} (threshold: {setting.late_payments})", bills(*late_counts))),
        own_threshold=pl.when(shows_overdue).then(pl.lit(setting.threshold)).otherwise(pl.lit(setting.late_payments)),
    )


def escalations(setting: Factor) -> RiskFactor:
    """Tickets were escalated."""
    escalated = pl.col("escalated_ticket_count_90d")
    return RiskFactor(
        setting,
        is_raised=escalated >= setting.threshold,
        value=escalated,
        sentence=pl.format(
            f"{{}} escalated in 90 days (threshold: {setting.threshold:g})", counted(escalated, "ticket")
        ),
    )


def renewal_near(setting: Factor) -> RiskFactor:
    """The contract renews soon, at low health."""
    days, score = pl.col("days_to_renewal"), pl.col("health_score")
    return RiskFactor(
        setting,
        is_raised=(days <= setting.threshold) & (score < setting.score_below),
        value=days,
        sentence=pl.format(
            f"Renews in {{}} (threshold: {setting.threshold:g}) at a health score of {{}}, below {setting.score_below:g}",
            counted(days, "day"),
            number_in_words(score, 1),
        ),
    )


def low_satisfaction(setting: Factor) -> RiskFactor:
    """Tickets are rated badly, or the latest answer to the NPS question was low."""
    csat, nps = pl.col("mean_csat_90d"), pl.col("nps_rating")
    is_rated_low = csat < setting.threshold
    shows_rating = is_rated_low.fill_null(False)
    return RiskFactor(
        setting,
        is_raised=_either(is_rated_low, nps <= setting.nps_at_most),
        value=pl.when(shows_rating).then(csat).otherwise(nps),
        sentence=pl.when(shows_rating)
        .then(
            pl.format(
                f"Average ticket rating, last 90 days: {{}} (threshold: {setting.threshold:g})",
                number_in_words(csat, 2),
            )
        )
        .otherwise(
            pl.format(f"Latest NPS rating: {{}} (threshold: {setting.nps_at_most or 0:g})", number_in_words(nps))
        ),
        own_threshold=pl.when(shows_rating).then(pl.lit(setting.threshold)).otherwise(pl.lit(setting.nps_at_most)),
    )


def high_support_volume(setting: Factor) -> RiskFactor:
    """Many tickets in a month."""
    tickets = pl.col("ticket_count_30d")
    return RiskFactor(
        setting,
        is_raised=tickets > setting.threshold,
        value=tickets,
        sentence=pl.format(f"{{}} in 30 days (threshold: {setting.threshold:g})", counted(tickets, "ticket")),
    )


def low_adoption(setting: Factor) -> RiskFactor:
    """Few features are used; without a catalogue of features, few categories."""
    features = pl.col("feature_adoption_rate")
    share = pl.coalesce(features, "feature_breadth_30d")
    return RiskFactor(
        setting,
        is_raised=share < setting.threshold,
        value=share,
        sentence=pl.format(
            f"Uses {{}}% of the {{}} (threshold: {100 * setting.threshold:g}%)",
            number_in_words(100 * share, 1),
            pl.when(features.is_not_null()).then(pl.lit("features")).otherwise(pl.lit("feature categories")),
        ),
    )


def low_activation(setting: Factor) -> RiskFactor:
    """Few of the users have ever been active."""
    share = pl.col("user_activation_rate")
    return RiskFactor(
        setting,
        is_raised=share < setting.threshold,
        value=share,
        sentence=pl.format(
            f"{{}}% of users have ever been active (threshold: {100 * setting.threshold:g}%)",
            number_in_words(100 * share, 1),
        ),
    )


def critical_incidents(setting: Factor) -> RiskFactor:
    """Critical security incidents."""
    incidents = pl.col("critical_incident_count_90d")
    return RiskFactor(
        setting,
        is_raised=incidents >= setting.threshold,
        value=incidents,
        sentence=pl.format(
            f"Critical security incidents in 90 days: {{}} (threshold: {setting.threshold:g})",
            number_in_words(incidents),
        ),
    )


def suspended(setting: Factor) -> RiskFactor:
    """The CRM says that the account is suspended."""
    is_suspended = pl.col("is_suspended")
    return RiskFactor(
        setting,
        is_raised=is_suspended.cast(pl.Float64) >= setting.threshold,
        value=is_suspended,
        sentence=pl.lit("The account is suspended in the CRM"),
    )


FACTORS: dict[str, Callable[[Factor], RiskFactor]] = {
    factor.__name__: factor
    for factor in (
        declining_health,
        usage_halved,
        low_engagement,
        revenue_contraction,
        payment_trouble,
        escalations,
        renewal_near,
        low_satisfaction,
        high_support_volume,
        low_adoption,
        low_activation,
        critical_incidents,
        suspended,
    )
}


def own_factor(name: str, setting: Factor) -> RiskFactor:
    """A company's own factor: any signal, or metric of its own, against a threshold."""
    value = pl.col(setting.metric).cast(pl.Float64)
    compare = {"below": value.lt, "at_most": value.le, "at_least": value.ge, "above": value.gt}[setting.raised]
    said = (
        setting.sentence
        or f"{name.replace('_', ' ').capitalize()}: {{value}} ({setting.raised.replace('_', ' ')} {{threshold}})"
    )
    first, *others = said.replace("{threshold}", f"{setting.threshold:g}").split("{value}")
    rest = [piece for text in others for piece in (number_in_words(value, 2), pl.lit(text))]
    return RiskFactor(
        setting, is_raised=compare(setting.threshold), value=value, sentence=pl.concat_str(pl.lit(first), *rest)
    )


def risk_factors(settings: Mapping[str, Factor]) -> dict[str, RiskFactor]:
    """The factors of the settings by name, most points first, then by name."""
    most_points_first = sorted(settings.items(), key=lambda item: (-item[1].points, item[0]))
    return {
        name: own_factor(name, setting) if setting.metric else FACTORS[name](setting)
        for name, setting in most_points_first
    }


def _either(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether one of two conditions holds; where only one is measured, it decides."""
    return pl.coalesce(one | other, one, other)


def _sum_of_measured(*counts: str) -> pl.Expr:
    """The sum of what is measured; null where nothing is."""
    return pl.when(pl.any_horizontal(pl.col(counts).is_not_null())).then(pl.sum_horizontal(counts))
