"""What a scorecard holds: measures in dimensions, their weights, and bands. How it is worked out is in scorecards.py."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from health_assets.settings.sections import Fraction, Positive
from health_assets.settings.source import Section
from health_assets.settings.suggestions import did_you_mean


class Step(Section):
    """Score of the first condition that holds; the condition is SQL over the signals."""

    when: str  # SQL over the signals
    score: Annotated[float, Field(ge=0, le=100)]  # points where the condition holds


class Measure(Section):
    """One signal turned into 0-100."""

    metric: str  # a column of the signals (fact.account_*_daily)
    weight: Positive  # within its dimension
    method: Literal["linear", "steps", "quartile", "formula"]  # how the metric becomes 0-100
    worst: float | None = None  # linear: scores 0 at or beyond it
    best: float | None = None  # linear: scores 100 at or beyond it
    steps: list[Step] = []  # steps: the first whose condition holds
    missing: float | None = None  # score where the metric is null; without it the measure is left out
    formula: str = ""  # SQL over the signals
    where: str = ""  # SQL over the signals: the measure counts only where this holds, else it is not measured

    @model_validator(mode="after")
    def _method_has_what_it_needs(self) -> "Measure":
        if self.method == "linear" and (self.worst is None or self.best is None or self.worst == self.best):
            raise ValueError("a linear measure needs `worst` and `best`, and they must differ")
        if self.method == "steps" and not self.steps:
            raise ValueError("a steps measure needs `steps`: a list of {when, score}")
        if (self.method == "formula") != bool(self.formula):
            raise ValueError("a `formula` (SQL over the signals) belongs to a measure with `method: formula`")
        return self


class Dimension(Section):
    """A side of health, e.g. support: measures with weights."""

    weight: Positive  # within the scorecard
    measures: Annotated[dict[str, Measure], Field(min_length=1)]  # name -> measure


class Adjustment(Section):
    """Points added to the score where a condition holds, or the score that replaces it."""

    when: str  # SQL over the signals; a condition that is null does not hold
    add: float | None = None  # points added to the score
    score: Annotated[float | None, Field(ge=0, le=100)] = None  # replaces the score

    @model_validator(mode="after")
    def _adds_or_replaces(self) -> "Adjustment":
        if (self.add is None) == (self.score is None):
            raise ValueError("an adjustment needs either `add` (points) or `score` (that replaces the score)")
        return self


class Scorecard(Section):
    """Dimensions -> score -> band, for the accounts that its filter names."""

    description: str = ""  # for people
    accounts: str = "is_scored"  # who is scored: SQL over the signals
    min_coverage: Fraction  # share of the weights that must be measured; below it there is no score
    min_measures: Annotated[int, Field(gt=0)] = 2  # measured measures that a score needs, or all if it has fewer
    adjustments: list[Adjustment] = []  # applied to the score in turn, before it is kept within 0-100 and rounded
    decimals: int | None = None  # the score is rounded to so many before it is banded
    bands: Annotated[dict[str, float], Field(min_length=2)]  # band -> the score from which it holds
    low_bands: list[str] = []  # bands that need attention; also written `{from: 0, low: true}` in `bands`
    band_floor: Literal["reached", "exceeded"] = "reached"  # whether a score right on a floor belongs to that band
    dimensions: Annotated[dict[str, Dimension], Field(min_length=1)]  # name -> dimension

    @model_validator(mode="before")
    @classmethod
    def _low_bands_of_bands(cls, given: Any) -> Any:
        """`bands: {red: {from: 0, low: true}}` is `bands: {red: 0}` with `low_bands: [red]`."""
        bands = given.get("bands") if isinstance(given, dict) else None
        if not isinstance(bands, dict):
            return given
        written = {name: band for name, band in bands.items() if isinstance(band, dict)}
        if wrong := [f"{name}: {key}" for name, band in written.items() for key in band if key not in ("from", "low")]:
            raise ValueError(f"bands: {wrong[0]!r} is not a setting; a band is a number, or {{from: 0, low: true}}")
        low = [name for name, band in written.items() if band.get("low")]
        floors = {name: band.get("from") if isinstance(band, dict) else band for name, band in bands.items()}
        return given | {"bands": floors, "low_bands": [*(given.get("low_bands") or []), *low]}

    @model_validator(mode="after")
    def _low_bands_exist(self) -> "Scorecard":
        if wrong := [name for name in self.low_bands if name not in self.bands]:
            raise ValueError(f"low_bands: {wrong[0]!r} is not a band{did_you_mean(wrong[0], self.bands)}")
        return self

    @field_validator("bands")
    @classmethod
    def _best_band_first(cls, bands: dict[str, float]) -> dict[str, float]:
        ordered = dict(sorted(bands.items(), key=lambda band: -band[1]))
        if min(ordered.values()) > 0:
            raise ValueError("the lowest band must start at 0, so that every score has a band")
        return ordered

    @property
    def version(self) -> str:
        """Hash of everything that can change a score, so that a change of weights is seen as such in the history."""
        return hashlib.sha256(self.model_dump_json(exclude={"description", "low_bands"}).encode()).hexdigest()[:12]


class ScorecardFor(Section):
    """A scorecard and the accounts that it is for: SQL over the columns of dim.account."""

    scorecard: str  # its name
    accounts: str  # SQL over the columns of dim.account
