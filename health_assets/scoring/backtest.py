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


@dataclass(frozen=True)
class ProbabilityFindings:
    """How well the churn probability predicts, on the rows that have one."""

    days: int
    rows: int
    churned_accounts: int  # distinct
    auc: dict[str, Interval]  # ranking -> mean AUC over the days, all on the same rows
    beats: dict[str, Interval]  # other ranking -> AUC(probability) - AUC(it), of the same resamples
    brier_skill: (
        float | None
    )  # 1 - squared error / that of each day's own churn rate, mean over the days; 0 = no better
    calibration_slope: float | None  # over all rows; 1 = right, below 1 = overconfident


@dataclass(frozen=True)
class Findings:
    """What the backtest found."""

    days: list[date]
    is_commerce: bool  # accounts that order, where no account pays by contract
    rows: int
    churned_accounts: int  # distinct, in the rows that are ranked
    too_late_rows: int  # churned within the lead: left out, never counted as retained
    unknown_rows: int  # without a score: left out
    auc: dict[str, Interval]  # ranking -> mean AUC over the days
    beats: dict[str, Interval]  # baseline -> AUC(health) - AUC(baseline), of the same resamples
    top_precision: float | None  # churned among the riskiest share of the accounts
    top_recall: float | None  # of all that churned, those among them
    top_lost_value: float | None  # the same of their MRR, or spend
    bands: list[BandRate] = field(default_factory=list)
    disordered: list[tuple[str, str]] = field(default_factory=list)  # better band, worse band: disjoint, wrong way
    conclusion: str = NOT_ENOUGH
    of_probability: ProbabilityFindings | None = None  # None where no row has a probability


def evaluated(rows: pl.DataFrame, bands: list[str], rules: Backtest) -> Findings:
    """Rank the rows, compare with the baselines, draw a conclusion.

    Args:
        rows: account_id, as_of_date, is_commerce, health_score and churn_risk_score (null = unknown), health_band,
            churn_probability (null = none), value, tenure_days, days_silent (null = never seen),
            churned (null = too late to act).
        bands: of the scorecards, the best first.
        rules: what counts.
    """
    timely = rows.filter(pl.col("churned").is_not_null())
    has_scores = pl.col("health_score").is_not_null() & pl.col("churn_risk_score").is_not_null()
    ranked = timely.filter(has_scores).sort("as_of_date", "account_id")
    generator = np.random.default_rng(rules.seed)
    areas, beats = _compared(ranked, HEALTH, _rankings(ranked, generator), rules, generator)
    churned_accounts = ranked.filter("churned")["account_id"].n_unique()
    top = _top(ranked, rules.top_share)
    rates = list(_band_rates(ranked, bands, rules.confidence))
    return Findings(
        days=sorted(rows["as_of_date"].unique()),
        is_commerce=bool(rows["is_commerce"].any()),
        rows=ranked.height,
        churned_accounts=churned_accounts,
        too_late_rows=rows.height - timely.height,
        unknown_rows=timely.height - ranked.height,
        auc=areas,
        beats=beats,
        top_precision=top[0],
        top_recall=top[1],
        top_lost_value=top[2],
        bands=rates,
        disordered=_disordered(rates),
        conclusion=_conclusion(churned_accounts, beats, rules),
        of_probability=_probability_findings(
            ranked.filter(pl.col("churn_probability").is_not_null()), rules, generator
        ),
    )


def _probability_findings(
    rows: pl.DataFrame, rules: Backtest, generator: np.random.Generator
) -> ProbabilityFindings | None:
    if rows.is_empty():
        return None
    probability = rows["churn_probability"].to_numpy()
    areas, beats = _compared(
        rows, PROBABILITY, {PROBABILITY: probability} | _rankings(rows, generator), rules, generator
    )
    return ProbabilityFindings(
        days=rows["as_of_date"].n_unique(),
        rows=rows.height,
        churned_accounts=rows.filter("churned")["account_id"].n_unique(),
        auc=areas,
        beats=beats,
        brier_skill=_brier_skill(rows),
        calibration_slope=shared_worker().submit(calibration_slope, probability, rows["churned"].to_numpy()).result(),
    )


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


def _brier_skill(rows: pl.DataFrame) -> float | None:
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


def _rankings(rows: pl.DataFrame, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Riskiness by the scores and by each baseline: longest inactive, newest, smallest, random. No recency without usage."""
    silence = rows["days_silent"]
    rankings = {
        HEALTH: -rows["health_score"].to_numpy(),
        RISK: rows["churn_risk_score"].to_numpy(),
        "recency": silence.cast(pl.Float64).fill_null(float("inf")).to_numpy(),  # never active counts as longest
        "tenure": -rows["tenure_days"].to_numpy().astype(float),
        "spend" if rows["is_commerce"].any() else "mrr": -rows["value"].to_numpy(),
        "random": generator.random(rows.height),
    }
    if silence.is_null().all():
        del rankings["recency"]
    return rankings


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
        rank = day["health_score"].rank("min").to_numpy().astype(float)
        ties = day.select(pl.len().over("health_score")).to_series().to_numpy()
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
        churned = rows.filter(pl.col("health_band") == band)["churned"]
        yield BandRate(band, len(churned), int(churned.sum()), wilson(int(churned.sum()), len(churned), confidence))


def _disordered(rates: list[BandRate]) -> list[tuple[str, str]]:
    """Pairs of bands of which the better churns more, with intervals that do not even touch."""
    return [
        (better.band, worse.band)
        for place, better in enumerate(rates)
        for worse in rates[place + 1 :]
        if better.rate.low is not None and worse.rate.high is not None and better.rate.low > worse.rate.high
    ]


def _conclusion(churned_accounts: int, beats: Mapping[str, Interval], rules: Backtest) -> str:
    if churned_accounts < rules.min_churned:
        return NOT_ENOUGH
    baselines = [gain for name, gain in beats.items() if name != RISK]
    return BEATS if all(gain.low is not None and gain.low > 0 for gain in baselines) else DOES_NOT
