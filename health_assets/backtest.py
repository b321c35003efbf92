"""Does the score work? Past scores against who really churned afterwards, beside baselines that anybody could use.

Nothing is trained here: the rows are what was scored on days of the past, each from the facts of its own day. The rules
are those of "Does the score work?" in the metric book.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl

from health_assets.settings import Backtest

HEALTH = "health"
BASELINES = ("recency", "tenure", "mrr", "random")
NOT_ENOUGH, BEATS, DOES_NOT = "not enough evidence", "beats every baseline", "does not beat its baselines"


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds of its interval; None where there was nothing to estimate."""

    estimate: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class BandRate:
    """How many rows of a band churned, with the Wilson interval of their share."""

    band: str
    rows: int
    churned: int
    rate: Interval


@dataclass(frozen=True)
class Findings:
    """What the backtest found."""

    days: list[date]
    rows: int
    churned_accounts: int  # distinct, in the rows that are ranked
    too_late_rows: int  # churned inside the lead: left out, never counted as stayed
    unknown_rows: int  # without a score: left out
    auc: dict[str, Interval]  # ranking -> mean AUC over the days
    beats: dict[str, Interval]  # baseline -> AUC(health) - AUC(baseline), of the same resamples
    top_precision: float | None  # churned among the riskiest share of the accounts
    top_recall: float | None  # of all that churned, those among them
    top_lost_mrr: float | None  # the same of their MRR
    bands: list[BandRate] = field(default_factory=list)
    disordered: list[tuple[str, str]] = field(default_factory=list)  # better band, worse band: disjoint, wrong way
    verdict: str = NOT_ENOUGH


def observation_days(first: date, last: date, rules: Backtest) -> list[date]:
    """Days a month apart whose label window ends inside the data, the latest first chosen.

    Args:
        first: first day of the history.
        last: last day of the data.
        rules: lead and horizon in days.
    """
    latest = last - timedelta(days=rules.lead_days + rules.horizon_days)
    if latest < first:
        return []
    months = 12 * (latest.year - first.year) + latest.month - first.month
    days = pl.select(pl.lit(latest).dt.offset_by(pl.format("-{}mo", pl.int_range(months, -1, -1)))).to_series()
    return days.filter(days >= first).to_list()


def labelled(rows: pl.DataFrame, churns: pl.DataFrame, rules: Backtest) -> pl.DataFrame:
    """The rows with `churned`: whether the account churned after the lead, within the horizon; null = too late to act.

    Args:
        rows: account_id x as_of_date.
        churns: account_id x churn_date, each time an account stopped paying, even if it returned later.
    """
    after = pl.col("churn_date") - pl.col("as_of_date")
    lead, horizon = pl.duration(days=rules.lead_days), pl.duration(days=rules.lead_days + rules.horizon_days)
    key = ["account_id", "as_of_date"]
    labels = (
        rows.select(key)
        .join(churns, on="account_id", how="inner")
        .filter(after > pl.duration(days=0), after <= horizon)
        .group_by(key)
        .agg(is_too_late=(after <= lead).any())
    )
    return rows.join(labels, on=key, how="left", validate="1:1").with_columns(
        churned=pl.when(pl.col("is_too_late").is_null()).then(False).when(~pl.col("is_too_late")).then(True)
    )


def evaluated(rows: pl.DataFrame, bands: list[str], rules: Backtest) -> Findings:
    """Rank, compare and judge.

    Args:
        rows: account_id, as_of_date, health_score (null = unknown), health_band, mrr, tenure_days,
            days_since_last_login (null = never), churned (null = too late to act).
        bands: of the scorecards, the best first.
        rules: what counts.
    """
    timely = rows.filter(pl.col("churned").is_not_null())
    ranked = timely.filter(pl.col("health_score").is_not_null()).sort("as_of_date", "account_id")
    generator = np.random.default_rng(rules.seed)
    accounts = ranked["account_id"].unique().sort()
    weights = _resamples(len(accounts), rules.resamples, generator)
    place = ranked["account_id"].replace_strict(accounts, pl.int_range(len(accounts), eager=True)).to_numpy()
    riskiness = _rankings(ranked, generator)
    aucs = {name: _mean_auc(ranked, values, place, weights) for name, values in riskiness.items()}
    beats = {name: _interval(aucs[HEALTH] - aucs[name], rules.confidence) for name in aucs if name != HEALTH}
    churned_accounts = ranked.filter("churned")["account_id"].n_unique()
    top = _top(ranked, rules.top_share)
    rates = list(_band_rates(ranked, bands, rules.confidence))
    return Findings(
        days=sorted(rows["as_of_date"].unique()),
        rows=ranked.height,
        churned_accounts=churned_accounts,
        too_late_rows=rows.height - timely.height,
        unknown_rows=timely.height - ranked.height,
        auc={name: _interval(values, rules.confidence) for name, values in aucs.items()},
        beats=beats,
        top_precision=top[0],
        top_recall=top[1],
        top_lost_mrr=top[2],
        bands=rates,
        disordered=_disordered(rates),
        verdict=_verdict(churned_accounts, beats, rules),
    )


def auc(riskiness: np.ndarray, churned: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How often a churned account was ranked riskier than one that stayed, ties half; one value per row of weights.

    Args:
        riskiness: of n accounts, more = riskier.
        churned: of the same accounts.
        weights: resamples x n, how often each account is drawn. Not a number where a resample lacks one of the sides.
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
    """Share of the rows that churned, with Wilson's interval; nothing of no rows."""
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
    """Riskiness by the score and by each baseline: long silent, new, small, or by chance. Without usage no recency."""
    silence = rows["days_since_last_login"]
    rankings = {
        HEALTH: -rows["health_score"].to_numpy(),
        "recency": silence.cast(pl.Float64).fill_null(float("inf")).to_numpy(),  # never is longest
        "tenure": -rows["tenure_days"].to_numpy().astype(float),
        "mrr": -rows["mrr"].to_numpy(),
        "random": generator.random(rows.height),
    }
    if silence.is_null().all():
        del rankings["recency"]
    return rankings


def _mean_auc(rows: pl.DataFrame, riskiness: np.ndarray, place: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUC of each day, averaged over the days that have both sides; one value per resample."""
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
    """The value of the rows as they are, and percentiles of the resamples."""
    if np.isnan(values[0]):
        return Interval(None)
    resampled = values[1:][~np.isnan(values[1:])]
    if not len(resampled):
        return Interval(float(values[0]))
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(values[0]), float(low), float(high))


def _top(rows: pl.DataFrame, share: float) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and share of lost MRR among the riskiest accounts of each day, averaged over the days.

    Where the cut falls among equal scores, each of them is in by its chance.
    """
    found = []
    for _, day in rows.group_by("as_of_date", maintain_order=True):
        wanted = ceil(share * day.height)
        lost, mrr = day["churned"].cast(pl.Float64).to_numpy(), day["mrr"].fill_null(0).to_numpy()
        if not lost.any():
            continue
        rank = day["health_score"].rank("min").to_numpy().astype(float)
        ties = day.select(pl.len().over("health_score")).to_series().to_numpy()
        caught = np.clip((wanted - rank + 1) / ties, 0, 1) * lost
        of_mrr = (caught * mrr).sum() / (lost * mrr).sum() if (lost * mrr).any() else np.nan
        found.append((caught.sum() / wanted, caught.sum() / lost.sum(), of_mrr))
    if not found:
        return None, None, None
    precision, recall, of_mrr = (
        None if np.isnan(values).all() else float(np.nanmean(values)) for values in np.array(found).T
    )
    return precision, recall, of_mrr


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


def _verdict(churned_accounts: int, beats: Mapping[str, Interval], rules: Backtest) -> str:
    if churned_accounts < rules.min_churned:
        return NOT_ENOUGH
    return BEATS if all(gain.low is not None and gain.low > 0 for gain in beats.values()) else DOES_NOT
