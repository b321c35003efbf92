"""Does the score work? Past scores compared with later churn, and with simple baselines.

Nothing is trained here: the rows are scores of past days, each from the facts of its own day, and the out-of-fold
predictions of churn_model.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl

from health_assets.scoring.logistic_regression import calibration_slope
from health_assets.settings.sections import Backtest
from health_assets.worker import shared_worker

HEALTH, RISK, PROBABILITY = "health", "churn risk", "probability"  # what is evaluated; all other rankings are baselines
NOT_ENOUGH, BEATS, DOES_NOT = "not enough evidence", "beats every baseline", "does not beat its baselines"


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds of its interval; None where there was nothing to estimate."""

    estimate: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class BandRate:
    """How many rows of a band churned, and their share with its Wilson interval."""

    band: str
    rows: int
    churned: int
    rate: Interval
    churned_accounts: int  # distinct; one may be in several bands over the days


@dataclass(frozen=True)
class ScoreFindings:
    """How well one score ranks the accounts that churned, on the rows that it scores."""

    rows: int
    days: int
    churned_accounts: int  # distinct; under `backtest.min_churned` no ranking is shown
    unknown_rows: int  # without this score: left out
    auc: dict[str, Interval]  # the score and each baseline -> mean AUC over the days, on the same rows
    gains: dict[str, Interval]  # baseline -> AUC(score) - AUC(baseline), of the same resamples
    top_precision: float | None  # churned among the riskiest share of the accounts
    top_recall: float | None  # of all that churned, those among them
    top_lost_value: float | None  # the same of their MRR, or spend
    conclusion: str


@dataclass(frozen=True)
class Findings:
    """What the backtest found."""

    days: list[date]
    is_commerce: bool  # accounts that order, where no account pays by contract
    rows: int  # observed, with a label
    too_late_rows: int  # churned within the lead: left out, never counted as retained
    scores: dict[str, ScoreFindings]  # HEALTH, RISK, PROBABILITY: those that score any row
    bands: list[BandRate] = field(default_factory=list)
    disordered: list[tuple[str, str]] = field(default_factory=list)  # better band, worse band: disjoint, wrong way
    brier_skill: float | None = None  # of the probability: 1 - squared error / that of each day's own churn rate
    calibration_slope: float | None = None  # of the probability: 1 = right, below 1 = overconfident


RISKINESS = {  # score -> how risky an account is by it
    HEALTH: -pl.col("health_score"),
    RISK: pl.col("churn_risk_score"),
    PROBABILITY: pl.col("churn_probability"),
}


def evaluated(rows: pl.DataFrame, bands: list[str], rules: Backtest) -> Findings:
    """Rank the rows by each score, compare with the baselines, draw conclusions.

    Args:
        rows: account_id, as_of_date, is_commerce, health_score, churn_risk_score and churn_probability (null = not
            scored), health_band, value, tenure_days, days_silent (null = never seen), frequency (events, or orders, to
            date; null = not measured), churned (null = too late to act).
        bands: of the scorecards, the best first.
        rules: what counts.
    """
    timely = rows.filter(pl.col("churned").is_not_null()).sort("as_of_date", "account_id")
    generator = np.random.default_rng(rules.seed)
    scores = {name: _score_findings(timely, name, rules, generator) for name in RISKINESS}
    rates = list(_band_rates(timely.drop_nulls("health_score"), bands, rules.confidence))
    probable = timely.drop_nulls("churn_probability")
    return Findings(
        days=sorted(rows["as_of_date"].unique()),
        is_commerce=bool(rows["is_commerce"].any()),
        rows=timely.height,
        too_late_rows=rows.height - timely.height,
        scores={name: found for name, found in scores.items() if found is not None},
        bands=rates,
        disordered=_disordered(rates),
        brier_skill=brier_skill(probable),
        calibration_slope=_calibration_slope(probable),
    )


def _score_findings(
    timely: pl.DataFrame, score: str, rules: Backtest, generator: np.random.Generator
) -> ScoreFindings | None:
    """What one score is worth on the rows that it scores; None where it scores none."""
    rows = timely.with_columns(riskiness=RISKINESS[score].cast(pl.Float64)).drop_nulls("riskiness")
    if rows.is_empty():
        return None
    rankings = {score: rows["riskiness"].to_numpy()} | _baselines(rows, generator)
    areas, gains = _compared(rows, score, rankings, rules, generator)
    churned_accounts = rows.filter("churned")["account_id"].n_unique()
    precision, recall, lost_value = _top(rows, rules.top_share)
    return ScoreFindings(
        rows=rows.height,
        days=rows["as_of_date"].n_unique(),
        churned_accounts=churned_accounts,
        unknown_rows=timely.height - rows.height,
        auc=areas,
        gains=gains,
        top_precision=precision,
        top_recall=recall,
        top_lost_value=lost_value,
        conclusion=_conclusion(churned_accounts, gains, rules),
    )


def _calibration_slope(rows: pl.DataFrame) -> float | None:
    if rows.is_empty():
        return None
    given = rows["churn_probability"].to_numpy(), rows["churned"].to_numpy()
    return shared_worker().submit(calibration_slope, *given).result()


def _compared(
    rows: pl.DataFrame,
    subject: str,
    riskiness: Mapping[str, np.ndarray],
    rules: Backtest,
    generator: np.random.Generator,
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """The AUC of each ranking, and by how much the subject exceeds each other, on the same resamples."""
    accounts = rows["account_id"].unique().sort()
    weights = _resamples(len(accounts), rules.resamples, generator)
    place = rows["account_id"].replace_strict(accounts, pl.int_range(len(accounts), eager=True)).to_numpy()
    areas = {name: _mean_auc(rows, values, place, weights) for name, values in riskiness.items()}
    beats = {name: _interval(areas[subject] - areas[name], rules.confidence) for name in areas if name != subject}
    return {name: _interval(values, rules.confidence) for name, values in areas.items()}, beats


def brier_skill(rows: pl.DataFrame) -> float | None:
    """1 - squared error / squared error of predicting the churn rate of the day for every account.

    The mean over the days on which some accounts churned and some stayed; None without such a day.
    """
    churned, rate = pl.col("churned").cast(pl.Float64), pl.col("churned").cast(pl.Float64).mean()
    error = ((pl.col("churn_probability") - churned) ** 2).mean()
    by_day = rows.group_by("as_of_date", maintain_order=True).agg(error=error, of_rate=rate * (1 - rate))
    skill = by_day.filter(pl.col("of_rate") > 0).select((1 - pl.col("error") / pl.col("of_rate")).mean()).item()
    return None if skill is None else float(skill)


def auc(riskiness: np.ndarray, churned: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How often a churned account ranks riskier than one that stayed, ties counting half; one value per row of weights.

    Args:
        riskiness: of n accounts, more = riskier.
        churned: of the same accounts.
        weights: resamples x n, how often each account is drawn. NaN where a resample has only churned or only retained accounts.
    """
    order = np.argsort(riskiness, kind="stable")
    values, lost = riskiness[order], churned[order].astype(float)
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])  # of groups of ties
    drawn = weights[:, order]
    positive = np.add.reduceat(drawn * lost, starts, axis=1)
    negative = np.add.reduceat(drawn * (1 - lost), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    won = (positive * (below + 0.5 * negative)).sum(axis=1)
    return np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)


def wilson(churned: int, rows: int, confidence: float) -> Interval:
    """Share of the rows that churned, with its Wilson interval; empty without rows."""
    if not rows:
        return Interval(None)
    z, share = NormalDist().inv_cdf((1 + confidence) / 2), churned / rows
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def _resamples(accounts: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """How often each account is drawn: once each in the first row (the rows as they are), then resampled."""
    if not accounts:
        return np.ones((1, 0))
    drawn = generator.multinomial(accounts, np.full(accounts, 1 / accounts), size=count)
    return np.vstack([np.ones((1, accounts)), drawn])


def _baselines(rows: pl.DataFrame, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Riskiness by what needs no score: long silent, seldom, new, small, random. What is not measured is left out."""
    silence, frequency = rows["days_silent"].cast(pl.Float64), rows["frequency"].cast(pl.Float64)
    measured = {
        "recency": silence.fill_null(float("inf")) if silence.count() else None,  # never is longest
        "frequency": -frequency.fill_null(0.0) if frequency.count() else None,
    }
    return {name: values.to_numpy() for name, values in measured.items() if values is not None} | {
        "tenure": -rows["tenure_days"].to_numpy().astype(float),
        "spend" if rows["is_commerce"].any() else "mrr": -rows["value"].to_numpy(),
        "random": generator.random(rows.height),
    }


def _mean_auc(rows: pl.DataFrame, riskiness: np.ndarray, place: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUC of each day, averaged over the days with churned and retained accounts; one value per resample."""
    days, churned = rows["as_of_date"].to_numpy(), rows["churned"].to_numpy()
    by_day = []
    for day in np.unique(days):
        inside = days == day
        if churned[inside].any():
            by_day.append(auc(riskiness[inside], churned[inside], weights[:, place[inside]]))
    if not by_day:
        return np.full(len(weights), np.nan)
    found = np.vstack(by_day)
    counts = (~np.isnan(found)).sum(axis=0)
    return np.divide(np.nansum(found, axis=0), counts, out=np.full(len(counts), np.nan), where=counts > 0)


def _interval(values: np.ndarray, confidence: float) -> Interval:
    """The value of the original rows, and percentiles of the resamples."""
    if np.isnan(values[0]):
        return Interval(None)
    resampled = values[1:][~np.isnan(values[1:])]
    if not len(resampled):
        return Interval(float(values[0]))
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(values[0]), float(low), float(high))


def _top(rows: pl.DataFrame, share: float) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and share of lost MRR (or spend) among the riskiest accounts of each day, averaged over the days.

    Equal scores at the cut-off count with the probability of being above it.
    """
    found = []
    for _, day in rows.group_by("as_of_date", maintain_order=True):
        wanted = ceil(share * day.height)
        lost, value = day["churned"].cast(pl.Float64).to_numpy(), day["value"].to_numpy()
        if not lost.any():
            continue
        rank = day["riskiness"].rank("min", descending=True).to_numpy().astype(float)
        ties = day.select(pl.len().over("riskiness")).to_series().to_numpy()
        caught = np.clip((wanted - rank + 1) / ties, 0, 1) * lost
        of_value = (caught * value).sum() / (lost * value).sum() if (lost * value).any() else np.nan
        found.append((caught.sum() / wanted, caught.sum() / lost.sum(), of_value))
    if not found:
        return None, None, None
    precision, recall, of_value = (
        None if np.isnan(values).all() else float(np.nanmean(values)) for values in np.array(found).T
    )
    return precision, recall, of_value


def _band_rates(rows: pl.DataFrame, bands: list[str], confidence: float) -> Iterator[BandRate]:
    for band in bands:
        of_band = rows.filter(pl.col("health_band") == band)
        churned = of_band.filter("churned")
        rate = wilson(churned.height, of_band.height, confidence)
        yield BandRate(band, of_band.height, churned.height, rate, churned["account_id"].n_unique())


def _disordered(rates: list[BandRate]) -> list[tuple[str, str]]:
    """Pairs of bands of which the better churns more, with intervals that do not even touch."""
    return [
        (better.band, worse.band)
        for place, better in enumerate(rates)
        for worse in rates[place + 1 :]
        if better.rate.low is not None and worse.rate.high is not None and better.rate.low > worse.rate.high
    ]


def _conclusion(churned_accounts: int, gains: Mapping[str, Interval], rules: Backtest) -> str:
    if churned_accounts < rules.min_churned:
        return NOT_ENOUGH
    return BEATS if all(gain.low is not None and gain.low > 0 for gain in gains.values()) else DOES_NOT
