"""The list of accounts to contact: order, reasons, next steps, since when."""

from datetime import date, timedelta
from typing import Any

import pytest

from health_assets import settings as company_settings
from health_assets.assets.mart.health.attention_list import (
    accounts_at_risk__are_all_on_the_list,
    attention_rank__counts_from_1,
)
from health_assets_tests.assets.rows import AS_OF, SETTINGS, made, rows

FACTORS = [
    {"factor": name, "points": 15.0, "value": 1.0, "threshold": 1.0, "sentence": name.capitalize(), "mrr": 1.0}
    for name in ("escalations", "payment", "silence", "usage")
]


def account(name: str, level: str = "low", mrr: float | None = 100.0, factors: int = 0, **given: Any) -> dict[str, Any]:
    """What the marts say of an account on the as-of day; all calm but what is given."""
    return {
        "account_id": name,
        "as_of_date": AS_OF,
        "risk_level": level,
        "mrr": mrr,
        "factors": FACTORS[:factors],
        "factor_count": factors,
        "health_score": 90.0,
        "health_band": "healthy",
        "is_low_band": False,
        "value_tier": "standard",
    } | given


def attention(
    *accounts: dict[str, Any],
    days: tuple[dict[str, Any], ...] = (),
    parts: tuple[dict[str, Any], ...] = (),
    **options: Any,
) -> list[dict[str, Any]]:
    def of(table: str) -> Any:
        known = rows(table).collect_schema().names()
        return rows(table, *({name: value for name, value in row.items() if name in known} for row in accounts))

    tables = ("mart_churn_risk", "mart_customer_health", "fact_account_revenue_daily", "dim_account")
    frames = {table: of(table) for table in tables}
    history = rows("mart_customer_health_daily", *days)
    measures = rows("mart_customer_health_parts", *parts)
    return made(
        "mart_attention_list",
        mart_customer_health_daily=history,
        mart_customer_health_parts=measures,
        **frames,
        **options,
    ).to_dicts()


def measure(dimension: str, metric: str, value: float, score: float, weight: float = 0.1) -> dict[str, Any]:
    """A measure of account A on the as-of day."""
    return {
        "account_id": "A",
        "as_of_date": AS_OF,
        "scorecard": "standard",
        "dimension": dimension,
        "measure": metric,
        "metric": metric,
        "value": value,
        "score": score,
        "weight": weight,
    }


def test_order_is_critical_high_low_band_renewal_then_mrr_then_account() -> None:
    renewal = {"health_score": 59.9, "days_to_renewal": 90}
    found = attention(
        account("calm"),
        account("renews", **renewal, mrr=900.0),
        account("low", health_band="critical", is_low_band=True, mrr=800.0),
        account("high_b", "high", 50.0),
        account("high_a", "high", 50.0),
        account("high_unknown", "high", None),
        account("critical", "critical", 1.0, is_low_band=True, **renewal),
    )
    assert [(row["attention_rank"], row["account_id"], row["attention_level"]) for row in found] == [
        (1, "critical", "critical_risk"),
        (2, "high_a", "high_risk"),
        (3, "high_b", "high_risk"),
        (4, "high_unknown", "high_risk"),
        (5, "low", "low_health"),
        (6, "renews", "renewal"),
    ]


@pytest.mark.parametrize(("score", "days"), [(60.0, 90), (59.0, 91), (59.0, None), (None, 10)])
def test_renewal_counts_within_90_days_and_below_a_health_of_60_only(score: float | None, days: int | None) -> None:
    assert attention(account("A", health_score=score, days_to_renewal=days)) == []


def test_reason_of_risk_is_its_first_factors_and_how_many_more() -> None:
    assert attention(account("A", "high", factors=4))[0]["reason"] == "Escalations; Payment; Silence; 1 more"
    assert attention(account("A", "high", factors=1))[0]["reason"] == "Escalations"


LOW = {"health_score": 30.0, "health_band": "critical", "is_low_band": True}


def test_reason_of_low_health_names_what_was_measured_in_the_dimensions_in_a_low_band() -> None:
    parts = (
        measure("support", "sla_adherence_pct_90d", 42.9, 0.0),
        measure("revenue", "mrr_change_ratio_90d", 0.03, 94.3),
        measure("relationship", "days_since_last_touchpoint", 131.0, 0.0),
        measure("usage", "days_since_last_login", 14.0, 57.1),
    )
    (found,) = attention(account("A", **LOW), parts=parts)
    assert found["reason"] == (
        "Health 30 (critical); weakest: relationship 0 (no contact for 131 days), "
        "support 0 (42.9% of tickets within SLA in 90 days)"
    )


def test_strong_dimension_is_never_called_weak() -> None:
    parts = (
        measure("revenue", "mrr_change_ratio_90d", 0.03, 94.3),
        measure("usage", "active_day_count_30d", 9.0, 60.0),
    )
    assert attention(account("A", **LOW), parts=parts)[0]["reason"] == "Health 30 (critical)"


def test_parts_of_an_earlier_day_are_not_behind_the_reason_of_today() -> None:
    earlier = measure("usage", "active_day_count_30d", 1.0, 6.7) | {"as_of_date": date(2025, 1, 1)}
    assert attention(account("A", **LOW), parts=(earlier,))[0]["reason"] == "Health 30 (critical)"


def test_reason_of_low_health_has_the_raised_risk_factors() -> None:
    parts = (measure("support", "mean_csat_90d", 1.5, 0.0),)
    (found,) = attention(account("A", **LOW, factors=4), parts=parts)
    assert found["reason"] == (
        "Health 30 (critical); Escalations; Payment; Silence; 1 more; weakest: support 0 (average ticket rating 1.5 in 90 days)"
    )


def test_reason_of_health_set_by_hand_is_the_given_one_and_the_raised_risk_factors() -> None:
    (found,) = attention(account("A", **LOW, override_reason="sponsor left", factors=1))
    assert found["reason"] == "Health 30 (critical), set by hand: sponsor left; Escalations"


def test_reason_of_a_renewal_has_the_other_raised_risk_factors() -> None:
    near = FACTORS[0] | {"factor": "renewal_near", "sentence": "Renews soon"}
    raised = {"factors": [near, FACTORS[1]], "factor_count": 2}
    (found,) = attention(account("A", health_score=50.0, days_to_renewal=40) | raised)
    assert found["reason"] == "Renews in 40 days at a health score of 50, below 60; Payment"


def test_next_step_at_low_health_is_that_of_the_weightiest_factor_that_has_one() -> None:
    def raised(*names: str) -> dict[str, Any]:
        return {"factors": [FACTORS[0] | {"factor": name} for name in names], "factor_count": len(names)}

    found = attention(
        account("A", **LOW) | raised("low_satisfaction", "payment_trouble", "renewal_near"),
        account("B", **LOW) | raised("renewal_near"),
        account("C", **LOW) | raised("low_satisfaction"),
        account("D", **LOW),
        account("E", "high", **LOW) | raised("payment_trouble"),
    )
    by_factor, playbook = SETTINGS.playbook_by_factor, SETTINGS.playbook
    assert {row["account_id"]: row["next_step"] for row in found} == {
        "A": by_factor["payment_trouble"].next_step,
        "B": by_factor["renewal_near"].next_step,
        "C": playbook["low_health"]["any"].next_step,
        "D": playbook["low_health"]["any"].next_step,
        "E": playbook["high_risk"]["any"].next_step,
    }


def test_step_of_a_factor_may_be_switched_off_and_a_misspelt_factor_is_refused(tmp_path: Any) -> None:
    file = tmp_path / "ours.yml"
    file.write_text("playbook_by_factor: {payment_trouble: null}")
    factors = {"factors": [FACTORS[0] | {"factor": "payment_trouble"}], "factor_count": 1}
    (found,) = attention(account("A", **LOW) | factors, settings=company_settings.load(file))
    assert found["next_step"] == SETTINGS.playbook["low_health"]["any"].next_step
    file.write_text("playbook_by_factor: {payment_troubles: null}")
    with pytest.raises(company_settings.SettingsError, match="did you mean 'payment_trouble'"):
        company_settings.load(file)


def test_the_reason_of_a_renewal_has_both_numbers() -> None:
    found = attention(account("A", health_score=55.25, days_to_renewal=40))
    assert found[0]["reason"] == "Renews in 40 days at a health score of 55.3, below 60"


def test_band_that_no_scorecard_calls_low_is_not_on_the_list_whatever_its_name() -> None:
    assert attention(account("A", health_band="at_risk", is_low_band=False)) == []
    assert attention(account("A", health_band="red", is_low_band=True))[0]["attention_level"] == "low_health"
    assert attention(account("A", health_score=None, health_band="unknown", is_low_band=None)) == []


def test_next_step_follows_level_and_value_tier_and_any_covers_the_rest() -> None:
    found = attention(
        account("A", "critical", value_tier="strategic"),
        account("B", "critical", value_tier="basic"),
        account("C", "critical", value_tier=None),
        account("D", "high", value_tier="key"),
    )
    steps = [(row["next_step_owner_role"], row["next_step_days"]) for row in found]
    manager = "Customer Success Manager"
    assert steps == [("Head of Customer Success", 1), (manager, 3), (manager, 3), (manager, 5)]


def test_company_may_change_one_entry_of_the_playbook(tmp_path: Any) -> None:
    file = tmp_path / "ours.yml"
    file.write_text("playbook: {low_health: {any: {next_step: Send Anna, owner_role: CSM, days: 2}}}")
    found = attention(account("A", is_low_band=True), account("B", "high"), settings=company_settings.load(file))
    assert [row["next_step"] for row in found] == ["Call the account and work through the reasons", "Send Anna"]


def test_since_is_the_first_day_of_the_unbroken_low_bands() -> None:
    def day(number: int, low: bool | None) -> dict[str, Any]:
        return {"account_id": "A", "as_of_date": date(2025, 1, number), "is_low_band": low, "health_score": 30.0}

    days = (day(27, True), day(28, None), day(29, True), day(30, True), day(31, True))
    assert attention(account("A", is_low_band=True), days=days)[0]["since_date"] == date(2025, 1, 29)


def test_since_of_low_health_is_true_however_long_ago() -> None:
    first = date(2025, 1, 31) - timedelta(days=200)
    days = [
        {
            "account_id": "A",
            "as_of_date": first + timedelta(days=number),
            "is_low_band": number > 0,
            "health_score": 30.0,
        }
        for number in range(201)
    ]
    assert attention(account("A", is_low_band=True), days=days)[0]["since_date"] == first + timedelta(days=1)


def test_since_of_a_renewal_is_when_it_came_near_or_the_health_fell() -> None:
    def day(number: int, score: float) -> dict[str, Any]:
        return {"account_id": "A", "as_of_date": date(2025, 1, number), "health_score": score}

    renewal = account("A", health_score=50.0, days_to_renewal=87)  # within 90 days since 28 January
    assert attention(renewal, days=(day(1, 50.0), day(31, 50.0)))[0]["since_date"] == date(2025, 1, 28)
    assert attention(renewal, days=(day(29, 70.0), day(30, 50.0), day(31, 50.0)))[0]["since_date"] == date(2025, 1, 30)


def test_account_at_risk_that_is_not_listed_breaks_the_identity() -> None:
    risks = rows("mart_churn_risk", {"account_id": "A", "risk_level": "high"})
    listed = rows("mart_attention_list", {"account_id": "A"})
    assert accounts_at_risk__are_all_on_the_list(listed, risks).collect().is_empty()
    assert accounts_at_risk__are_all_on_the_list(rows("mart_attention_list"), risks).collect().height == 1


def test_gap_in_the_ranks_or_a_level_out_of_order_is_found() -> None:
    first = {"account_id": "A", "attention_rank": 1, "attention_level": "critical_risk"}
    second = {"account_id": "B", "attention_rank": 2, "attention_level": "low_health"}
    for ranked, faults in (
        ((first, second), 0),
        ((first, second | {"attention_rank": 3}), 1),
        ((first | {"attention_rank": 2}, second | {"attention_rank": 1}), 1),
    ):
        assert attention_rank__counts_from_1(rows("mart_attention_list", *ranked)).collect().height == faults
