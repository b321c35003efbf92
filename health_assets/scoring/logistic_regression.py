"""Logistic regression by scikit-learn. Only the worker process imports this file."""

import numpy as np

EDGE = 1e-6  # log odds of 0 and 1 are infinite


def probabilities(learned: np.ndarray, churned: np.ndarray, scored: np.ndarray, penalty: float) -> np.ndarray:
    """The probability of leaving for each row of features to score; a missing value counts as the average.

    Args:
        learned: the rows of features to learn from.
        churned: whether the account of each of those rows left.
        scored: the rows of features to score.
        penalty: of the squared weights of standardised features.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=1000))
    return model.fit(learned, churned).predict_proba(scored)[:, 1]


def calibration_slope(probability: np.ndarray, churned: np.ndarray) -> float | None:
    """By how much the odds of leaving rise for each step of the foretold log odds: 1 is right, below 1 too sure of itself.

    None where everybody left or nobody, or all are foretold the same.
    """
    if churned.all() or not churned.any() or len(np.unique(probability)) == 1:
        return None
    from sklearn.linear_model import LogisticRegression

    inside = np.clip(probability, EDGE, 1 - EDGE)
    odds = np.log(inside / (1 - inside)).reshape(-1, 1)
    return float(LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(odds, churned).coef_[0, 0])
