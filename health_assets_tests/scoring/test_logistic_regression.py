"""The fitted weights are those of the optimum."""

import numpy as np
import pytest

from health_assets.scoring.logistic_regression import Fit, fitted


def observations(count: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Two features of very different size, of which the first has gaps, and whether the event happened."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 2)) * [1, 1000] + [0, 5000]
    happened = random.random(count) < 1 / (1 + np.exp(1 - features[:, 0]))
    features[random.random(count) < 0.3, 0] = np.nan
    return features, happened


def test_weights_are_at_the_minimum_of_the_penalised_loss() -> None:
    features, happened = observations(3000)
    fit = fitted(["one", "two"], features, happened, 10)
    mean = np.nanmean(features, axis=0)
    filled = np.where(np.isnan(features), mean, features)
    standardised = (filled - mean) / filled.std(axis=0)
    error = fit.probabilities(features) - happened
    # the slope of the loss by each weight, and by the intercept, is zero
    assert standardised.T @ error + 10 * np.array(fit.weight) == pytest.approx([0, 0], abs=1e-6)
    assert error.sum() == pytest.approx(0, abs=1e-6)


def test_without_a_feature_that_says_anything_the_share_is_predicted() -> None:
    # 1 of 2 with each value happened
    fit = fitted(["x"], np.array([[1.0], [1.0], [2.0], [2.0]]), np.array([True, False, True, False]), 1)
    assert fit.weight == pytest.approx([0], abs=1e-12)
    assert fit.probabilities(np.array([[1.0], [np.nan], [7.0]])) == pytest.approx([0.5] * 3)


def test_large_penalty_leaves_the_share_of_all() -> None:
    rows, happened = np.array([[0.0], [0.0], [0.0], [9.0]]), np.array([False, False, False, True])
    assert fitted(["x"], rows, happened, 1e9).probabilities(rows) == pytest.approx([0.25] * 4, abs=1e-6)


def test_separated_classes_converge_with_a_small_penalty() -> None:
    rows, happened = np.array([[0.0], [1.0], [2.0], [3.0]] * 10), np.array([False, False, True, True] * 10)
    found = fitted(["x"], rows, happened, 1e-6).probabilities(rows[:4])
    assert found == pytest.approx([0, 0, 1, 1], abs=1e-3)
    assert sorted(found) == list(found)


def test_stored_model_predicts_the_same() -> None:
    features, happened = observations(100)
    fit = fitted(["one", "two"], features, happened, 1)
    assert (Fit.from_json(fit.as_json()).probabilities(features) == fit.probabilities(features)).all()
