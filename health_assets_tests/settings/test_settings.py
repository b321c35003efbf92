"""A company's settings: merged over the defaults, rejected as a whole with every wrong place named."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from health_assets import settings
from health_assets.scoring.scorecard_names import check_factors


def settings_of(folder: Path, text: str) -> settings.Settings:
    file = folder / "settings.yml"
    file.write_text(text, encoding="utf-8")
    return settings.load(file)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(settings.SettingsError) as refusal:
        settings_of(folder, text)
    return str(refusal.value)


def test_defaults_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.SETTINGS_VARIABLE, raising=False)
    defaults = settings.load()
    assert defaults.scorecard == "standard"
    assert defaults.scorecards["standard"].low_bands == ["at_risk", "critical"]


def test_what_a_company_gives_is_laid_over_the_defaults_key_by_key(tmp_path: Path) -> None:
    company = settings_of(tmp_path, "lifecycle: {onboarding_days: 30}")
    assert (company.lifecycle.onboarding_days, company.lifecycle.growing_days) == (30, 365)


@pytest.mark.parametrize(
    "given",
    ["support: {speed: {quick: 1}}", "support: {hours: sometimes}", "support: {sla_hours: {urgent: 2}}"],
)
def test_words_of_support_that_do_not_exist_are_rejected(tmp_path: Path, given: str) -> None:
    with pytest.raises(settings.SettingsError, match=r"Input should be"):
        settings_of(tmp_path, given)


def test_words_of_support_are_read_in_any_case(tmp_path: Path) -> None:
    support = settings_of(
        tmp_path, "support: {hours: Business, speed: {FAST: 0.25}, business_hours: {days: [Mon]}}"
    ).support
    assert (support.hours, support.speed["fast"], support.business_hours.days) == ("business", 0.25, ["mon"])


def test_business_hours_may_be_absent_unless_they_count(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "support: {business_hours: null}").support.business_hours is None
    with pytest.raises(settings.SettingsError, match=r"`hours: business` needs `business_hours`"):
        settings_of(tmp_path, "support: {hours: business, business_hours: null}")


def test_targets_are_replaced_whole(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "support: {sla_hours: {P1: 2}}").support.sla_hours == {"p1": 2}


def test_a_scorecard_is_added_next_to_those_that_exist(tmp_path: Path) -> None:
    standard = yaml.safe_load(settings.DEFAULTS.read_text())["scorecards"]["standard"]
    company = settings_of(tmp_path, yaml.safe_dump({"scorecards": {"own": standard}, "scorecard": "own"}))
    assert {"own", "standard", "novacrm"} <= set(company.scorecards)


def test_file_named_by_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "company.yml").write_text("company: Acme")
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(tmp_path / "company.yml"))
    assert settings.load().company == "Acme"


def test_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    company = settings_of(tmp_path, "warehouse: w.duckdb\nsources: {accounts: {path: exports/accounts.csv}}")
    assert company.warehouse == tmp_path / "w.duckdb"
    assert company.sources["accounts"].path == [str(tmp_path / "exports" / "accounts.csv")]


def test_load_day_is_the_as_of_of_the_settings(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "as_of: 2025-01-31").load_day == date(2025, 1, 31)


def test_misspelt_key_is_rejected_with_a_suggestion(tmp_path: Path) -> None:
    message = refused(tmp_path, "time_zone: UTC")
    assert "settings.yml" in message
    assert "time_zone: is not a setting; did you mean 'timezone'?" in message


def test_every_wrong_place_is_named_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, "timezone: Mars/Olympus\nas_of: soon\nchurn_risk: {min_coverage: 2}")
    assert [place for place in ("timezone", "as_of", "churn_risk.min_coverage") if f"{place}: " not in message] == []


def test_as_of_with_a_time_of_day_is_rejected(tmp_path: Path) -> None:
    assert "without a time" in refused(tmp_path, "as_of: 2025-01-31 12:00:00")


def test_unknown_scorecard_is_rejected_with_a_suggestion(tmp_path: Path) -> None:
    assert "did you mean 'novacrm'?" in refused(tmp_path, "scorecard: novacmr")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dimensions.usage.weight": 0}, "greater than 0"),
        ({"bands": {"good": 50, "bad": 10}}, "the lowest band must start at 0"),
        ({"bands": {"all": 0}}, "at least 2"),
        (
            {"dimensions.usage.measures.recency.best": 30},
            "a linear measure needs `worst` and `best`",
        ),
        ({"dimensions.usage.measures.recency.method": "steps"}, "a steps measure needs `steps`"),
    ],
    ids=["weights", "lowest band", "one band", "worst is best", "no steps"],
)
def test_scorecard_that_cannot_score_is_rejected(tmp_path: Path, change: dict[str, object], said: str) -> None:
    scorecard = yaml.safe_load(settings.DEFAULTS.read_text())["scorecards"]["standard"]
    for place, value in change.items():
        *parents, last = place.split(".")
        section = scorecard
        for parent in parents:
            section = section[parent]
        section[last] = value
    assert said in refused(tmp_path, yaml.safe_dump({"scorecards": {"standard": scorecard}}))


def test_scorecard_version_changes_with_a_weight_and_not_with_its_description(tmp_path: Path) -> None:
    standard = settings.load(settings.DEFAULTS).scorecards["standard"]
    assert standard.model_copy(update={"description": "other"}).version == standard.version
    changed = yaml.safe_load(settings.DEFAULTS.read_text())["scorecards"]["standard"] | {"min_coverage": 0.4}
    assert settings.Scorecard.model_validate(changed).version != standard.version


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [", "is not valid YAML"),
        (b"- a", "must hold settings as"),
        (b"\xff\xfe\xff", "cannot be read"),
        (b"as_of: 2025-02-30\n", "holds a date that does not exist"),
    ],
    ids=["broken", "list", "binary", "30 February"],
)
def test_unreadable_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "settings.yml").write_bytes(content)
    with pytest.raises(settings.SettingsError, match=r"settings\.yml") as refusal:
        settings.load(tmp_path / "settings.yml")
    assert said in str(refusal.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=r"nowhere\.yml: there is no such settings file"):
        settings.load(tmp_path / "nowhere.yml")


def test_unknown_rule_set_of_risk_levels_is_rejected_with_a_suggestion(tmp_path: Path) -> None:
    said = refused(tmp_path, "churn_risk: {rules: novacrn}")
    assert "churn_risk: rules: 'novacrn' is not a rule set; did you mean 'novacrm'?" in said


def test_risk_levels_are_those_that_there_are_and_the_worse_begin_higher(tmp_path: Path) -> None:
    said = refused(tmp_path, "churn_risk: {levels: {hihg: 50}}")
    assert "churn_risk.levels: 'hihg' is not a risk level; did you mean 'high'?" in said
    assert "must begin the higher the worse they are" in refused(tmp_path, "churn_risk: {levels: {high: 90}}")


def test_factor_that_nothing_is_known_of_is_rejected(tmp_path: Path) -> None:
    company = settings_of(tmp_path, "churn_risk: {factors: {suspendet: {points: 1, threshold: 1}}}")
    with pytest.raises(settings.SettingsError, match="'suspendet' is not a factor; did you mean 'suspended'"):
        check_factors(company, set())


def test_own_factor_or_rule_names_a_signal_that_exists(tmp_path: Path) -> None:
    own = "{points: 5, threshold: 2, metric: owner_ratin}"
    text = f"churn_risk: {{factors: {{unhappy: {own}}}, rule_sets: {{ours: {{high: {{when: nps < 3}}}}}}}}"
    with pytest.raises(settings.SettingsError) as refusal:
        check_factors(settings_of(tmp_path, text), {"owner_rating", "nps_rating"})
    said = str(refusal.value)
    assert "factors.unhappy.metric: no table has a signal 'owner_ratin'; did you mean 'owner_rating'?" in said
    assert "rule_sets.ours.high.when: no table has a signal 'nps'" in said


def test_any_name_may_be_a_metric_of_account_metrics_but_a_misspelt_signal(tmp_path: Path) -> None:
    sources = "sources: {account_metrics: {path: own.csv}}"
    own = "churn_risk: {factors: {unhappy: {points: 5, threshold: 2, metric: %s}}}\n" + sources
    check_factors(settings_of(tmp_path, own % "seats_in_use"), {"owner_rating"})
    with pytest.raises(settings.SettingsError, match="did you mean 'owner_rating'"):
        check_factors(settings_of(tmp_path, own % "owner_ratingg"), {"owner_rating"})


def test_what_was_given_is_said_once(tmp_path: Path) -> None:
    assert refused(tmp_path, "timezone: Europe/Berln").count("Europe/Berln") == 1


def test_rule_set_of_a_company_is_read_worst_level_first(tmp_path: Path) -> None:
    company = settings_of(tmp_path, "churn_risk: {rules: ours, rule_sets: {ours: {medium: {}, critical: {}}}}")
    assert list(company.churn_risk.rule_sets["ours"]) == ["critical", "medium"]


def test_words_of_a_companys_files_match_in_any_case(tmp_path: Path) -> None:
    company = settings_of(
        tmp_path,
        "devices: {active_statuses: [ Online ]}\n"
        "segments: {mid_market: {tiers: [Growth]}}\n"
        "engagement: {event_categories: {Sales: [Deal_Updated, deal_updated]}}",
    )
    assert company.devices.active_statuses == ["online"]
    assert company.segments["mid_market"].tiers == ["growth"]
    assert company.engagement.event_categories == {"sales": ["deal_updated"]}


def test_event_in_two_categories_is_rejected(tmp_path: Path) -> None:
    said = refused(tmp_path, "engagement: {event_categories: {sales: [call], service: [Call]}}")
    assert "engagement.event_categories: event 'call' is in 'sales' and in 'service'; keep one" in said


@pytest.mark.parametrize("given", ["fx_rates: {EURO: 1.1}", "reporting_currency: eur"])
def test_code_that_is_no_currency_is_refused_with_the_one_that_is_meant(tmp_path: Path, given: str) -> None:
    said = refused(tmp_path, given)
    assert "is not a currency; use the three letters of ISO 4217, such as EUR or USD; did you mean 'EUR'?" in said
