"""Scorecards: measures -> dimensions -> score, with how much of it was measured and what each dimension brought.

How a score is made from signals, for any scorecard of the settings; which signals there are is the affair of the facts,
which accounts and days are scored that of mart/health/customer_health_daily.py.
"""

import difflib
from collections.abc import Iterable, Iterator

import polars as pl

from health_assets.contracts.expressions import (
    QUARTILES,
    banded,
    first_match,
    quartile,
    rounded,
    safe_ratio,
    up_to,
    weight_present,
    weighted_mean,
)
from health_assets.settings import Settings, SettingsError
from health_assets.settings.scorecard import Measure, Scorecard

TREND_DAYS = 30  # of the trend that scores and factors speak of
UNKNOWN = "unknown"  # the band of an account of which too little was measured
NOISE = 9  # decimals: 0.3 x 75 + 0.2 x 100 + ... of exactly 80 must be 80 and no 79.99999999
SIGNAL_KEY = ["account_id", "as_of_date"]
DAYS_APART = 2**22  # more than there are days in the calendar
EVERYBODY = pl.lit(True)


def joined_signals(panel: pl.LazyFrame, *signals: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of the panel, in its order, with the columns of each account x day table beside them.

    Null where a table has no row of the account and day: not measured. Each metric is in one table only.
    """
    panel = panel.with_columns(_place=signal_place())
    for signal in signals:
        numbered = signal.with_columns(_place=signal_place()).drop(SIGNAL_KEY)
        panel = panel.join(numbered, on="_place", how="left", validate="1:1", maintain_order="left")
    return panel.drop("_place")


def signal_place() -> pl.Expr:
    """Account and day as one number, by account, then day: it is joined and sorted several times as fast as both."""
    account, day = pl.col("account_id").cast(pl.Categorical).to_physical(), pl.col("as_of_date").to_physical()
    return account.cast(pl.Int64) * DAYS_APART + day


def assigned(settings: Settings) -> pl.Expr:
    """The name of the scorecard of an account: the first whose filter holds, else the default."""
    filtered = [(pl.sql_expr(choice.accounts), choice.scorecard) for choice in settings.scorecards_for]
    return first_match([*filtered, (EVERYBODY, settings.scorecard)])


def scorecards_in_use(settings: Settings) -> dict[str, Scorecard]:
    """The scorecards that score anybody, the default last."""
    names = dict.fromkeys([*(choice.scorecard for choice in settings.scorecards_for), settings.scorecard])
    return {name: settings.scorecards[name] for name in names}


def bands_in_use(settings: Settings) -> list[str]:
    """The bands of the scorecards in use, those of the default first, each best first."""
    scorecards = reversed(scorecards_in_use(settings).values())
    return list(dict.fromkeys(band for scorecard in scorecards for band in scorecard.bands))


def low_bands(settings: Settings) -> list[str]:
    """The bands that the scorecards in use call low, each best first."""
    scorecards = scorecards_in_use(settings).values()
    return list(dict.fromkeys(band for card in scorecards for band in card.bands if band in card.low_bands))


def is_low(scorecard: Scorecard, band: pl.Expr) -> pl.Expr:
    """Whether a band is one that the scorecard calls low; null where it is unknown, which is neither low nor healthy."""
    return pl.when(band != UNKNOWN).then(band.is_in(scorecard.low_bands))


def check_scorecards(settings: Settings, known: set[str]) -> None:
    """Refuse scorecards in use that name what no table brings: in silence it would count as not measured, for ever.

    Args:
        settings: of the company.
        known: columns that a scorecard may name: signals of accounts by day, and attributes of accounts.

    Raises:
        SettingsError: one message with every wrong place and a near name.
    """
    faults = [f"  {place}: {fault}" for place, sql in _written_in(settings) for fault in _faults(sql, known)]
    if faults:
        raise SettingsError("the scorecards cannot be used\n" + "\n".join(faults))


def _written_in(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every place where the scorecards in use name columns, with the SQL that stands there."""
    for number, choice in enumerate(settings.scorecards_for):
        yield f"scorecards_for.{number}.accounts", choice.accounts
    for name, scorecard in scorecards_in_use(settings).items():
        yield f"scorecards.{name}.accounts", scorecard.accounts
        for dimension, part in scorecard.dimensions.items():
            for measure, made in part.measures.items():
                place = f"scorecards.{name}.dimensions.{dimension}.measures.{measure}"
                yield f"{place}.metric", f'"{made.metric}"'
                yield from ((f"{place}.steps.{number}.when", step.when) for number, step in enumerate(made.steps))
                if made.formula:
                    yield f"{place}.formula", made.formula


def _faults(sql: str, known: set[str]) -> list[str]:
    try:
        names = set(pl.sql_expr(sql).meta.root_names())
    except pl.exceptions.PolarsError as error:
        return [f"{sql!r} cannot be read as SQL ({error})"]
    return [f"no table has a signal {name!r}{_near(name, known)}" for name in sorted(names - known)]


def _near(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else "; docs/tables.md lists them (fact.account_*_daily)"


def scored(
    signals: pl.LazyFrame, scorecard: Scorecard, chosen: pl.Expr = EVERYBODY, keep: Iterable[str] = ()
) -> pl.LazyFrame:
    """The accounts that the scorecard is for, with their scores.

    Args:
        signals: one row per account_id and as_of_date, of all accounts, since quartiles run over everybody. A metric
            that the scorecard names and no column brings is not measured.
        scorecard: how to score.
        chosen: which rows are scored, besides the scorecard's own filter.
        keep: columns of the signals that are handed on.

    Returns:
        account_id, as_of_date; health_score, 0-100, null where coverage is below the scorecard's floor; health_band;
        coverage, 0-1; rounding_difference, what rounding and the limits 0 and 100 added to the contributions; and for
        each dimension <dimension>_score and <dimension>_contribution.
    """
    dimensions = scorecard.dimensions
    dimension_scores = {
        f"{dimension}_score": weighted_mean(
            (pl.col(_column(dimension, name)), measure.weight) for name, measure in part.measures.items()
        )
        for dimension, part in dimensions.items()
    }
    all_measures = [
        (pl.col(_column(dimension, name)), part.weight * measure.weight)
        for dimension, part in dimensions.items()
        for name, measure in part.measures.items()
    ]
    parts = [(pl.col(f"{dimension}_score"), part.weight) for dimension, part in dimensions.items()]
    is_covered = pl.col("coverage") >= scorecard.min_coverage
    contributions = {
        f"{dimension}_contribution": pl.when(is_covered).then(
            safe_ratio(part.weight * pl.col(f"{dimension}_score"), weight_present(parts))
        )
        for dimension, part in dimensions.items()
    }
    return (
        measured(signals, scorecard)
        .filter(pl.sql_expr(scorecard.accounts), chosen)
        .with_columns(
            **dimension_scores,
            coverage=(weight_present(all_measures) / sum(weight for _, weight in all_measures)).round(NOISE),
        )
        .with_columns(**contributions, exact_score=pl.when(is_covered).then(weighted_mean(parts).round(NOISE)))
        .with_columns(health_score=_rounded_score(scorecard))
        .select(
            "account_id",
            "as_of_date",
            *keep,
            "health_score",
            "coverage",
            *dimension_scores,
            *contributions,
            health_band=_band(scorecard).fill_null(UNKNOWN),
            is_low_band=is_low(scorecard, _band(scorecard)),
            rounding_difference=pl.col("health_score") - pl.col("exact_score"),
        )
    )


def measured(signals: pl.LazyFrame, scorecard: Scorecard) -> pl.LazyFrame:
    """The signals with the score of each measure, 0-100, as a column `<dimension>.<measure>`."""
    return with_missing_as_null(signals, _signal_names(scorecard)).with_columns(
        measure_score(measure).alias(_column(dimension, name))
        for dimension, part in scorecard.dimensions.items()
        for name, measure in part.measures.items()
    )


def measure_score(measure: Measure) -> pl.Expr:
    """One metric as 0-100; where it is null, the measure's `missing`, without that null.

    A `steps` measure of which no step holds is null, never `missing`: the metric is there, only not provided for.
    A `formula` says itself what a null counts as, and may leave 0-100: only the score of the account is kept inside.
    """
    if measure.method == "formula":
        return pl.sql_expr(measure.formula).cast(pl.Float64)
    metric = pl.col(measure.metric)
    score = {"linear": _linear, "steps": _steps, "quartile": _quartile}[measure.method](measure)
    return pl.when(metric.is_not_null()).then(score).otherwise(pl.lit(measure.missing, pl.Float64))


def with_missing_as_null(signals: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """The signals with a null column for each name that no source brings: not measured."""
    given = signals.collect_schema().names()
    absent = sorted(set(names) - set(given))
    return signals.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)


def _linear(measure: Measure) -> pl.Expr:
    """0 at or beyond `worst`, 100 at or beyond `best`, straight between, whichever of the two is higher."""
    worst, best = float(measure.worst or 0), float(measure.best or 0)
    return (100.0 * (pl.col(measure.metric).cast(pl.Float64) - worst) / (best - worst)).clip(0.0, 100.0)


def _steps(measure: Measure) -> pl.Expr:
    return pl.coalesce(pl.when(pl.sql_expr(step.when)).then(pl.lit(step.score, pl.Float64)) for step in measure.steps)


def _quartile(measure: Measure) -> pl.Expr:
    """SQL's ntile(4) x 25 over the accounts of the day whose metric is there; the first groups take the remainder."""
    return quartile(pl.col(measure.metric), "as_of_date") * (100.0 / QUARTILES)


def _rounded_score(scorecard: Scorecard) -> pl.Expr:
    score = pl.col("exact_score").clip(0.0, 100.0)
    return score if scorecard.decimals is None else rounded(score, scorecard.decimals)


def _band(scorecard: Scorecard) -> pl.Expr:
    """The band of the score; a floor is inside its band, or with `band_floor: exceeded` the top of the band below."""
    score = pl.col("health_score")
    if scorecard.band_floor == "reached":
        return banded(score, scorecard.bands)
    best, *others = scorecard.bands
    return up_to(score, dict(zip(others, scorecard.bands.values(), strict=False)), above=best)


def _column(dimension: str, measure: str) -> str:
    return f"{dimension}.{measure}"


def _signal_names(scorecard: Scorecard) -> set[str]:
    """Every signal that the measures of a scorecard read."""
    measures = [measure for part in scorecard.dimensions.values() for measure in part.measures.values()]
    conditions = [pl.sql_expr(step.when) for measure in measures for step in measure.steps]
    conditions += [pl.sql_expr(measure.formula) for measure in measures if measure.method == "formula"]
    return {measure.metric for measure in measures} | {
        name for condition in conditions for name in condition.meta.root_names()
    }
