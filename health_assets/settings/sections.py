"""The sections of the settings: what is counted, and its limits.

Sections with a file of their own: source.py, support.py, engagement.py, risk.py, scorecard.py.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from health_assets.settings.source import Section

Positive = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Word = Annotated[str, AfterValidator(lambda word: word.strip().lower())]  # of a company's files, which are lower-cased

LOWER = BeforeValidator(lambda word: word.strip().lower() if isinstance(word, str) else word)


class Revenue(Section):
    """How recurring revenue is read."""

    basis: Literal["contract", "paid_invoices"]
    churn_gap_days: Annotated[int, Field(ge=0)]
    allowed_gap_months: Annotated[int, Field(ge=0)]
    one_day_period_months: Annotated[int, Field(gt=0)]
    invoice_due_days: Annotated[int, Field(ge=0)]


class ChurnedAccounts(Section):
    """Which dimensions count as reasons of an account that has churned."""

    weak_below: Annotated[float, Field(ge=0, le=100)]


class RenewalForecast(Section):
    """How far ahead renewals are forecast, and at which rate they are expected to renew."""

    horizon_days: Annotated[int, Field(gt=0)]
    rate: Literal["observed", "risk_level"]
    rate_by_risk_level: dict[Literal["critical", "high", "medium", "low", "unknown"], Fraction]


class Segment(Section):
    """Which accounts belong to a segment: by plan tier (in any case), or by size."""

    tiers: list[Word]
    employees_above: int

    @field_validator("tiers")
    @classmethod
    def _lower_case_as_staged(cls, tiers: list[str]) -> list[str]:
        return [tier.strip().lower() for tier in tiers]


class Lifecycle(Section):
    """Tenure in days up to which an account counts as onboarding, then growing, then mature."""

    onboarding_days: int
    growing_days: int


class Security(Section):
    """Minutes to respond, by severity; a severity that is not named has no target."""

    sla_minutes: dict[Annotated[Literal["low", "medium", "high", "critical"], LOWER], Positive]


class Satisfaction(Section):
    """Which answers to the question of recommendation make a promoter and a detractor."""

    promoter_from: float
    detractor_up_to: float


class Expansion(Section):
    """From what health and share of licenses in use on an account could grow."""

    health_from: float
    license_utilization_from: Fraction


class SuccessWeights(Section):
    """What the composite success score is made of."""

    health_score: Weight
    avg_engagement_score: Weight
    device_health_avg: Weight


class LifetimeValue(Section):
    """Segments of accounts by what they have brought, and from which tenure on they count."""

    segments: dict[Literal["high", "medium", "low"], float]
    min_tenure_months: Annotated[int, Field(ge=0)]


class Devices(Section):
    """Which devices are active, and the points that their health score loses."""

    active_statuses: list[Word]
    points_per_error_reading: Weight
    points_for_maintenance: Weight


class CommerceFlagLimits(Section):
    """Late payments to date, and tickets in 90 days, from which on an account of a shop is flagged."""

    late_payments: Annotated[int, Field(gt=0)]
    tickets_90d: Annotated[int, Field(gt=0)]


class Commerce(Section):
    """How the buyers of a shop are grouped."""

    value_shares: dict[Annotated[Literal["high", "medium"], LOWER], Fraction]
    concentration_share: Fraction
    rfm_groups: Annotated[int, Field(gt=0)]
    age_groups: dict[str, Annotated[int, Field(ge=0)]]
    flags: CommerceFlagLimits

    @field_validator("age_groups")
    @classmethod
    def _every_age_has_a_group(cls, age_groups: dict[str, int]) -> dict[str, int]:
        if min(age_groups.values(), default=1) > 0:
            raise ValueError("the youngest group must start at 0, so that `unknown` means that the age is not known")
        return age_groups


class UnitValues(Section):
    """What an item is worth to the account: that it is processed, that its data are sound, that it is not denied."""

    throughput: Weight
    quality: Weight
    outcome: Weight


class UnitCosts(Section):
    """What it costs to repair an item with faulty data, one that was denied, one that failed."""

    data_error: Weight
    denied: Weight
    failed: Weight


class WorkflowFlags(Section):
    """How far from the month before is a warning: as a share of it, or in points of a rate."""

    volume_below: Weight
    minutes_above: Weight
    data_error_rise: Fraction
    denial_rise: Fraction


class Workflow(Section):
    """How the accounts' workflow is valued and watched."""

    unit_values: UnitValues
    unit_costs: UnitCosts
    flags: WorkflowFlags
    at_risk_from: Annotated[int, Field(ge=1, le=4)]


class Maintenance(Section):
    """How the product is run."""

    keep_history_days: Annotated[int, Field(gt=0)]
    files_settle_seconds: Annotated[int, Field(ge=0)] | None
    catch_up_days: Annotated[int, Field(gt=0)]
    free_disk_gb: Positive
    snapshot_max_age_days: Annotated[int, Field(gt=0)]
    keep_alerts_days: Annotated[int, Field(gt=0)]
    keep_alert_history_days: Annotated[int, Field(gt=0)] | None
    keep_raw_months: Annotated[int, Field(ge=6)] | None
    keep_quarantine_months: Annotated[int, Field(gt=0)] | None
    keep_snapshots: Annotated[int, Field(gt=0)]


class Erasure(Section):
    """What stays of an account or user that is erased."""

    closed_months: Literal["keep", "remove"]
    min_searched_characters: Annotated[int, Field(ge=3)]


class Backtest(Section):
    """Which past scores are compared with which churn, and how certain the result must be."""

    lead_days: Annotated[int, Field(ge=0)]
    horizon_days: Annotated[int, Field(gt=0)]
    history_days: Annotated[int, Field(ge=0)]
    order_days: Annotated[int, Field(gt=0)]
    top_share: Annotated[float, Field(gt=0, le=1)]
    min_churned: int
    resamples: Annotated[int, Field(gt=0)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    seed: int


class ChurnModel(Section):
    """What the probability of leaving is learned from, and how much of it there must be."""

    min_churned: Annotated[int, Field(gt=0)]
    min_measured: Fraction
    penalty: Positive
    groups: Annotated[int, Field(gt=1)]
    test_days: Annotated[int, Field(gt=0)]
    shown_from_skill: Annotated[float, Field(ge=0, le=1)]
    features: Annotated[list[str], Field(min_length=1)]


class Plausibility(Section):
    """What raises a warning about the data, or stops a run."""

    volume_drop: Fraction
    volume_weeks: Annotated[int, Field(gt=0)]
    rows_kept: Fraction
    volume_stop: Fraction
    unit_change: Annotated[float, Field(gt=1)]
    min_rows: Annotated[int, Field(gt=0)]
    keys_gone: Fraction
    min_keys_gone: Annotated[int, Field(gt=0)]
    money_gone: Fraction
    filled_drop: Fraction
    values_changed: Fraction
    before_signup: Fraction
    one_account_rows: Annotated[int, Field(gt=0)]
    ends_before_anniversary: Fraction
    ended_without_price: Annotated[int, Field(gt=0)]
    copied_rows: Fraction
    words_of_a_column: Annotated[int, Field(gt=0)]
    undeclared_lines: Fraction
    ratings_without_top: Annotated[int, Field(gt=0)]


class Dashboard(Section):
    """Who sees which accounts on the dashboard, by a header that a proxy sets; without one, whoever reaches it sees all."""

    viewer_header: str | None
    viewers: dict[str, str]
