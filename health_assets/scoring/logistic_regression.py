"""Logistic regression by scikit-learn on standardised features, with a penalty on the squared weights.

Models are fitted in the worker process, since scikit-learn takes a second to import; a fitted one needs numpy alone.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

EDGE = 1e-6  # log odds of 0 and 1 are infinite
STEPS = 100  # of Newton's method; under ten are usual
CLOSE = 1e-9  # largest slope of the loss at which the optimum is found
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
        standardised = np.nan_to_num((rows - np.array(self.mean)) / np.array(self.scale))
        log_odds = standardised @ np.array(self.weight) + self.intercept
        return np.asarray((1 + np.tanh(log_odds / 2)) / 2)


def fitted(features: Sequence[str], rows: np.ndarray, happened: np.ndarray, penalty: float) -> Fit:
    """The weights that minimise the log loss plus half the penalty times the sum of their squares.

    Newton's method reaches the optimum; scikit-learn's default solver stops thousandths away from it.

    Args:
        features: names of the columns; each has at least two different values.
        rows: one row of features per observation; NaN = missing, counts as the average.
        happened: whether the event happened, per row.
        penalty: of the squared weights; the intercept is free.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    imputer, scaler = SimpleImputer(), StandardScaler()
    model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=CLOSE, max_iter=STEPS)
    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # the matrices are narrow: several threads take four times as long
        model.fit(scaler.fit_transform(imputer.fit_transform(rows)), happened)
    mean, scale, weight = (_plain(numbers) for numbers in (scaler.mean_, scaler.scale_, model.coef_[0]))
    return Fit(list(features), mean, scale, weight, *_plain(model.intercept_))


def _plain(numbers: np.ndarray) -> list[float]:
    return [float(f"{number:.{DIGITS}g}") for number in numbers]


def calibration_slope(probability: np.ndarray, churned: np.ndarray) -> float | None:
    """The slope of the actual log odds of churn over the predicted ones: 1 is right, below 1 overconfident.

    None where all accounts churned or none, or all predictions are equal.
    """
    if churned.all() or not churned.any() or len(np.unique(probability)) == 1:
        return None
    from sklearn.linear_model import LogisticRegression

    inside = np.clip(probability, EDGE, 1 - EDGE)
    odds = np.log(inside / (1 - inside)).reshape(-1, 1)
    return float(LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(odds, churned).coef_[0, 0])
