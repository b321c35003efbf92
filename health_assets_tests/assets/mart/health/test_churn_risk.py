"""Churn risk: factors, points, levels."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from health_assets.assets.dim.account import Account
from health_assets.assets.fact.account_adoption_daily import AccountAdoptionDaily
from health_assets.assets.fact.account_revenue_daily import AccountRevenueDaily
from health_assets.assets.fact.account_support_daily import AccountSupportDaily
from health_assets.assets.fact.account_usage_daily import AccountUsageDaily
from health_assets.assets.mart.health.churn_risk import AccountChurnRisk, mrr__of_all_levels_is_total
from health_assets.assets.mart.health.customer_health import CustomerHealth
from health_assets.contracts.contract import dtypes
from health_assets.settings.risk import Factor, LevelRule
from health_assets_tests.assets.rows import SETTINGS, made, rows

AS_OF = date(2025, 1, 31)
CALM_REVENUE = {
    "contraction_month_count_6m": 0,
    "overdue_invoice_count": 0,
    "is_suspended": False,
    "days_to_renewal": 200,
}
CALM_USAGE = {
    "event_count_30d": 400,
    "event_count_previous_30d": 400,
    "usage_change_ratio": 0.0,
    "days_since_last_login": 1,
    "feature_breadth_30d": 0.8,
}
CALM_SUPPORT = {"ticket_count_30d": 0, "escalated_ticket_count_90d": 0}
CALM_HEALTH = {"health_score": 70.0, "trend_30d": 0.0}


def frame(contract: type, row: dict[str, Any] | None) -> pl.LazyFrame:
    rows = [] if row is None else [{"account_id": "a1", "as_of_date": AS_OF} | row]
    shape = dict(dtypes(contract))
    return pl.DataFrame([{k: v for k, v in r.items() if k in shape} for r in rows], schema=shape).lazy()


def account(**changes: Any) -> pl.LazyFrame:
    return frame(Account, {"account_status": "active", "mrr": 100.0} | changes)


def health_of(given: dict[str, Any]) -> dict[str, Any]:
    return {"computed_health_score": given.get("health_score")} | given


def risk(
    revenue: dict[str, Any] | None = None,
    usage: dict[str, Any] | None = None,
    support: dict[str, Any] | None = None,
    health: dict[str, Any] | None = None,
    *,
    connected: bool = True,
    signals: dict[str, dict[str, Any]] | None = None,
    rules: str = "points",
    **of_account: Any,
) -> dict[str, Any]:
    """The risk of an account on which all is calm but what is given."""
    return made(
        "mart_churn_risk",
        mart_customer_health=frame(CustomerHealth, CALM_HEALTH | health_of(health or {}) if connected else None),
        fact_account_revenue_daily=frame(AccountRevenueDaily, CALM_REVENUE | (revenue or {})),
        fact_account_usage_daily=frame(AccountUsageDaily, CALM_USAGE | (usage or {}) if connected else None),
        fact_account_adoption_daily=frame(AccountAdoptionDaily, CALM_USAGE | (usage or {}) if connected else None),
        fact_account_support_daily=frame(AccountSupportDaily, CALM_SUPPORT | (support or {}) if connected else None),
        dim_account=account(**of_account),
        settings=SETTINGS.model_copy(
            update={"churn_risk": SETTINGS.churn_risk.model_copy(update={"rules": rules})},
        ),
        **{name: rows(name, {"account_id": "a1", "as_of_date": AS_OF} | row) for name, row in (signals or {}).items()},
    ).to_dicts()[0]


def raised(row: dict[str, Any]) -> list[str]:
    return [factor["factor"] for factor in row["factors"]]


def test_calm_account_is_low_and_factors_without_a_source_are_not_measured() -> None:
    row = risk()
    assert (row["risk_level"], row["churn_risk_score"], row["factors"], row["is_on_watch_list"]) == (
        "low",
        0,
        [],
        False,
    )
    assert row["coverage"] == (215 - 10 - 10 - 15) / 215  # activation, incidents; no ticket was rated


def test_halved_usage_says_by_how_much() -> None:
    row = risk(usage={"event_count_30d": 163, "event_count_previous_30d": 428, "usage_change_ratio": 163 / 428 - 1})
    assert row["factors"] == [
        {
            "factor": "usage_halved",
            "points": 20,
            "value": pytest.approx(163 / 428),
            "threshold": 0.5,
            "sentence": "Usage fell 61.9% compared with the previous 30 days, from 428 to 163 events (threshold: 50%)",
            "mrr": 100,
        }
    ]
    assert round(row["usage_change_pct"], 1) == -61.9


def test_exactly_half_the_usage_raises_nothing_and_no_usage_before_is_not_measured() -> None:
    assert raised(risk(usage={"event_count_30d": 200})) == []
    few_before = {"event_count_30d": 1, "event_count_previous_30d": 3, "usage_change_ratio": None}  # below min_events
    assert raised(risk(usage=few_before)) == []
    nothing_before = risk(usage={"event_count_30d": 5, "event_count_previous_30d": 0, "usage_change_ratio": None})
    assert raised(nothing_before) == []
    assert nothing_before["coverage"] == risk()["coverage"] - 20 / 215


def test_points_add_up_with_most_points_first_then_by_name() -> None:
    row = risk(
        revenue={"overdue_invoice_count": 2},
        usage={"days_since_last_login": 15},
        support={"escalated_ticket_count_90d": 2, "ticket_count_30d": 6},
    )
    assert raised(row) == ["low_engagement", "escalations", "payment_trouble", "high_support_volume"]
    assert (row["churn_risk_score"], row["risk_level"], row["is_on_watch_list"], row["factor_count"]) == (
        60, "medium", True, 4,
    )  # fmt: skip


def test_score_is_capped() -> None:
    row = risk(
        revenue={"overdue_invoice_count": 1, "is_suspended": True, "contraction_month_count_6m": 2},
        usage={"days_since_last_login": 15, "feature_breadth_30d": 0.2},
        health={"trend_30d": -11.0, "health_score": 40.0},
    )
    assert (row["churn_risk_score"], row["risk_level"]) == (100, "critical")
    assert row["factors"][1]["sentence"] == "Health fell 11 points in 30 days, from 51 to 40 (threshold: 10)"


def test_near_renewal_is_a_risk_only_at_a_low_score() -> None:
    assert raised(risk(revenue={"days_to_renewal": 90}, health={"health_score": 59.0})) == ["renewal_near"]
    assert raised(risk(revenue={"days_to_renewal": 90}, health={"health_score": 60.0})) == []


def test_two_late_payments_are_payment_trouble_without_an_overdue_invoice() -> None:
    row = risk(revenue={"overdue_invoice_count": None, "late_paid_invoice_count_90d": 2})
    assert [(factor["value"], factor["threshold"]) for factor in row["factors"]] == [(2, 2)]


@pytest.mark.parametrize(
    ("invoices", "payments", "sentence"),
    [
        ({"overdue_invoice_count": 13, "overdue_amount": 48_750.4}, {}, "Past due and unpaid: 13 invoices (48,750 in total)"),
        ({"overdue_invoice_count": 1, "overdue_amount": 900.0}, {"past_due_payment_count": 3},
         "Past due and unpaid: 1 invoice (900 in total) and 3 shop payments"),
        ({"overdue_invoice_count": 0, "overdue_amount": 0.0}, {"past_due_payment_count": 1},
         "Past due and unpaid: 1 shop payment"),
        ({"overdue_invoice_count": 1, "overdue_amount": 1_234_567.0}, {}, "Past due and unpaid: 1 invoice (1,234,567 in total)"),
        ({}, {"late_paid_payment_count_90d": 3}, "Paid late in 90 days: 3 shop payments (threshold: 2)"),
    ],
)  # fmt: skip
def test_unpaid_and_late_are_counted_by_kind(invoices: dict, payments: dict, sentence: str) -> None:
    row = risk(revenue=invoices, signals={"fact_account_commerce_daily": payments} if payments else {})
    assert [factor["sentence"] for factor in row["factors"]] == [sentence]


def test_too_few_measured_factors_are_unknown_and_never_low() -> None:
    row = risk(connected=False)
    assert (row["risk_level"], row["churn_risk_score"], row["is_on_watch_list"]) == ("unknown", None, None)


def test_mrr_that_no_level_holds_breaks_the_identity() -> None:
    levels = pl.LazyFrame({"mrr": [100.0]})
    assert mrr__of_all_levels_is_total(levels, account()).collect().is_empty()
    assert mrr__of_all_levels_is_total(levels, account(mrr=130.0)).collect().height == 1


def test_critical_incident_and_low_nps_raise_their_factors() -> None:
    row = risk(
        signals={
            "fact_account_security_daily": {"critical_incident_count_90d": 1},
            "fact_account_satisfaction_daily": {"nps_rating": 6.0},
        }
    )
    assert raised(row) == ["low_satisfaction", "critical_incidents"]
    assert [factor["sentence"] for factor in row["factors"]] == [
        "Latest NPS rating: 6 (threshold: 6)",
        "Critical security incidents in 90 days: 1 (threshold: 1)",
    ]
    assert (row["churn_risk_score"], row["coverage"]) == (25, (215 - 10) / 215)
    assert raised(risk(signals={"fact_account_satisfaction_daily": {"nps_rating": 7.0}})) == []


@pytest.mark.parametrize(
    ("factor", "points", "at_the_threshold", "beyond"),
    [
        ("declining_health", 20, {"health": {"trend_30d": -10.0}}, {"health": {"trend_30d": -10.1}}),
        ("low_engagement", 20, {"usage": {"days_since_last_login": 14}}, {"usage": {"days_since_last_login": 15}}),
        ("revenue_contraction", 15, {"revenue": {"contraction_month_count_6m": 1}}, {"revenue": {"contraction_month_count_6m": 2}}),
        ("payment_trouble", 15, {"revenue": {"late_paid_invoice_count_90d": 1}}, {"revenue": {"overdue_invoice_count": 1}}),
        ("escalations", 15, {"support": {"escalated_ticket_count_90d": 1}}, {"support": {"escalated_ticket_count_90d": 2}}),
        ("low_satisfaction", 15, {"support": {"mean_csat_90d": 3.0}}, {"support": {"mean_csat_90d": 2.9}}),
        ("high_support_volume", 10, {"support": {"ticket_count_30d": 5}}, {"support": {"ticket_count_30d": 6}}),
        ("low_adoption", 10, {"usage": {"feature_breadth_30d": 0.3}}, {"usage": {"feature_breadth_30d": 0.2}}),
        ("low_activation", 10, {"usage": {"user_activation_rate": 0.5}}, {"usage": {"user_activation_rate": 0.4}}),
        ("suspended", 40, {"revenue": {"is_suspended": False}}, {"revenue": {"is_suspended": True}}),
    ],
)  # fmt: skip
def test_each_factor_is_raised_alone_just_beyond_its_threshold(
    factor: str, points: float, at_the_threshold: dict[str, Any], beyond: dict[str, Any]
) -> None:
    assert raised(risk(**at_the_threshold)) == []
    row = risk(**beyond)
    assert (raised(row), row["churn_risk_score"]) == ([factor], points)


SUSPENDED, SILENT, ESCALATED = {"is_suspended": True}, {"days_since_last_login": 15}, {"escalated_ticket_count_90d": 2}


@pytest.mark.parametrize(
    ("changes", "score", "level", "is_watched"),
    [
        ({"usage": SILENT, "support": ESCALATED}, 35, "low", False),
        ({"revenue": SUSPENDED}, 40, "medium", False),
        ({"revenue": SUSPENDED, "support": ESCALATED}, 55, "medium", False),
        ({"revenue": SUSPENDED, "usage": SILENT}, 60, "medium", True),
        ({"revenue": SUSPENDED, "usage": SILENT | {"feature_breadth_30d": 0.2}}, 70, "high", True),
        (
            {"revenue": SUSPENDED, "usage": SILENT | {"feature_breadth_30d": 0.2}, "support": ESCALATED},
            85,
            "critical",
            True,
        ),
    ],
)
def test_levels_begin_at_40_70_and_85_and_the_watch_list_at_60(
    changes: dict[str, Any], score: float, level: str, is_watched: bool
) -> None:
    row = risk(**changes)
    assert (row["churn_risk_score"], row["risk_level"], row["is_on_watch_list"]) == (score, level, is_watched)


def own_risk(value: float | None, rules: str = "points", **factor: Any) -> dict[str, Any]:
    """The risk of an account with the metric seats_in_use, by a factor and a rule set of the company's own."""
    own = Factor.model_validate({"points": 70, "metric": "seats_in_use", "threshold": 3} | factor)
    risk_settings = SETTINGS.churn_risk.model_copy(
        update={
            "factors": SETTINGS.churn_risk.factors | {"few_seats": own},
            "rule_sets": {"ours": {"critical": LevelRule(when="seats_in_use < 3 and mrr > 50")}},
            "rules": rules,
        }
    )
    metrics = (
        [] if value is None else [{"account_id": "a1", "as_of_date": AS_OF, "metric": "seats_in_use", "value": value}]
    )
    return made(
        "mart_churn_risk",
        mart_customer_health=frame(CustomerHealth, CALM_HEALTH | health_of({})),
        fact_account_revenue_daily=frame(AccountRevenueDaily, CALM_REVENUE),
        fact_account_usage_daily=frame(AccountUsageDaily, CALM_USAGE),
        fact_account_adoption_daily=frame(AccountAdoptionDaily, CALM_USAGE),
        fact_account_support_daily=frame(AccountSupportDaily, CALM_SUPPORT),
        fact_account_metrics=rows("fact_account_metrics", *metrics),
        dim_account=account(),
        settings=SETTINGS.model_copy(update={"churn_risk": risk_settings}),
    ).to_dicts()[0]


def test_own_factor_reads_an_own_metric_and_says_so_in_its_own_words() -> None:
    row = own_risk(2, sentence="Only {value} seats in use, fewer than {threshold}")
    (factor,) = row["factors"]
    assert (factor["factor"], factor["value"], factor["threshold"]) == ("few_seats", 2, 3)
    assert factor["sentence"] == "Only 2 seats in use, fewer than 3"
    assert (row["churn_risk_score"], row["risk_level"]) == (70, "high")
    assert own_risk(2)["factors"][0]["sentence"] == "Few seats: 2 (below 3)"


@pytest.mark.parametrize(
    ("raised_where", "value", "is_raised"),
    [
        ("below", 3, False),
        ("at_most", 3, True),
        ("at_least", 3, True),
        ("above", 3, False),
        ("above", 4, True),
        ("below", None, False),
    ],
)
def test_own_factor_is_raised_where_it_says(raised_where: str, value: float | None, is_raised: bool) -> None:
    assert (raised(own_risk(value, raised=raised_where)) == ["few_seats"]) is is_raised


def test_own_rule_may_name_own_metrics() -> None:
    assert own_risk(2, rules="ours")["risk_level"] == "critical"
    assert own_risk(3, rules="ours")["risk_level"] == "low"
    assert own_risk(None, rules="ours")["risk_level"] == "low"


HALVED = {"event_count_30d": 199, "event_count_previous_30d": 400}
HALF = {"event_count_30d": 200, "event_count_previous_30d": 400}


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"health": {"health_score": 19.9}}, "critical"),
        ({"health": {"health_score": 20.0}}, "high"),
        ({"health": {"health_score": 40.0}}, "medium"),
        ({"health": {"health_score": 60.0}}, "low"),
        ({"usage": HALVED}, "high"),
        ({"usage": HALF}, "low"),
        ({"support": {"escalated_ticket_count_90d": 2}}, "high"),
        ({"support": {"escalated_ticket_count_90d": 1}}, "low"),
        ({"revenue": {"contraction_month_count_6m": 2}}, "medium"),
        ({"revenue": {"contraction_month_count_6m": 1}}, "low"),
        ({"health": {"health_score": None}}, "unknown"),
        ({"health": {"health_score": None}, "usage": HALVED}, "high"),
        ({"health": {"health_score": 19.0}, "usage": HALVED}, "critical"),
    ],
)
def test_levels_of_novacrm_are_those_of_its_rules(changes: dict[str, Any], level: str) -> None:
    row = risk(**changes, rules="novacrm")
    assert (row["risk_level"], row["risk_rules"]) == (level, "novacrm")


def test_novacrm_level_needs_no_score_of_points() -> None:
    row = risk(connected=False, revenue={"contraction_month_count_6m": 2}, rules="novacrm")
    assert (row["churn_risk_score"], row["risk_level"]) == (None, "medium")
    assert AccountChurnRisk.is_valid(pl.DataFrame([row], schema=dtypes(AccountChurnRisk)))


def test_learned_probability_is_shown_next_to_the_score_and_changes_nothing_of_it() -> None:
    apart = risk()
    beside = risk(signals={"mart_churn_probability": {"churn_probability": 0.9}})
    assert (apart["churn_probability"], beside["churn_probability"]) == (None, 0.9)
    assert beside | {"churn_probability": None} == apart


def test_risk_level_since_is_the_first_of_the_unbroken_days_at_the_level_or_worse() -> None:
    def day(number: int, silent: int) -> dict[str, Any]:
        calm = CALM_USAGE | {"feature_breadth_30d": 0.2, "user_activation_rate": 0.1}  # 20 points
        return calm | {"account_id": "a1", "as_of_date": date(2025, 1, number), "days_since_last_login": silent}

    usage = [day(28, 20), day(29, 1), day(30, 20), day(31, 21)]  # silence is 20 points more
    revenue = [CALM_REVENUE | {"account_id": "a1", "as_of_date": row["as_of_date"], "overdue_invoice_count": 2,
                               "contraction_month_count_6m": 2} for row in usage]  # 30 points  # fmt: skip
    shared = {"mart_customer_health": frame(CustomerHealth, CALM_HEALTH | health_of({})), "dim_account": account()}

    def known(contract: type, days: list[dict[str, Any]]) -> pl.LazyFrame:
        shape = dict(dtypes(contract))
        return pl.DataFrame([{k: v for k, v in r.items() if k in shape} for r in days], schema=shape).lazy()

    row = made(
        "mart_churn_risk",
        fact_account_revenue_daily=known(AccountRevenueDaily, revenue),
        fact_account_usage_daily=known(AccountUsageDaily, usage),
        fact_account_adoption_daily=known(AccountAdoptionDaily, usage),
        **shared,
    ).to_dicts()[0]
    assert (row["churn_risk_score"], row["risk_level"], row["risk_level_since"]) == (70, "high", date(2025, 1, 30))


def since_when(first_day: date, measured_since: date) -> tuple[date | None, int | None]:
    """Of an account at high risk since a day, and suspended; the CRM's status is known since another."""
    days = [AS_OF - timedelta(days=back) for back in range(120)]
    revenue = [
        CALM_REVENUE
        | {"account_id": "a1", "as_of_date": day, "overdue_invoice_count": 2, "contraction_month_count_6m": 2}
        | {"is_suspended": day >= first_day if day >= measured_since else None}
        for day in days
    ]
    known = [signal for signal in CALM_REVENUE if signal != "is_suspended"]
    signals = [{"signal": name, "month": days[-1].replace(day=1), "first_date": days[-1]} for name in known]
    signals.append({"signal": "is_suspended", "month": measured_since.replace(day=1), "first_date": measured_since})
    row = made(
        "mart_churn_risk",
        mart_customer_health=frame(CustomerHealth, CALM_HEALTH | health_of({})),
        fact_account_revenue_daily=rows("fact_account_revenue_daily", *revenue),
        fact_account_usage_daily=rows(
            "fact_account_usage_daily", *(CALM_USAGE | {"account_id": "a1", "as_of_date": day} for day in days)
        ),
        fact_measured_signals=rows("fact_measured_signals", *signals),
        dim_account=account(),
    ).to_dicts()[0]
    assert (row["churn_risk_score"], row["risk_level"]) == (70, "high")
    return row["risk_level_since"], row["risk_level_days"]


def test_risk_level_since_is_the_day_on_which_a_factor_was_raised() -> None:
    began = AS_OF - timedelta(days=9)
    assert since_when(began, measured_since=AS_OF - timedelta(days=100)) == (began, 10)


def test_risk_level_older_than_the_days_looked_at_has_no_date_but_so_many_days() -> None:
    assert since_when(AS_OF - timedelta(days=100), measured_since=AS_OF - timedelta(days=110)) == (None, 91)


def test_risk_level_that_begins_with_the_first_load_of_the_status_has_no_date() -> None:
    loaded = AS_OF - timedelta(days=3)
    assert since_when(AS_OF - timedelta(days=50), measured_since=loaded) == (None, None)
    assert since_when(loaded + timedelta(days=1), measured_since=loaded) == (loaded + timedelta(days=1), 3)


def test_risk_level_since_is_null_for_calm_accounts() -> None:
    calm = risk()
    assert (calm["risk_level_since"], calm["risk_level_days"]) == (None, None)
