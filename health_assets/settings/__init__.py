"""A company's settings merged over defaults.yml: typed, frozen, and rejected as a whole if one key is wrong.

No number is set here: each is in defaults.yml under the name of its field.
"""

import copy
import hashlib
import json
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, field_validator, model_validator

from health_assets.settings.alerts import Alerts, Links, Person
from health_assets.settings.answers import is_sql_file, with_answers_in
from health_assets.settings.currencies import Currency
from health_assets.settings.engagement import Engagement
from health_assets.settings.files import SettingsError as SettingsError
from health_assets.settings.files import laid_over, read_settings
from health_assets.settings.notes import with_notes
from health_assets.settings.overwritten import overwritten
from health_assets.settings.pull import Pull, check_presets, with_pulled
from health_assets.settings.risk import Attention, AttentionLevel, ChurnRisk, Play
from health_assets.settings.scorecard import Scorecard, ScorecardFor
from health_assets.settings.sections import (
    Backtest,
    ChurnedAccounts,
    ChurnModel,
    Commerce,
    Dashboard,
    Devices,
    Erasure,
    Expansion,
    Lifecycle,
    LifetimeValue,
    Maintenance,
    Plausibility,
    Positive,
    RenewalForecast,
    Revenue,
    Satisfaction,
    Security,
    Segment,
    SuccessWeights,
    Workflow,
)
from health_assets.settings.source import NOT_SHOWN, Description, IdMap, Section, Source, TimeZone, one_description
from health_assets.settings.suggestions import did_you_mean
from health_assets.settings.support import Support
from health_assets.settings.write_back import WriteBack

SETTINGS_VARIABLE = "HEALTH_ASSETS_SETTINGS"
FIRST_YEAR = 1990  # of a history, since each of its months is computed
DEFAULTS = Path(__file__).parents[1] / "defaults.yml"


def _day(value: Any) -> Any:
    """A day as YAML gives it, or its ISO form; a time of day would be ambiguous and is rejected."""
    if isinstance(value, datetime):
        raise ValueError("give a day such as 2025-01-31, without a time")
    return value


class Settings(Section):
    """Everything that a company can decide; see defaults.yml."""

    company: str
    timezone: TimeZone
    as_of: Annotated[date | None, BeforeValidator(_day)]
    history_start: Annotated[date, BeforeValidator(_day)]
    warehouse: Path
    published: Path
    notes: Path
    reporting_currency: Currency
    fx_rates: dict[Currency, Positive]
    scorecard: str
    scorecards_for: list[ScorecardFor]
    min_events: Annotated[int, Field(gt=0)]
    sources: dict[str, Annotated[Source, BeforeValidator(one_description)]]
    id_map: IdMap | None = None  # keys of the accounts in other systems
    pull: Pull
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
    attention: Attention
    playbook: dict[AttentionLevel, dict[Literal["strategic", "key", "standard", "basic", "any"], Play]]
    playbook_by_factor: dict[str, Play | None]
    alerts: Alerts
    links: Links
    write_back: WriteBack
    people: dict[str, Person]
    churned_accounts: ChurnedAccounts
    renewal_forecast: RenewalForecast
    renewal_windows_days: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]
    dashboard: Dashboard
    maintenance: Maintenance
    erasure: Erasure
    backtest: Backtest
    churn_model: ChurnModel
    plausibility: Plausibility
    scorecards: dict[str, Scorecard]
    _folder: Path = PrivateAttr(default=Path())

    @field_validator("history_start")
    @classmethod
    def _first_of_month(cls, history_start: date) -> date:
        if history_start.year < FIRST_YEAR:
            raise ValueError(f"must be {FIRST_YEAR}-01-01 or later: give the month from which records are complete")
        return history_start.replace(day=1)

    @model_validator(mode="after")
    def _playbook_is_complete(self) -> "Settings":
        for level in get_args(AttentionLevel):
            if "any" not in self.playbook.get(level, {}):
                raise ValueError(f"playbook.{level}: needs `any`, the next step for tiers that are not named")
        return self

    @model_validator(mode="after")
    def _presets_have_rows(self) -> "Settings":
        check_presets(self.sources, self.pull)
        return self

    @model_validator(mode="after")
    def _scorecards_exist(self) -> "Settings":
        named = {"scorecard": self.scorecard} | {
            f"scorecards_for.{place}.scorecard": choice.scorecard for place, choice in enumerate(self.scorecards_for)
        }
        for place, name in named.items():
            if name not in self.scorecards:
                raise ValueError(f"{place}: {name!r} is not among the scorecards{did_you_mean(name, self.scorecards)}")
        return self

    @model_validator(mode="after")
    def _named_factors_exist(self) -> "Settings":
        named = [
            (f"alerts.rules.{name}.factor", rule.factor) for name, rule in self.alerts.rules.items() if rule.factor
        ]
        named += [("playbook_by_factor", factor) for factor in self.playbook_by_factor]
        for place, factor in named:
            if factor not in (known := self.churn_risk.factors):
                raise ValueError(f"{place}: {factor!r} is not a churn factor{did_you_mean(factor, known)}")
        return self

    @property
    def load_day(self) -> date:
        """The day for which columns without a date of their own (CRM status, invoice status) are known.

        The settings' as_of, for files that end on a known day; else yesterday in the company's time zone.
        """
        return self.as_of or (datetime.now(ZoneInfo(self.timezone)) - timedelta(days=1)).date()

    @property
    def report(self) -> Path:
        """The report of the last run: next to the snapshot, under its name."""
        return self.published.with_suffix(".report.html")

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps the history of this company's runs: DAGSTER_HOME, else next to the warehouse."""
        return Path(os.environ.get("DAGSTER_HOME") or self.warehouse.parent / "dagster").resolve()

    @property
    def folder(self) -> Path:
        """The folder of the settings file, from which queries name their files."""
        return self._folder

    @property
    def answers(self) -> Path:
        """Where the answers of queries are kept between the database and the raw tables: next to the warehouse."""
        return self.warehouse.with_name(f"{self.warehouse.stem}.answers")

    @property
    def pulled(self) -> Path:
        """Where the records of APIs are kept, one folder for each vendor: next to the warehouse."""
        return self.warehouse.with_name(f"{self.warehouse.stem}.pulled")

    def fingerprint(self, *sections: str) -> str:
        """Hash of the named sections: what depends on them is recomputed when it changes."""
        chosen = json.dumps(self.model_dump(mode="json", include=set(sections)), sort_keys=True)
        return hashlib.sha256(chosen.encode()).hexdigest()[:12]


def load(file: str | Path | None = None) -> Settings:
    """The defaults, overridden by a company's file.

    Args:
        file: the company's settings; without it the file that HEALTH_ASSETS_SETTINGS names, else the defaults alone.

    Raises:
        SettingsError: one message with every wrong place, and what to do about it.
    """
    path = Path(file or os.environ.get(SETTINGS_VARIABLE) or DEFAULTS)
    given = read_settings(path)
    if "extends" in given:
        raise SettingsError(f"{path}: `extends` is not a setting; every file overrides the defaults")
    base = path.parent if path != DEFAULTS else Path.cwd()
    try:
        settings = Settings.model_validate(laid_over(read_settings(DEFAULTS), given))
    except ValidationError as error:
        raise SettingsError(_in_words(path, error), usable=_without_faults(given, error, base)) from None
    located = _located(settings, base)
    located = located.model_copy(update={"sources": with_notes(located.sources, located.notes, located.warehouse)})
    if faults := overwritten(located.sources, located.id_map, located.published, located.warehouse):
        raise SettingsError(f"{path}: the settings cannot be used\n" + "\n".join(f"  {fault}" for fault in faults))
    return located


def _located(settings: Settings, base: Path) -> Settings:
    """Paths made absolute; those of a settings file are relative to its folder."""

    def at_base(description: Description) -> dict[str, Any]:
        query = description.query
        return {
            "path": [path if "://" in path else str(base / path) for path in description.paths],
            "query": str(base / query.strip()) if query and is_sql_file(query) else query,
        }

    def of_source(source: Source) -> Source:
        others = [other.model_copy(update=at_base(other)) for other in source.other_descriptions]
        return source.model_copy(update=at_base(source) | {"other_descriptions": others})

    mapped = settings.id_map
    located = settings.model_copy(
        update={
            "warehouse": (base / settings.warehouse).resolve(),
            "published": Path(os.path.abspath(base / settings.published)),
            "notes": (base / settings.notes).resolve(),
            "sources": {name: of_source(source) for name, source in settings.sources.items()},
            "id_map": mapped and mapped.model_copy(update={"path": str(base / mapped.path)}),
        }
    )
    located._folder = base.resolve()
    sources = with_pulled(located.sources, located.pulled)
    return located.model_copy(update={"sources": with_answers_in(sources, located.answers)})


def _without_faults(given: dict[str, Any], error: ValidationError, base: Path) -> "Settings | None":
    """The settings without the keys that are wrong, so that what else is wrong can be found; None if too much is."""
    rest = copy.deepcopy(given)
    for problem in error.errors():
        parent: Any = rest
        *places, last = [place for place in problem["loc"] if place != "[key]"] or [""]
        for place in places:
            if isinstance(parent, dict) and isinstance(parent.get(place), dict):
                parent = parent[place]
        for key in (last, *places):
            if isinstance(parent, dict) and key in parent:
                del parent[key]
                break
    try:
        return _located(Settings.model_validate(laid_over(read_settings(DEFAULTS), rest)), base)
    except ValidationError:
        return None


def _in_words(path: Path, error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"] if part != "[key]") or "settings"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"is not a setting{did_you_mean(str(problem['loc'][-1]), _names_at_the_level_of(problem['loc']))}"
        elif problem["type"] == "missing":
            message = "is missing"
        elif (
            problem["type"] != NOT_SHOWN
            and "input" in problem
            and not isinstance(given := problem["input"], dict | list)
            and repr(given) not in message
        ):
            message = f"{message}, got {given!r}"
        lines.append(f"  {place}: {message}")
    return f"{path}: the settings cannot be used\n" + "\n".join(lines)


def _names_at_the_level_of(place: tuple[Any, ...]) -> list[str]:
    """The names that the settings know at the level of a wrong key."""
    model: Any = Settings
    for part in place[:-1]:
        fields = getattr(model, "model_fields", {})
        annotation = fields[part].annotation if part in fields else model
        inner = [kind for kind in getattr(annotation, "__args__", (annotation,)) if hasattr(kind, "model_fields")]
        model = inner[-1] if inner else annotation
    return list(getattr(model, "model_fields", {}))
