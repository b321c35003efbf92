"""Logistic regression on standardised features, with a penalty on the squared weights.

The fit is solved by Newton's method: with a few dozen features it converges in under ten passes over the rows, to the last
digits, where a quasi-Newton solver stops thousandths away from the optimum.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

EDGE = 1e-6  # log odds of 0 and 1 are infinite
BLOCK = 8192  # rows standardised at a time, so that they stay in the processor's cache
STEPS = 50  # of Newton's method; under ten are usual
CLOSE = 1e-9  # the fit is found when no weight moves by more
DIGITS = 12  # of a stored number; those behind depend on the order of summation


@dataclass(frozen=True)
class Fit:
    """A fitted model: what each feature adds to the log odds, once standardised by mean and scale."""

    features: list[str]
    mean: list[float]
    scale: list[float]
    weight: list[float]
    intercept: float

    def as_json(self) -> str:
        """The model as text, as it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Fit":
        """The model that `as_json` stored."""
        return cls(**json.loads(text))

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """One probability per row; a missing value, NaN, counts as the average."""
        mean, scale, weights = np.array(self.mean), np.array(self.scale), np.array([*self.weight, self.intercept])
        blocks = [_probability(block @ weights) for block in _standardised(rows, mean, scale)]
        return np.concatenate([np.empty(0), *blocks])


def fitted(features: Sequence[str], rows: np.ndarray, happened: np.ndarray, penalty: float) -> Fit:
    """The weights that minimise the log loss plus half the penalty times the sum of their squares.

    Args:
        features: names of the columns; each has at least two different values.
        rows: one row of features per observation; NaN = missing, counts as the average.
        happened: whether the event happened, per row.
        penalty: of the squared weights; the intercept is free.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):  # the blocks are too small to share, and sums keep their order
        return _fitted(features, rows, happened.astype(np.float64), penalty)


def _fitted(features: Sequence[str], rows: np.ndarray, target: np.ndarray, penalty: float) -> Fit:
    mean = np.nanmean(rows, axis=0)
    scale = np.sqrt(np.nansum((rows - mean) ** 2, axis=0) / len(rows))
    ridge = np.array([penalty] * len(features) + [0.0])
    share = target.mean()
    weights = np.array([0.0] * len(features) + [np.log(share / (1 - share))])
    loss, gradient, curvature = _at(weights, rows, target, mean, scale, ridge)
    for _ in range(STEPS):
        step = np.linalg.solve(curvature, gradient)
        while (found := _at(weights - step, rows, target, mean, scale, ridge))[0] > loss + abs(loss) * CLOSE:
            step /= 2  # too far: the loss is convex, so a shorter step lowers it
        weights, (loss, gradient, curvature) = weights - step, found
        if np.abs(step).max() < CLOSE:
            break
    *weight, intercept = _plain(weights)
    return Fit(list(features), _plain(mean), _plain(scale), weight, intercept)


def _at(
    weights: np.ndarray, rows: np.ndarray, target: np.ndarray, mean: np.ndarray, scale: np.ndarray, ridge: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """The penalised loss at some weights, its gradient, and the matrix of its second derivatives."""
    loss, gradient, curvature = float(ridge @ weights**2) / 2, ridge * weights, np.diag(ridge)
    start = 0
    for block in _standardised(rows, mean, scale):
        own = target[start : start + len(block)]
        odds = block @ weights
        probability = _probability(odds)
        loss += float((np.logaddexp(0, odds) - own * odds).sum())
        gradient += block.T @ (probability - own)
        weighted = block * np.sqrt(probability * (1 - probability))[:, None]
        curvature += weighted.T @ weighted
        start += len(block)
    return loss, gradient, curvature


def _standardised(rows: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of rows, standardised, missing values as the average, with a last column of ones for the intercept."""
    for start in range(0, len(rows), BLOCK):
        given = rows[start : start + BLOCK]
        block = np.ones((len(given), given.shape[1] + 1))
        np.divide(given - mean, scale, out=block[:, :-1])
        yield np.nan_to_num(block, copy=False)


def _probability(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray((1 + np.tanh(log_odds / 2)) / 2)


def _plain(numbers: np.ndarray) -> list[float]:
    return [float(f"{number:.{DIGITS}g}") for number in numbers]


def calibration_slope(probability: np.ndarray, churned: np.ndarray) -> float | None:
    """The slope of the actual log odds of churn over the predicted ones: 1 is right, below 1 overconfident.

    None where all accounts churned or none, or all predictions are equal. Only the worker process calls this function, since
    scikit-learn takes a second to import.
    """
    if churned.all() or not churned.any() or len(np.unique(probability)) == 1:
        return None
    from sklearn.linear_model import LogisticRegression

    inside = np.clip(probability, EDGE, 1 - EDGE)
    odds = np.log(inside / (1 - inside)).reshape(-1, 1)
    return float(LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(odds, churned).coef_[0, 0])
