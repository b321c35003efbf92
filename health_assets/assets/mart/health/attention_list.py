"""The accounts to contact, in order, each with its reason, its next step, its owner and since when.

The single list that terminal, alerts, reports and dashboard show. Risk by itself is in mart/health/churn_risk.py, health in
mart/health/customer_health.py.
"""

from datetime import date
from typing import get_args

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import VALUE_TIERS
from health_assets.contracts.columns import AccountId, AccountOwner, AsOfDate, CompanyName, Count, Day, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between, first_match
from health_assets.scoring.risk_score import RISK_LEVELS
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.scoring.weak_areas import weak_areas
from health_assets.scoring.wording import counted, number_in_words
from health_assets.settings import Settings
from health_assets.settings.risk import AttentionLevel
from health_assets.tables import identity, table

LEVELS = get_args(AttentionLevel)
REASONS_SHOWN = 3  # factors, weightiest first; mart.churn_risk has them all
ANY = "any"
RENEWAL_FACTOR = "renewal_near"  # says what the reason of the level renewal says


class AttentionList(Contract):
    """Which accounts should we contact, in which order, why, and what is the next step?

    Critical churn risk comes first, then high risk, then a low health band, then a renewal that is near at a low health;
    within each the highest MRR, then account_id. Accounts without any of these have no row.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    attention_rank = dy.Int64(min=1, description="1 = contact first")
    attention_level = dy.Enum(
        LEVELS,
        description="critical_risk, high_risk = level of churn risk; low_health = in a low band of its scorecard; renewal = "
        "renews within `attention.renewal_days` at a health below `attention.health_below`; the first that holds",
    )
    company_name = CompanyName()
    account_owner = AccountOwner()
    mrr = Money("Monthly recurring revenue; null = unknown", nullable=True)
    value_tier = dy.Enum(VALUE_TIERS, nullable=True, description="By MRR; null where MRR is unknown")
    reason = dy.String(
        description="Why, in words: the low health or the renewal, the weightiest risk factors, and the weakest dimensions among "
        "those whose own score is in a low band, each with the measure that costs it most"
    )
    since_date = Day(
        "First of the unbroken days on which this held; null = not known: churn risk began before the `attention.since_days` that "
        "are looked at or with the first day of a signal, or health was set by hand"
    )
    held_days = Count(
        "Unbroken days on which this held, the as-of day included; where since_date is null at least so many; null = not known",
        nullable=True,
    )
    next_step = dy.String(
        description="What to do, from the settings' `playbook`; at low health by the weightiest factor in `playbook_by_factor`"
    )
    next_step_owner_role = dy.String(description="Who does it, from the same entry")
    next_step_days = Count("Days within which it should be done, from the same entry")
    health_score = Score("Health")
    health_band = dy.String(nullable=True, description="Band of the score; null = no scorecard is for the account")
    trend_30d = dy.Float64(
        nullable=True, min=-100, max=100, description="Change of health in 30 days, in points; null = not comparable"
    )
    churn_risk_score = Score("Churn risk (100 = worst)")
    risk_level = dy.Enum(RISK_LEVELS, description="Level of churn risk; unknown = too little was measured")
    days_to_renewal = Count("Days to the next renewal; null = none known", nullable=True)


@table(AttentionList)
def mart_attention_list(
    mart_churn_risk: pl.LazyFrame,
    mart_customer_health: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    mart_customer_health_parts: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Accounts of the as-of day that need attention, the first to contact first."""
    health = mart_customer_health.drop("as_of_date", "company_name", "account_owner", "mrr", "coverage", strict=False)
    parts = mart_customer_health_parts.filter(pl.col("as_of_date") == as_of).join(
        health.filter("is_low_band"), on="account_id", how="semi"
    )
    renewals = fact_account_revenue_daily.filter(pl.col("as_of_date") == as_of).select("account_id", "days_to_renewal")
    return (
        mart_churn_risk.join(health, on="account_id", how="left", validate="1:1")
        .join(renewals, on="account_id", how="left", validate="1:1")
        .join(dim_account.select("account_id", "value_tier"), on="account_id", how="left", validate="1:1")
        .join(_low_since(mart_customer_health_daily, settings), on="account_id", how="left", validate="1:1")
        .join(weak_areas(parts, scorecards_in_use(settings)), on="account_id", how="left", validate="1:1")
        .with_columns(attention_level=_attention_level(settings))
        .drop_nulls("attention_level")
        .with_columns(reason=_reason(settings), since_date=_since(settings), **_next_step(settings))
        .with_columns(held_days=_held_days())
        .sort("attention_level", "mrr", "account_id", descending=[False, True, False], nulls_last=True)
        .with_columns(attention_rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
        .select(AttentionList.column_names())
    )


def _attention_level(settings: Settings) -> pl.Expr:
    """Why an account is on the list: the first reason that holds, null where none does."""
    rules, level = settings.attention, pl.col("risk_level")
    is_renewal_near = (pl.col("days_to_renewal") <= rules.renewal_days) & (pl.col("health_score") < rules.health_below)
    return first_match(
        [
            (level == "critical", "critical_risk"),
            (level == "high", "high_risk"),
            (pl.col("is_low_band"), "low_health"),
            (is_renewal_near, "renewal"),
        ]
    ).cast(pl.Enum(LEVELS))


def _reason(settings: Settings) -> pl.Expr:
    """The reason in words, by attention level."""
    all_factors = pl.col("factors")
    score = number_in_words(pl.col("health_score"), 1)
    without_factors = pl.format("Health {}, {} churn risk", score.fill_null("unknown"), "risk_level")
    band = pl.col("health_band").cast(pl.String).str.replace_all("_", " ", literal=True)
    low = pl.format("Health {} ({})", score.fill_null("unknown"), band)
    by_hand = pl.format("{}, set by hand: {}", low, "override_reason")
    weakest = pl.when(pl.col("override_reason").is_null()).then(pl.format("weakest: {}", "weak_areas"))
    renewal = pl.format(
        f"Renews in {{}} at a health score of {{}}, below {settings.attention.health_below:g}",
        counted(pl.col("days_to_renewal"), "day"),
        score,
    )
    other_factors = all_factors.list.filter(pl.element().struct.field("factor") != RENEWAL_FACTOR)
    level = pl.col("attention_level")
    return (
        pl.when(level.is_in(["critical_risk", "high_risk"]))
        .then(pl.coalesce(_sentences(all_factors), without_factors))
        .when(level == "low_health")
        .then(_joined(pl.coalesce(by_hand, low), _sentences(all_factors), weakest))
        .otherwise(_joined(renewal, _sentences(other_factors)))
    )


def _sentences(factors: pl.Expr) -> pl.Expr:
    """The weightiest factors, and how many more are raised; null where none is."""
    more = factors.list.len().cast(pl.Int64) - REASONS_SHOWN
    shown = factors.list.head(REASONS_SHOWN).list.eval(pl.element().struct.field("sentence")).list.join("; ")
    rest = pl.when(more > 0).then(pl.format("; {} more", more)).otherwise(pl.lit(""))
    return pl.when(factors.list.len() > 0).then(pl.concat_str(shown, rest))


def _joined(*reasons: pl.Expr) -> pl.Expr:
    return pl.concat_str(reasons, separator="; ", ignore_nulls=True)


def _since(settings: Settings) -> pl.Expr:
    """The day from which on the reason held without a break; null where the days before do not say it."""
    level, days_before = pl.col("attention_level"), settings.attention.renewal_days - pl.col("days_to_renewal")
    window_began = pl.col("as_of_date") - pl.duration(days=days_before)
    return (
        pl.when(level.is_in(["critical_risk", "high_risk"]))
        .then("risk_level_since")
        .when(level == "low_health")
        .then("low_band_since")
        .otherwise(pl.max_horizontal(window_began, "low_score_since"))
    )


def _held_days() -> pl.Expr:
    of_risk = pl.col("attention_level").is_in(["critical_risk", "high_risk"])
    return (
        pl.when(of_risk).then("risk_level_days").otherwise(days_between(pl.col("since_date"), pl.col("as_of_date")) + 1)
    )


def _low_since(mart_customer_health_daily: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Since when each account has been in a low band, and below the health at which renewals count. Grain: account_id."""
    day = pl.col("as_of_date")

    def unbroken(holds: pl.Expr) -> pl.Expr:
        last_break = day.filter(~holds.fill_null(False)).max()
        return day.filter(day > last_break.fill_null(date.min)).min()

    return mart_customer_health_daily.group_by("account_id").agg(
        low_band_since=unbroken(pl.col("is_low_band")),
        low_score_since=unbroken(pl.col("health_score") < settings.attention.health_below),
    )


def _next_step(settings: Settings) -> dict[str, pl.Expr]:
    """What to do, who does it and by when: by level and value tier, `any` where the tier has no entry.

    An account of low health without higher churn risk has the entry of its weightiest factor that has one.
    """
    level, tier = pl.col("attention_level"), pl.col("value_tier")
    of_factors = {name: play for name, play in settings.playbook_by_factor.items() if play}
    raised = pl.col("factors").list.eval(pl.element().struct.field("factor"))
    weightiest = raised.list.filter(pl.element().is_in(list(of_factors))).list.first()

    def chosen(field: str) -> pl.Expr:
        by_factor = [
            pl.when(level == "low_health", weightiest == name).then(pl.lit(getattr(play, field)))
            for name, play in of_factors.items()
        ]
        by_level = [
            pl.when(level == name, pl.lit(True) if of_tier == ANY else tier == of_tier).then(
                pl.lit(getattr(play, field))
            )
            for name, plays in settings.playbook.items()
            for of_tier, play in sorted(plays.items(), key=lambda entry: entry[0] == ANY)
        ]
        return pl.coalesce(*by_factor, *by_level)

    return {
        "next_step": chosen("next_step"),
        "next_step_owner_role": chosen("owner_role"),
        "next_step_days": chosen("days").cast(pl.Int64),
    }


@identity(of=mart_attention_list)
def accounts_at_risk__are_all_on_the_list(
    mart_attention_list: pl.LazyFrame, mart_churn_risk: pl.LazyFrame
) -> pl.LazyFrame:
    """Every account of critical or high churn risk is on the list."""
    return mart_churn_risk.filter(pl.col("risk_level").is_in(["critical", "high"])).join(
        mart_attention_list, on="account_id", how="anti"
    )


@identity(of=mart_attention_list)
def attention_rank__counts_from_1(mart_attention_list: pl.LazyFrame) -> pl.LazyFrame:
    """The ranks are 1, 2, 3 ... without a gap, and no level comes after a less urgent one."""
    ranked = mart_attention_list.sort("attention_rank").with_columns(place=pl.int_range(1, pl.len() + 1))
    level = pl.col("attention_level").to_physical()
    return ranked.filter((pl.col("attention_rank") != pl.col("place")) | (level < level.cum_max()))
