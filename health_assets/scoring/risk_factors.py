"""The factors of churn risk: what each looks at, when it is raised, and how that is said to a CSM.

Points, score and level are mart/health/churn_risk.py's affair; thresholds stand in the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from health_assets.contracts.expressions import rounded, safe_ratio
from health_assets.scoring.scorecards import TREND_DAYS
from health_assets.settings import Settings, SettingsError
from health_assets.settings.sections import Factor, near


@dataclass(frozen=True)
class Reading:
    """What a factor looks at. `is_raised` is null where it is not measurable."""

    is_raised: pl.Expr
    value: pl.Expr
    sentence: pl.Expr
    threshold: pl.Expr | None = None  # where it is not the one of the settings

    def limit(self, factor: Factor) -> pl.Expr:
        """The threshold that the value is held against."""
        own = pl.lit(factor.threshold) if self.threshold is None else self.threshold
        return own.cast(pl.Float64)


def check_factors(settings: Settings) -> None:
    """Refuse factors that nothing is known of.

    Raises:
        SettingsError: with every wrong name and a near one.
    """
    factors = settings.churn_risk.factors
    known = list(factor_readings(factors))
    if wrong := [f"{name!r} is no factor{near(name, known)}" for name in factors if name not in known]:
        raise SettingsError(f"churn_risk.factors: {', '.join(wrong)}")


def factor_readings(factors: Mapping[str, Factor]) -> dict[str, Reading]:
    """Each factor of metrics.md: when it is raised, and how that is said."""
    trend, score, computed = pl.col("trend_30d"), pl.col("health_score"), pl.col("computed_health_score")
    now, before = pl.col("event_count_30d"), pl.col("event_count_previous_30d")
    silent, contractions = pl.col("days_since_last_login"), pl.col("contraction_month_count_6m")
    overdue_counts = ("overdue_invoice_count", "past_due_payment_count")
    late_counts = ("late_paid_invoice_count_90d", "late_paid_payment_count_90d")
    overdue, late = _sum_of_measured(*overdue_counts), _sum_of_measured(*late_counts)
    escalated, renewal = pl.col("escalated_ticket_count_90d"), pl.col("days_to_renewal")
    csat, nps = pl.col("mean_csat_90d"), pl.col("nps_rating")
    tickets = pl.col("ticket_count_30d")
    features, categories = pl.col("feature_adoption_rate"), pl.col("feature_breadth_30d")
    adoption = pl.coalesce(features, categories)  # the catalogue of features comes first
    activation, incidents = pl.col("user_activation_rate"), pl.col("critical_incident_count_90d")
    limit = {name: factor.threshold for name, factor in factors.items()}
    payment, near, unhappy = factors["payment_trouble"], factors["renewal_near"], factors["low_satisfaction"]
    is_overdue = overdue >= payment.threshold
    is_unhappy = csat < unhappy.threshold
    shown = is_overdue.fill_null(False)
    rated_low = is_unhappy.fill_null(False)
    csat_shown, nps_shown = _number(csat, 2), _number(nps)
    return {
        "declining_health": Reading(
            trend < limit["declining_health"],
            trend,
            pl.format(
                f"Health fell {{}} points in {TREND_DAYS} days ({{}} -> {{}}), "
                f"more than {-limit['declining_health']:g}",
                _number(-trend, 1),
                _number(computed - trend, 1),
                _number(computed, 1),
            ),
        ),
        "usage_halved": Reading(
            pl.when(before > 0).then(now < limit["usage_halved"] * before),
            safe_ratio(now, before),
            pl.format(
                "Usage fell {} % against the 30 days before ({} -> {} events), "
                f"more than {100 - 100 * limit['usage_halved']:g} %",
                _number(100 - 100 * safe_ratio(now, before), 1),
                before,
                now,
            ),
        ),
        "low_engagement": Reading(
            silent > limit["low_engagement"],
            silent,
            pl.format(f"Nobody has logged in for {{}} days, more than {limit['low_engagement']:g}", silent),
        ),
        "revenue_contraction": Reading(
            contractions >= limit["revenue_contraction"],
            contractions,
            pl.format(
                f"MRR shrank in {{}} of the last 6 months ({limit['revenue_contraction']:g} raise this)", contractions
            ),
        ),
        "payment_trouble": Reading(
            _either(is_overdue, late >= payment.late_payments),
            pl.when(shown).then(overdue).otherwise(late),
            pl.when(shown)
            .then(pl.format("Past due and unpaid: {}", _bills(*overdue_counts, "overdue_amount")))
            .otherwise(
                pl.format(f"Paid late in 90 days: {{}} ({payment.late_payments} raise this)", _bills(*late_counts))
            ),
            pl.when(shown).then(pl.lit(payment.threshold)).otherwise(pl.lit(payment.late_payments)),
        ),
        "escalations": Reading(
            escalated >= limit["escalations"],
            escalated,
            pl.format(f"{{}} tickets escalated in 90 days ({limit['escalations']:g} raise this)", escalated),
        ),
        "renewal_near": Reading(
            (renewal <= near.threshold) & (score < near.score_below),
            renewal,
            pl.format(
                f"Renewal in {{}} days (within {near.threshold:g}) at a health of {{}}, below {near.score_below:g}",
                renewal,
                _number(score, 1),
            ),
        ),
        "low_satisfaction": Reading(
            _either(is_unhappy, nps <= unhappy.nps_at_most),
            pl.when(rated_low).then(csat).otherwise(nps),
            pl.when(rated_low)
            .then(pl.format(f"Tickets of 90 days are rated {{}} on average, below {unhappy.threshold:g}", csat_shown))
            .otherwise(pl.format(f"Latest NPS answer: {{}} ({unhappy.nps_at_most:g} or less raises this)", nps_shown)),
            pl.when(rated_low).then(pl.lit(unhappy.threshold)).otherwise(pl.lit(unhappy.nps_at_most)),
        ),
        "high_support_volume": Reading(
            tickets > limit["high_support_volume"],
            tickets,
            pl.format(f"{{}} tickets in 30 days, more than {limit['high_support_volume']:g}", tickets),
        ),
        "low_adoption": Reading(
            adoption < limit["low_adoption"],
            adoption,
            pl.format(
                f"Uses {{}} % of the {{}}, below {100 * limit['low_adoption']:g} %",
                _number(100 * adoption, 1),
                pl.when(features.is_not_null()).then(pl.lit("features")).otherwise(pl.lit("feature categories")),
            ),
        ),
        "low_activation": Reading(
            activation < limit["low_activation"],
            activation,
            pl.format(
                f"{{}} % of the users have ever been active, below {100 * limit['low_activation']:g} %",
                _number(100 * activation, 1),
            ),
        ),
        "critical_incidents": Reading(
            incidents >= limit["critical_incidents"],
            incidents,
            pl.format(
                f"Critical security incidents in 90 days: {{}} ({limit['critical_incidents']:g} raises this)",
                _number(incidents),
            ),
        ),
        "suspended": Reading(
            pl.col("is_suspended").cast(pl.Float64) >= limit["suspended"],
            pl.col("is_suspended"),
            pl.lit("The account is suspended in the CRM"),
        ),
    }


def _either(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether one of two holds, judged by the one that is measured where the other is not."""
    return pl.coalesce(one | other, one, other)


def _sum_of_measured(*counts: str) -> pl.Expr:
    """The sum of what is measured; null where nothing is."""
    return pl.when(pl.any_horizontal(pl.col(counts).is_not_null())).then(pl.sum_horizontal(counts))


def _bills(invoices: str, payments: str, amount: str | None = None) -> pl.Expr:
    """How many of which kind: "4 invoices (48,750 in all) and 1 shop payment"."""

    def counted(count: str, noun: str) -> pl.Expr:
        plural = pl.when(pl.col(count) == 1).then(pl.lit("")).otherwise(pl.lit("s"))
        return pl.format(f"{{}} {noun}{{}}", count, plural)

    of_invoices = counted(invoices, "invoice")
    if amount:
        of_invoices = pl.coalesce(pl.format("{} ({} in all)", of_invoices, _with_commas(pl.col(amount))), of_invoices)
    parts = {invoices: of_invoices, payments: counted(payments, "shop payment")}
    said = [pl.when(pl.col(count) > 0).then(part) for count, part in parts.items()]
    return pl.concat_str(said, separator=" and ", ignore_nulls=True)


def _with_commas(amount: pl.Expr) -> pl.Expr:
    """An amount without cents, with commas between thousands."""
    digits = rounded(amount, 0).cast(pl.Int64).cast(pl.String)
    for _ in range(4):
        digits = digits.str.replace(r"(\d)(\d{3})(,|$)", "$1,$2$3")
    return digits


def _number(value: pl.Expr, decimals: int = 0) -> pl.Expr:
    """A number as people read it, so precise that it lies on the same side of its threshold: 29.6 % is below 30 %."""
    return rounded(value.cast(pl.Float64), decimals).cast(pl.String).str.strip_suffix(".0")
