"""Logistic regression by scikit-learn. Only the worker process imports this file."""

import numpy as np

EDGE = 1e-6  # log odds of 0 and 1 are infinite


def probabilities(training: np.ndarray, churned: np.ndarray, scored: np.ndarray, penalty: float) -> np.ndarray:
    """The churn probability for each row of features to score; a missing value counts as the average.

    Args:
        training: the rows of features to learn from.
        churned: whether the account of each of these rows churned.
        scored: the rows of features to score.
        penalty: of the squared weights of standardised features.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=1000))
    return model.fit(training, churned).predict_proba(scored)[:, 1]


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
