"""A score in words and figures: each metric, what the measure makes of it, and how the parts add up.

No score is computed here: the figures are those of scorecards.py, written down in the order of the calculation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from health_assets.contracts.expressions import QUARTILES
from health_assets.reporting.formatting import measured_share, pct, plain_number
from health_assets.scoring.measures import measured, parts_of
from health_assets.scoring.scorecards import contribution_column, score_column, scored
from health_assets.settings import Settings
from health_assets.settings.scorecard import Dimension, Measure, Scorecard


@dataclass(frozen=True)
class Explained:
    """The arithmetic of one account's score, line by line."""

    title: str
    scorecard: str
    version: str
    lines: list[str]


def explained(signals: pl.LazyFrame, settings: Settings, account_id: str) -> Explained | None:
    """How the score of one account is calculated; None where no scorecard scores it.

    Args:
        signals: one day's signals of all accounts (quartiles run over everybody), with the `scorecard` of each.
        settings: the company's, with its scorecards.
        account_id: the account to explain.
    """
    of_account = pl.col("account_id") == account_id
    named = signals.filter(of_account).select("scorecard", "company_name").collect().to_dicts()
    if not named:
        return None
    name = named[0]["scorecard"]
    scorecard = settings.scorecards[name]
    totals = scored(signals, scorecard, of_account).collect().to_dicts()
    if not totals:
        return None
    everybody = measured(signals, scorecard)
    row = everybody.with_columns(_conditions(scorecard)).filter(of_account).collect().to_dicts()[0]
    lines = [
        *(
            line
            for part, dimension in scorecard.dimensions.items()
            for line in _dimension(part, dimension, row, totals[0][score_column(part)])
        ),
        *_total(scorecard, totals[0], row),
    ]
    return Explained(named[0]["company_name"] or account_id, name, scorecard.version, lines)


def _dimension(name: str, dimension: Dimension, row: dict[str, Any], score: float | None) -> Iterator[str]:
    yield f"\n{name} (weight {dimension.weight:g})"
    for key, measure in dimension.measures.items():
        yield f"  {key}, weight {measure.weight:g}: {_measure(measure, row, f'{name}.{key}')}"
    if score is None:
        yield f"  {name} is not measured: the others carry its weight"
    else:
        yield f"  {name} = {_weighted(dimension, name, row)} = {plain_number(score)}"


def _weighted(dimension: Dimension, name: str, row: dict[str, Any]) -> str:
    parts = [(measure.weight, row[f"{name}.{key}"]) for key, measure in dimension.measures.items()]
    return _mean([(weight, score) for weight, score in parts if score is not None])


def _mean(parts: list[tuple[float, float]]) -> str:
    products = " + ".join(f"{weight:g} x {plain_number(score)}" for weight, score in parts)
    present = sum(weight for weight, _ in parts)
    return products if abs(present - 1) < 1e-9 else f"({products}) / {present:g}"


def _measure(measure: Measure, row: dict[str, Any], column: str) -> str:
    value, score = row[measure.metric], row[column]
    if measure.where and not row[f"{column}.where"]:
        return f"left out, since `{measure.where}` does not hold"
    if measure.method == "formula":
        names = pl.sql_expr(measure.formula).meta.root_names()
        given = ", ".join(f"{name} = {_known(row[name])}" for name in dict.fromkeys(names))
        return f"{' '.join(measure.formula.split())} with {given}: {_known(score)}"
    if value is None:
        counted = "left out" if score is None else f"counts as {plain_number(score)}"
        return f"{measure.metric} is not measured: {counted}"
    given = f"{measure.metric} = {plain_number(value, 4)}"
    if score is None:
        return f"{given}: none of the steps applies: left out"
    if measure.method == "steps":
        holds = next(step for place, step in enumerate(measure.steps) if row[f"{column}.{place}"])
        return f"{given}; {holds.when}: {plain_number(score)}"
    if measure.method == "quartile":
        limits = f"{plain_number(row[f'{column}.lowest'], 4)} to {plain_number(row[f'{column}.highest'], 4)}"
        quarter = f"quarter {score * QUARTILES / 100:.0f} of {QUARTILES} of all accounts ({limits})"
        return f"{given}; {quarter}: {plain_number(score)}"
    worst, best = float(measure.worst or 0), float(measure.best or 0)
    line = f"100 x ({plain_number(value, 4)} - {worst:g}) / ({best:g} - {worst:g})".replace("- -", "+ ")
    exact = 100 * (float(value) - worst) / (best - worst)
    clipped = "" if 0 <= exact <= 100 else f", which counts as {plain_number(score)}"
    return f"{given}; {line} = {plain_number(exact)}{clipped}"


def _total(scorecard: Scorecard, totals: dict[str, Any], row: dict[str, Any]) -> Iterator[str]:
    parts = {name: part.weight for name, part in scorecard.dimensions.items() if totals[score_column(name)] is not None}
    present = sum(parts.values())
    yield (
        f"\nCoverage and breadth: {measured_share(totals['coverage'], totals['breadth'])} "
        f"(minimum coverage: {pct(100 * scorecard.min_coverage, 0)})"
    )
    if totals["health_score"] is None:
        least = min(scorecard.min_measures, len(parts_of(scorecard)))
        count = sum(row[part.column] is not None for part in parts_of(scorecard))
        yield f"no score, band {totals['health_band']} ({count} measured; at least {least} are needed)"
        return
    for name, weight in parts.items():
        divided = "" if abs(present - 1) < 1e-9 else f" / {present:g}"
        score, contribution = totals[score_column(name)], totals[contribution_column(name)]
        yield f"  {name:<14} {weight:g} x {plain_number(score)}{divided} = {plain_number(contribution)}"
    for place, adjustment in enumerate(scorecard.adjustments):
        if row[f"adjustments.{place}"]:
            effect = (
                f"{adjustment.add:+g} points" if adjustment.add is not None else f"the score is {adjustment.score:g}"
            )
            yield f"  {adjustment.when}: {effect}"
    if scorecard.decimals is not None:
        places = "1 decimal" if scorecard.decimals == 1 else f"{scorecard.decimals} decimals"
        yield f"  rounded to {places}: {plain_number(totals['rounding_difference'], 4)}"
    yield f"score = {plain_number(totals['health_score'])}"
    floor = scorecard.bands[totals["health_band"]]
    since = "from" if scorecard.band_floor == "reached" else "above"
    bands = ", ".join(f"{band} {since} {start:g}" for band, start in scorecard.bands.items())
    yield f"band = {totals['health_band']}, {since} {floor:g} ({bands})"


def _conditions(scorecard: Scorecard) -> list[pl.Expr]:
    """Whether each condition holds: of steps as `<dimension>.<measure>.<place>`, of adjustments; and the limits of quarters."""
    found = [
        pl.sql_expr(adjustment.when).alias(f"adjustments.{place}")
        for place, adjustment in enumerate(scorecard.adjustments)
    ]
    for name, part in scorecard.dimensions.items():
        for key, measure in part.measures.items():
            column = f"{name}.{key}"
            found += [pl.sql_expr(step.when).alias(f"{column}.{place}") for place, step in enumerate(measure.steps)]
            if measure.where:
                found.append(pl.sql_expr(measure.where).alias(f"{column}.where"))
            if measure.method == "quartile":
                metric = pl.col(measure.metric)
                found += [metric.min().over(column).alias(f"{column}.lowest")]
                found += [metric.max().over(column).alias(f"{column}.highest")]
    return found


def _known(value: Any) -> str:
    return "not measured" if value is None else plain_number(value, 4)
