"""A company's settings laid over defaults.yml, typed, frozen and refused whole when one key is wrong.

No number stands here: each has its place in defaults.yml under the field's own name.
"""

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

SETTINGS_VARIABLE = "HEALTH_ASSETS_SETTINGS"
POINTS = "points"  # risk levels by the score's points, not by a named rule set
DEFAULTS = Path(__file__).with_name("defaults.yml")
Positive = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class SettingsError(Exception):
    """The settings cannot be used; the message names the place and the remedy."""


class Section(BaseModel):
    """A part of the settings: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Section):
    """Where the rows of one source lie and how this company spells them."""

    path: str | list[str]
    columns: dict[str, str] = {}  # theirs -> ours
    values: dict[str, dict[str, str]] = {}  # our column -> their value -> ours
    defaults: dict[str, str | int | float | bool] = {}  # for columns that the file lacks or leaves blank
    date_format: str | None = None
    unit: dict[str, Literal["s", "ms", "us", "minor"]] = {}  # epoch columns, amounts in minor currency units
    scale: dict[str, tuple[float, float]] = {}  # their range, brought linearly to the contract's
    keys: dict[str, dict[Literal["match", "replace"], str]] = {}  # spelling of keys, by regular expression
    delimiter: str = ","
    encoding: Literal["utf8", "latin-1", "windows-1252"] = "utf8"

    @field_validator("defaults")
    @classmethod
    def _as_the_file_would_spell_it(cls, defaults: dict[str, Any]) -> dict[str, str]:
        return {
            column: str(value).lower() if isinstance(value, bool) else str(value) for column, value in defaults.items()
        }


class Revenue(Section):
    """How recurring revenue is read."""

    basis: Literal["contract", "paid_invoices"]
    churn_gap_days: Annotated[int, Field(ge=0)]
    allowed_gap_months: Annotated[int, Field(ge=0)]
    invoice_due_days: Annotated[int, Field(ge=0)]


class Segment(Section):
    """Which accounts belong to a segment: by plan tier, or by size."""

    tiers: list[str]
    employees_above: int


class Lifecycle(Section):
    """Tenure in days up to which an account counts as onboarding, then growing, then mature."""

    onboarding_days: int
    growing_days: int


class Support(Section):
    """Targets and cut-offs of the help desk."""

    sla_hours: dict[str, Positive]
    speed: dict[str, Positive]
    satisfied_from: float
    neutral_from: float
    mean_hours: dict[str, Positive]


class Security(Section):
    """Minutes to respond that are promised, by severity; a severity that is not named has no target."""

    sla_minutes: dict[Literal["low", "medium", "high", "critical"], Positive]


class Satisfaction(Section):
    """Which answers to the question of recommendation make a promoter and a detractor."""

    promoter_from: float
    detractor_up_to: float


class Expansion(Section):
    """From what health and share of licenses in use on an account could grow."""

    health_from: float
    license_utilization_from: Fraction


class PowerDay(Section):
    """From how many events and features on a day counts as a day of power usage."""

    events: int
    features: int


class EngagementScore(Section):
    """Weights of what a user does in 30 days, the hours that count at most, and the sum that makes 100."""

    sessions: Weight
    events: Weight
    features: Weight
    categories: Weight
    active_hours: Weight
    active_hours_up_to: Positive
    full_at: Positive


class UserTier(Section):
    """What a user must reach in 30 days to be in a tier."""

    sessions: int
    features: int = 0
    categories: int = 0


class Engagement(Section):
    """How product usage is read."""

    session_gap_minutes: Annotated[int, Field(gt=0)]
    power_day: PowerDay
    score: EngagementScore
    user_tiers: dict[Literal["power", "regular", "casual", "light"], UserTier]
    retention_impact_accounts: Annotated[int, Field(gt=0)]
    event_categories: dict[str, list[str]]


class SuccessWeights(Section):
    """What the composite success score is made of."""

    health_score: Weight
    avg_engagement_score: Weight
    device_health_avg: Weight


class LifetimeValue(Section):
    """Segments of accounts by what they have brought, and from which tenure on they are judged."""

    segments: dict[Literal["high", "medium", "low"], float]
    min_tenure_months: Annotated[int, Field(ge=0)]


class Devices(Section):
    """Which devices count, and what their health score loses."""

    active_statuses: list[str]
    points_per_error_reading: Weight
    points_for_maintenance: Weight


class HighRisk(Section):
    """From how many late payments to date, or tickets in 90 days, an account is at high risk."""

    late_payments: Annotated[int, Field(gt=0)]
    tickets_90d: Annotated[int, Field(gt=0)]


class Commerce(Section):
    """How the buyers of a shop are grouped."""

    value_shares: dict[Literal["high", "medium"], Fraction]
    concentration_share: Fraction
    rfm_groups: Annotated[int, Field(gt=0)]
    age_groups: dict[str, Annotated[int, Field(ge=0)]]
    high_risk: HighRisk

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


class Factor(Section):
    """Points of a churn factor and what raises it."""

    points: Weight
    threshold: float
    late_payments: int | None = None
    score_below: float | None = None
    nps_at_most: float | None = None


class LevelRule(Section):
    """Conditions of a risk level, of which one suffices: health, usage against the 30 days before, tickets, months."""

    health_below: float | None = None
    usage_ratio_below: Positive | None = None
    escalations_from: Annotated[int, Field(gt=0)] | None = None
    contractions_from: Annotated[int, Field(gt=0)] | None = None


class ChurnRisk(Section):
    """The additive churn risk score, and what its levels follow."""

    max_score: Positive
    min_coverage: Fraction
    levels: dict[str, float]
    watch_list_from: float
    rules: str
    rule_sets: dict[str, dict[Literal["critical", "high", "medium"], LevelRule]]
    factors: dict[str, Factor]

    @field_validator("rule_sets")
    @classmethod
    def _worst_level_first(cls, rule_sets: dict[str, dict[Any, LevelRule]]) -> dict[str, dict[Any, LevelRule]]:
        worst_first = ("critical", "high", "medium")
        return {
            name: {level: rules[level] for level in worst_first if level in rules} for name, rules in rule_sets.items()
        }

    @model_validator(mode="after")
    def _rules_exist(self) -> "ChurnRisk":
        known = [POINTS, *self.rule_sets]
        if self.rules not in known:
            raise ValueError(f"rules: {self.rules!r} is no rule set{_near(self.rules, known)}")
        return self


class Operations(Section):
    """How the product is run."""

    keep_history_days: Annotated[int, Field(gt=0)]
    catch_up_days: Annotated[int, Field(gt=0)]
    free_disk_gb: Positive
    snapshot_max_age_days: Annotated[int, Field(gt=0)]


class Backtest(Section):
    """Which past scores are judged by which churn, and how sure one must be."""

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
    features: Annotated[list[str], Field(min_length=1)]


class Plausibility(Section):
    """What raises a warning about the data, or stops a run."""

    volume_drop: Fraction
    volume_weeks: Annotated[int, Field(gt=0)]
    volume_stop: Fraction
    unit_change: Annotated[float, Field(gt=1)]
    min_rows: Annotated[int, Field(gt=0)]


class Step(Section):
    """Score of the first condition that holds; the condition is SQL over the signals."""

    when: str
    score: Annotated[float, Field(ge=0, le=100)]


class Measure(Section):
    """One signal turned into 0-100."""

    metric: str
    weight: Weight
    method: Literal["linear", "steps", "quartile", "formula"]
    worst: float | None = None
    best: float | None = None
    steps: list[Step] = []
    missing: float | None = None
    formula: str = ""  # SQL over the signals

    @model_validator(mode="after")
    def _method_has_what_it_needs(self) -> "Measure":
        if self.method == "linear" and (self.worst is None or self.best is None or self.worst == self.best):
            raise ValueError("a linear measure needs `worst` and `best`, and they must differ")
        if self.method == "steps" and not self.steps:
            raise ValueError("a steps measure needs `steps`: a list of {when, score}")
        if (self.method == "formula") != bool(self.formula):
            raise ValueError("a `formula` (SQL over the signals) belongs to a measure with `method: formula`")
        return self


DimensionName = Literal[
    "usage",
    "adoption",
    "support",
    "revenue",
    "engagement",
    "satisfaction",
    "security",
    "operations",
    "commerce",
    "relationship",
]


class Dimension(Section):
    """A side of health, e.g. support: measures with weights."""

    weight: Weight
    measures: Annotated[dict[str, Measure], Field(min_length=1)]

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> "Dimension":
        return _summing_to_one(self, {name: measure.weight for name, measure in self.measures.items()})


class Scorecard(Section):
    """Dimensions -> score -> band, for the accounts that its filter names."""

    description: str = ""
    accounts: str = "is_scored"
    min_coverage: Fraction
    decimals: int | None = None
    bands: Annotated[dict[str, float], Field(min_length=2)]  # band -> the score from which it holds
    band_floor: Literal["reached", "exceeded"] = "reached"  # whether a score right on a floor belongs to that band
    dimensions: Annotated[dict[DimensionName, Dimension], Field(min_length=1)]

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> "Scorecard":
        return _summing_to_one(self, {name: dimension.weight for name, dimension in self.dimensions.items()})

    @field_validator("bands")
    @classmethod
    def _best_band_first(cls, bands: dict[str, float]) -> dict[str, float]:
        ordered = dict(sorted(bands.items(), key=lambda band: -band[1]))
        if min(ordered.values()) > 0:
            raise ValueError("the lowest band must start at 0, so that every score has a band")
        return ordered

    @cached_property
    def version(self) -> str:
        """Hash of everything that can change a score, so that a change of weights is seen as such in the history."""
        return hashlib.sha256(self.model_dump_json(exclude={"description"}).encode()).hexdigest()[:12]


class ScorecardFor(Section):
    """A scorecard and the accounts that it is for: SQL over the columns of dim.account."""

    scorecard: str
    accounts: str


def _summing_to_one(section: Any, weights: dict[str, float]) -> Any:
    total = sum(weights.values())
    if abs(total - 1) > 1e-9:
        raise ValueError(
            f"weights must sum to 1, not {total:g} ({', '.join(f'{k} {v:g}' for k, v in weights.items())})"
        )
    return section


def _day(value: Any) -> Any:
    """A day as YAML gives it, or its ISO form; a time of day would be ambiguous and is refused."""
    if isinstance(value, datetime):
        raise ValueError("give a day such as 2025-01-31, without a time")
    return value


class Settings(Section):
    """Everything that a company can decide; see defaults.yml."""

    company: str
    timezone: str
    as_of: Annotated[date | None, BeforeValidator(_day)]
    history_start: Annotated[date, BeforeValidator(_day)]
    warehouse: Path
    published: Path
    reporting_currency: str
    fx_rates: dict[str, Positive]
    scorecard: str
    scorecards_for: list[ScorecardFor]
    sources: dict[str, Source]
    revenue: Revenue
    segments: dict[Literal["enterprise", "mid_market"], Segment]
    lifecycle: Lifecycle
    value_tiers: dict[Literal["strategic", "key", "standard"], float]
    support: Support
    security: Security
    satisfaction: Satisfaction
    expansion: Expansion
    engagement: Engagement
    success_weights: SuccessWeights
    lifetime_value: LifetimeValue
    devices: Devices
    commerce: Commerce
    workflow: Workflow
    stale_after_days: dict[str, Annotated[int, Field(gt=0)]]
    churn_risk: ChurnRisk
    renewal_windows_days: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]
    operations: Operations
    backtest: Backtest
    churn_model: ChurnModel
    plausibility: Plausibility
    scorecards: dict[str, Scorecard]

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{timezone!r} is not a time zone; use an IANA name such as Europe/Berlin") from None
        return timezone

    @field_validator("history_start")
    @classmethod
    def _first_of_month(cls, history_start: date) -> date:
        return history_start.replace(day=1)

    @model_validator(mode="after")
    def _scorecards_exist(self) -> "Settings":
        named = {"scorecard": self.scorecard} | {
            f"scorecards_for.{place}.scorecard": choice.scorecard for place, choice in enumerate(self.scorecards_for)
        }
        for place, name in named.items():
            if name not in self.scorecards:
                raise ValueError(f"{place}: {name!r} is not among the scorecards{_near(name, self.scorecards)}")
        return self

    @property
    def load_day(self) -> date:
        """The day for which columns without a date of their own (CRM status, invoice status) are known.

        The settings' as_of, for files that end on a known day; else yesterday in the company's time zone.
        """
        return self.as_of or (datetime.now(ZoneInfo(self.timezone)) - timedelta(days=1)).date()

    def fingerprint(self, *sections: str) -> str:
        """Hash of the named sections: what has to be computed anew when they change."""
        chosen = json.dumps(self.model_dump(mode="json", include=set(sections)), sort_keys=True)
        return hashlib.sha256(chosen.encode()).hexdigest()[:12]


def load(file: str | Path | None = None) -> Settings:
    """The defaults with a company's file laid over them.

    Args:
        file: the company's settings; without it the file that HEALTH_ASSETS_SETTINGS names, else the defaults alone.

    Raises:
        SettingsError: one message with every wrong place, and what to do about it.
    """
    path = Path(file or os.environ.get(SETTINGS_VARIABLE) or DEFAULTS)
    given = _read(path)
    if "extends" in given:
        raise SettingsError(f"{path}: `extends` is not a setting; every file is laid over the defaults")
    try:
        settings = Settings.model_validate(_laid_over(_read(DEFAULTS), given))
    except ValidationError as error:
        raise SettingsError(_in_words(path, error)) from None
    base = path.parent if path != DEFAULTS else Path.cwd()
    return settings.model_copy(
        update={
            "warehouse": (base / settings.warehouse).resolve(),
            "published": Path(os.path.abspath(base / settings.published)),
            "sources": {name: _located(source, base) for name, source in settings.sources.items()},
        }
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such settings file; give the path with --settings") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None
    if content is not None and not isinstance(content, dict):
        raise SettingsError(f"{path}: must hold settings as `name: value`, not {type(content).__name__}")
    return content or {}


_WHOLE = {
    "scorecards",
    "bands",
    "sla_hours",
    "sla_minutes",
    "event_categories",
    "value_tiers",
    "age_groups",
}  # replaced whole, never key by key


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if key == "scorecards" and isinstance(value, dict):
            merged[key] = {**below.get(key, {}), **value}
        elif isinstance(value, dict) and isinstance(merged.get(key), dict) and key not in _WHOLE:
            merged[key] = _laid_over(merged[key], value)
        else:
            merged[key] = value
    return merged


def _located(source: Source, base: Path) -> Source:
    paths = [source.path] if isinstance(source.path, str) else source.path
    return source.model_copy(update={"path": [path if "://" in path else str(base / path) for path in paths]})


def _in_words(path: Path, error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"]) or "settings"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"is not a setting{_near(str(problem['loc'][-1]), _names_beside(problem['loc']))}"
        elif problem["type"] == "missing":
            message = "is missing"
        elif "input" in problem and not isinstance(problem["input"], dict | list):
            message = f"{message}, got {problem['input']!r}"
        lines.append(f"  {place}: {message}")
    return f"{path}: the settings cannot be used\n" + "\n".join(lines)


def _names_beside(place: tuple[Any, ...]) -> list[str]:
    """The names that the settings know at the level of a wrong key."""
    model: Any = Settings
    for part in place[:-1]:
        fields = getattr(model, "model_fields", {})
        annotation = fields[part].annotation if part in fields else model
        inner = [kind for kind in getattr(annotation, "__args__", (annotation,)) if hasattr(kind, "model_fields")]
        model = inner[-1] if inner else annotation
    return list(getattr(model, "model_fields", {}))


def _near(word: str, words: Any) -> str:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(words)}" if words else ""
