from dataclasses import replace
from datetime import date

import pytest

from health_assets import settings
from health_assets.alerts.account_alert import AccountAlert, account_alerts, not_repeated
from health_assets.alerts.accounts import Account, Attention, Reading
from health_assets.alerts.level_state import Found
from health_assets.alerts.rules import Kind, rules_of
from health_assets.alerts.transitions import Change
from health_assets.settings import Settings

COMPANY = settings.load()
DAY = date(2025, 1, 31)
FACTORS = [
    ("usage_halved", "Usage fell 60% compared with the previous 30 days, from 100 to 40 events (threshold: 50%)"),
    ("low_satisfaction", "Latest NPS rating: 5 (threshold: 6)"),
    ("escalations", "2 tickets escalated in 90 days (threshold: 2)"),
    ("declining_health", "Health fell 14 points in 30 days, from 66 to 52 (threshold: 10)"),
    ("weakest", "Weakest: usage 12 (no login for 40 days), support 20"),
]
ADA = Account(
    "A1",
    "Ada's",
    owner="Lena Fischer",
    segment="smb",
    tier="key",
    mrr=900.0,
    health_score=52.0,
    trend_30d=-14.0,
    reasons=FACTORS,
)
RISE = Change("risk_level", Kind.entered, "medium", "high", since=DAY, until=date(2025, 1, 30))
FALL = Change("health_band", Kind.entered, "neutral", "at_risk", since=date(2025, 1, 29), until=date(2025, 1, 28))


def alerts(
    *changes: Change, account: Account = ADA, company: Settings = COMPANY, alarming: set[str] | None = None
) -> list[AccountAlert]:
    found = Found(is_first=False, alarming={account.account_id: alarming or set()})
    rules = rules_of(company)
    return account_alerts({account.account_id: list(changes)}, found, [account], rules, company, DAY)


def with_rule(name: str, **given: object) -> Settings:
    rules = COMPANY.alerts.rules | {name: COMPANY.alerts.rules[name].model_copy(update=given)}
    return COMPANY.model_copy(update={"alerts": COMPANY.alerts.model_copy(update={"rules": rules})})


# -- one alert per account, with its strongest change -----------------------------------------------------------------


def test_the_strongest_change_comes_first_and_the_others_are_reasons() -> None:
    (alert,) = alerts(FALL, RISE)
    assert alert.rule == "risk_level"
    assert alert.severity == "critical"
    assert alert.news == "Churn risk is now high, was medium until 30 January"
    assert alert.reasons[0] == "Health is now at risk (52), down 14 points in 30 days, was neutral until 28 January"


def test_there_are_at_most_three_reasons_without_their_thresholds() -> None:
    (alert,) = alerts(RISE)
    assert alert.reasons == [
        "Usage fell 60% compared with the previous 30 days, from 100 to 40 events",
        "Latest NPS rating: 5",
        "2 tickets escalated in 90 days",
    ]


def test_no_reason_repeats_the_news() -> None:
    halved = Change("usage_halved", Kind.entered, "calm", "raised", since=DAY, sentence=FACTORS[0][1])
    (alert,) = alerts(halved)
    assert alert.news == "Usage fell 60% compared with the previous 30 days, from 100 to 40 events"
    assert not [reason for reason in alert.reasons if reason.startswith("Usage")]


def test_an_answer_is_not_given_again_as_low_satisfaction() -> None:
    answer = Change("detractor", Kind.happened, None, "f1", since=DAY, sentence="NPS rating 5 on 31 January")
    (alert,) = alerts(answer)
    assert alert.news == "NPS rating 5 on 31 January"
    assert "Latest NPS rating: 5" not in alert.reasons


def test_the_fall_of_health_is_said_once() -> None:
    (alert,) = alerts(FALL)
    assert "down 14 points in 30 days" in alert.news
    assert not [reason for reason in alert.reasons if reason.startswith("Health fell")]


@pytest.mark.parametrize("trend", [12.0, 0.4, None])
def test_a_trend_that_does_not_agree_with_the_news_is_not_shown(trend: float | None) -> None:
    (alert,) = alerts(FALL, account=replace(ADA, trend_30d=trend, reasons=()))
    assert alert.news == "Health is now at risk (52), was neutral until 28 January"


def test_a_level_that_lasts_says_since_when_and_comes_after_what_is_new() -> None:
    lasts = Change("risk_level", Kind.lasts, "high", "high", since=date(2025, 1, 1))
    (alert,) = alerts(lasts)
    assert alert.news == "Churn risk is still high, since 1 January"
    (alert,) = alerts(lasts, FALL)
    assert alert.rule == "health_band"


# -- churned ----------------------------------------------------------------------------------------------------------


def test_a_churned_account_shows_when_it_left_and_what_it_paid() -> None:
    gone = replace(ADA, is_churned=True, churn_date=date(2025, 1, 30), mrr=0.0, mrr_lost=3750.0)
    (alert,) = alerts(Change("churned", Kind.entered, "calm", "raised", since=DAY), account=gone)
    assert (alert.news, alert.mrr, alert.severity, alert.reasons) == ("Churned on 30 January", 3750.0, "critical", [])


def test_what_a_churned_account_paid_may_be_unknown_and_is_then_not_0() -> None:
    gone = replace(ADA, is_churned=True, mrr=0.0)
    (alert,) = alerts(Change("churned", Kind.entered, "calm", "raised", since=DAY), account=gone)
    assert alert.mrr is None


# -- good news --------------------------------------------------------------------------------------------------------

BETTER = Change("risk_level", Kind.left, "high", "low", since=DAY)
WELL = replace(
    ADA,
    health_score=71.0,
    readings={"health_band": Reading("neutral", value=71.0), "risk_level": Reading("low", value=20.0)},
)


def test_an_account_has_recovered_when_health_and_risk_are_out_of_alarm() -> None:
    (alert,) = alerts(BETTER, account=WELL)
    assert alert.is_good_news
    assert (alert.rule, alert.severity) == ("recovered", "info")
    assert alert.news == "Recovered: health is 71 (neutral), churn risk is low"
    assert alerts(BETTER, account=WELL, alarming={"health_band"}) == []


def test_an_account_that_also_got_worse_has_not_recovered() -> None:
    (alert,) = alerts(BETTER, FALL, account=WELL)
    assert (alert.rule, alert.is_good_news) == ("health_band", False)


def test_the_end_of_another_alarm_is_no_news() -> None:
    assert alerts(Change("usage_halved", Kind.left, "raised", "calm", since=DAY)) == []


def test_a_renewal_that_has_passed_is_good_news_and_one_whose_health_rose_is_none() -> None:
    passed = Change("renewal", Kind.left, "raised", "calm", since=DAY)
    (alert,) = alerts(passed, account=replace(WELL, days_to_renewal=360))
    assert (alert.rule, alert.news) == ("renewed", "Renewed; the next renewal is in 360 days")
    assert alerts(passed, account=replace(WELL, days_to_renewal=20)) == []


# -- which accounts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"mrr_from": 900}, 1),
        ({"mrr_from": 901}, 0),
        ({"segments": ["smb", "enterprise"]}, 1),
        ({"segments": ["enterprise"]}, 0),
        ({"tiers": ["strategic"]}, 0),
        ({"owners": ["Lena Fischer"]}, 1),
        ({"regions": ["emea"]}, 0),  # its region is unknown
        ({"is_on": False}, 0),
    ],
)
def test_a_rule_reports_the_accounts_of_its_filter(given: dict[str, object], count: int) -> None:
    assert len(alerts(RISE, company=with_rule("risk_level", **given))) == count


def test_the_next_step_is_that_of_the_attention_list() -> None:
    listed = replace(ADA, attention=Attention(1, "Call the account", "Customer Success Manager", 1))
    (alert,) = alerts(RISE, account=listed)
    assert alert.next_step == "Call the account (Customer Success Manager, within 1 day)"


def test_the_next_step_of_an_account_that_is_not_on_the_list_is_that_of_the_rule() -> None:
    breach = Change("sla_breach", Kind.happened, None, "t1", since=DAY, sentence="A p1 ticket passed its target")
    (alert,) = alerts(breach)
    assert alert.next_step == "Tell the account when its ticket will be solved"
    listed = replace(ADA, attention=Attention(1, "Call the account", "Customer Success Manager", 2))
    (alert,) = alerts(breach, account=listed)
    assert alert.next_step == "Call the account (Customer Success Manager, within 2 days)"


def test_the_same_change_on_the_same_day_has_the_same_id() -> None:
    (one,) = alerts(RISE)
    (renamed,) = alerts(RISE, account=replace(ADA, name="Renamed", mrr=1.0))
    assert AccountAlert.from_json(one.to_json()) == one
    assert one.id == renamed.id
    assert len({one.id, replace(one, as_of_date=date(2025, 2, 1)).id, replace(one, before="low").id}) == 3


# -- an account is not reported every other day -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "severity_before", "is_reported"),
    [
        (FALL, "warning", False),
        (FALL, "critical", False),
        (RISE, "warning", True),
        (RISE, "critical", False),
        (replace(RISE, kind=Kind.worsened, now="critical"), "critical", True),
        (Change("incident", Kind.happened, None, "i1", since=DAY, sentence="Incident"), "critical", True),
        (Change("detractor", Kind.happened, None, "f1", since=DAY, sentence="NPS"), "warning", False),
    ],
)
def test_within_the_cool_down_of_an_account_only_graver_news_is_reported(
    change: Change, severity_before: str, *, is_reported: bool
) -> None:
    last = {"A1": (date(2025, 1, 25), severity_before)}
    assert (not_repeated(alerts(change), last, 7) != []) == is_reported
    assert not_repeated(alerts(change), last, 6) != []
