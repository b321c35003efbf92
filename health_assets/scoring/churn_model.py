"""The probability that an account churns, learned from the company's own history.

A logistic regression on standardised features; an unmeasured one counts as average. churn_labels.py says which accounts are
observed and which churned. The additive risk score, which is not learned, is in risk_score.py; the two are never mixed.

scikit-learn takes a second to import, so the model is trained in the worker process, and only if there is enough to learn from.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl

from health_assets.scoring.backtest import brier_skill
from health_assets.scoring.churn_labels import KEY
from health_assets.scoring.logistic_regression import probabilities
from health_assets.settings import Settings, SettingsError
from health_assets.settings.sections import Backtest, ChurnModel
from health_assets.settings.suggestions import nearest
from health_assets.worker import shared_worker

PROBABILITY = "churn_probability"
DECIMALS = 6  # the last digits of a fit depend on the machine
QUALITY = {
    "rows_learned": pl.Int64,
    "churned_accounts": pl.Int64,
    "feature_count": pl.Int64,
    "tested_rows": pl.Int64,
    "tested_churned_accounts": pl.Int64,
    "is_tested_on_later_days": pl.Boolean,
    "brier_skill": pl.Float64,
    "is_published": pl.Boolean,
    "reason": pl.String,
}
SHAPE = {"account_id": pl.String, "as_of_date": pl.Date, PROBABILITY: pl.Float64}


def check_features(settings: Settings, known: set[str]) -> None:
    """Reject features that no table has.

    Raises:
        SettingsError: one message with every wrong name and a suggestion.
    """
    wrong = [name for name in settings.churn_model.features if name not in known]
    if wrong:
        near = {name: nearest(name, sorted(known)) for name in wrong}
        named = [f"{name!r}" + (f" (did you mean {close!r}?)" if close else "") for name, close in near.items()]
        raise SettingsError(f"churn_model.features: no table has a number or flag {', '.join(named)}")


def predicted(rows: pl.DataFrame, day: date, backtest: Backtest, model: ChurnModel) -> pl.DataFrame:
    """The churn probability of each account observed on a day, learned from rows whose label was known before it.

    Args:
        rows: account_id x as_of_date with the features and `churned` (null = too late to act, not used for training).
        day: of the accounts to predict; their own labels are not used.
        backtest: when a label is known.
        model: features, and how much training data is required.

    Returns:
        account_id, as_of_date, churn_probability: null where too few accounts have churned.
    """
    to_predict = rows.filter(pl.col("as_of_date") == day).sort(KEY)
    return to_predict.select(KEY).with_columns(
        pl.Series(PROBABILITY, _probabilities(known_before(rows, day, backtest), to_predict, model), pl.Float64)
    )


def out_of_fold(
    rows: pl.DataFrame, backtest: Backtest, model: ChurnModel, days: Sequence[date] | None = None
) -> pl.DataFrame:
    """The churn probability of the rows of some days (all by default), by a model that was not trained on the account.

    Accounts are hashed into groups; each group is predicted by a model trained on the others, on rows from before the day.
    """
    rows = _grouped(rows, model)
    day, is_own = pl.col("as_of_date"), pl.col("group")
    found = [
        predicted(
            rows.filter(pl.when(is_own == group).then(day == observed).otherwise(day < observed)),
            observed,
            backtest,
            model,
        )
        for observed in (rows["as_of_date"].unique().sort() if days is None else days)
        for group in range(model.groups)
    ]
    return pl.concat([pl.DataFrame(schema=SHAPE), *found])


def quality(rows: pl.DataFrame, day: date, backtest: Backtest, model: ChurnModel) -> pl.DataFrame:
    """Whether the model of a day is worth publishing: one row.

    It is tested on accounts that it was not trained on: on the last `test_days` observation days whose labels are known, by
    what was known before them; where the history is too short for that, on all days.

    Args:
        rows: account_id x as_of_date with the features and `churned` (null = too late to act).
        day: of the model.
        backtest: when a label is known.
        model: features, and how much training data is required.

    Returns:
        rows_learned, churned_accounts, feature_count, tested_rows, tested_churned_accounts, brier_skill, is_published,
        reason (null where it is published).
    """
    training = known_before(rows, day, backtest)
    days = training["as_of_date"].unique().sort()[-model.test_days :].to_list()
    labels = training.select(*KEY, pl.col("churned").cast(pl.Boolean))
    later = out_of_fold(training, backtest, model, days).drop_nulls(PROBABILITY)
    predictions = _of_other_accounts(training, model) if later.is_empty() else later
    tested = labels.join(predictions, on=KEY, how="inner")
    churned = labels.filter("churned")["account_id"].n_unique()
    features = [name for name in model.features if _is_measured(training[name], model.min_measured)]
    skill = brier_skill(tested)
    reason = _reason_not_to_publish(churned, features, skill, model)
    found = {
        "rows_learned": training.height,
        "churned_accounts": churned,
        "feature_count": len(features),
        "tested_rows": tested.height,
        "tested_churned_accounts": tested.filter("churned")["account_id"].n_unique(),
        "is_tested_on_later_days": None if tested.is_empty() else not later.is_empty(),
        "brier_skill": skill,
        "is_published": reason is None,
        "reason": reason,
    }
    return pl.DataFrame([found], schema=QUALITY)


def _of_other_accounts(training: pl.DataFrame, model: ChurnModel) -> pl.DataFrame:
    """The churn probability of every training row, by a model trained on the other groups of accounts, on all days."""
    found = [pl.DataFrame(schema=SHAPE)]
    if training.is_empty():
        return found[0]
    rows, group = _grouped(training, model), pl.col("group")
    of_the_others = model.min_churned * (model.groups - 1) // model.groups  # a group less has so many fewer
    model = model.model_copy(update={"min_churned": of_the_others})
    for number in range(model.groups):
        own = rows.filter(group == number)
        values = pl.Series(PROBABILITY, _probabilities(rows.filter(group != number), own, model), pl.Float64)
        found.append(own.select(KEY).with_columns(values))
    return pl.concat(found).drop_nulls(PROBABILITY)


def _grouped(rows: pl.DataFrame, model: ChurnModel) -> pl.DataFrame:
    """The rows with the `group` that each account is hashed into."""
    accounts = rows["account_id"].unique().to_list()
    groups = [crc32(account.encode()) % model.groups for account in accounts]
    return rows.with_columns(group=pl.col("account_id").replace_strict(accounts, groups, return_dtype=pl.Int64))


def _reason_not_to_publish(churned: int, features: list[str], skill: float | None, model: ChurnModel) -> str | None:
    accounts = "1 account" if churned == 1 else f"{churned} accounts"
    if churned < model.min_churned:
        return f"Too little to learn from: {accounts} churned, {model.min_churned} are needed (churn_model.min_churned)"
    if not features:
        return f"No feature is measured in {100 * model.min_measured:g} % of the rows (churn_model.min_measured)"
    if skill is None:
        return "It cannot be tested: too few accounts churned outside each group of accounts (churn_model.groups)"
    if skill <= 0:
        return f"It does not beat the churn rate: Brier skill {skill:.3f} out of fold, where above 0 is needed"
    return None


def known_before(rows: pl.DataFrame, day: date, backtest: Backtest) -> pl.DataFrame:
    """The rows whose label window ended before a day, in an order that makes the fit reproducible."""
    window = pl.duration(days=backtest.lead_days + backtest.horizon_days)
    return rows.filter(pl.col("as_of_date") + window < day, pl.col("churned").is_not_null()).sort(KEY)


def _probabilities(training: pl.DataFrame, to_predict: pl.DataFrame, model: ChurnModel) -> Any:
    """One value per row to predict; None for all where there is too little training data."""
    churned = training["churned"].cast(pl.Boolean)
    left = training.filter(churned)["account_id"].n_unique()
    features = [name for name in model.features if _is_measured(training[name], model.min_measured)]
    if left < max(model.min_churned, 1) or churned.all() or not features or to_predict.is_empty():
        return [None] * to_predict.height
    given = _matrix(training, features), churned.to_numpy(), _matrix(to_predict, features)
    return shared_worker().submit(probabilities, *given, penalty=model.penalty).result().round(DECIMALS)


def _is_measured(feature: pl.Series, min_measured: float) -> bool:
    """Whether a feature is measured often enough and varies."""
    return feature.count() >= max(1, min_measured * len(feature)) and feature.drop_nulls().n_unique() > 1


def _matrix(rows: pl.DataFrame, features: list[str]) -> np.ndarray:
    """The features as numbers; NaN = not measured."""
    return rows.select(pl.col(features).cast(pl.Float64).fill_null(np.nan)).to_numpy()
