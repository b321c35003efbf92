"""The probability that an account churns, learned from the company's own history.

A logistic regression on standardised features; an unmeasured one counts as average. churn_labels.py says which accounts are
observed and which churned. The additive risk score, which is not learned, is in risk_score.py; the two are never mixed.
"""

from collections.abc import Sequence
from datetime import date
from zlib import crc32

import numpy as np
import polars as pl

from health_assets.scoring.backtest import brier_skill
from health_assets.scoring.churn_labels import KEY
from health_assets.scoring.logistic_regression import Fit, fitted
from health_assets.settings import Settings, SettingsError
from health_assets.settings.sections import Backtest, ChurnModel
from health_assets.settings.suggestions import nearest
from health_assets.worker import shared_worker

PROBABILITY = "churn_probability"
DECIMALS = 6  # the last digits of a fit depend on the machine
WEIGHTS = "weights"
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
    WEIGHTS: pl.String,
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
    if to_predict.is_empty():
        return pl.DataFrame(schema=SHAPE)
    return scored(trained(rows.filter(_is_known_before(day, backtest)), model), to_predict)


def scored(fit: Fit | None, rows: pl.DataFrame) -> pl.DataFrame:
    """account_id, as_of_date and churn_probability of each row; null without a model."""
    values = [None] * rows.height if fit is None else fit.probabilities(_matrix(rows, fit.features)).round(DECIMALS)
    return rows.select(KEY).with_columns(pl.Series(PROBABILITY, values, pl.Float64))


def scored_by_weights(rows: pl.DataFrame) -> pl.DataFrame:
    """The same for rows that carry the `weights` of their model: all those of one."""
    fits = [Fit.from_json(text) for text in rows[WEIGHTS].unique().drop_nulls()]
    return scored(fits[0] if fits else None, rows)


def trained(training: pl.DataFrame, model: ChurnModel) -> Fit | None:
    """The model learned from rows whose labels are known; None where there is too little to learn from."""
    churned = training["churned"].cast(pl.Boolean)
    left = training.filter(churned)["account_id"].n_unique()
    features = _measured(training, model)
    if left < max(model.min_churned, 1) or churned.all() or not features:
        return None
    given = features, _matrix(training, features), churned.to_numpy(), model.penalty
    return shared_worker().submit(fitted, *given).result()


def out_of_fold(
    rows: pl.DataFrame, backtest: Backtest, model: ChurnModel, days: Sequence[date] | None = None
) -> pl.DataFrame:
    """The churn probability of the rows of some days (all by default), by a model that was not trained on the account.

    Accounts are hashed into groups; each group is predicted by a model trained on the others, on rows from before the day.
    """
    rows = _grouped(rows.sort(KEY), model)
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
        reason (null where it is published), weights (the fitted model as JSON; null where it is not published).
    """
    training = known_before(rows, day, backtest)
    days = training["as_of_date"].unique().sort()[-model.test_days :].to_list()
    labels = training.select(*KEY, pl.col("churned").cast(pl.Boolean))
    later = out_of_fold(training, backtest, model, days).drop_nulls(PROBABILITY)
    predictions = _of_other_accounts(training, model) if later.is_empty() else later
    tested = labels.join(predictions, on=KEY, how="inner")
    churned = labels.filter("churned")["account_id"].n_unique()
    features = _measured(training, model)
    skill = brier_skill(tested)
    reason = _reason_not_to_publish(churned, features, skill, model)
    fit = trained(training, model) if reason is None else None
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
        WEIGHTS: fit and fit.as_json(),
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
        found.append(scored(trained(rows.filter(group != number), model), rows.filter(group == number)))
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
    return rows.filter(_is_known_before(day, backtest)).sort(KEY)


def _is_known_before(day: date, backtest: Backtest) -> pl.Expr:
    """Whether the label window of a row ended before a day, with churn that was not too late to act on."""
    window = pl.duration(days=backtest.lead_days + backtest.horizon_days)
    return (pl.col("as_of_date") + window < day) & pl.col("churned").is_not_null()


def _measured(training: pl.DataFrame, model: ChurnModel) -> list[str]:
    """The features that are measured often enough and vary."""
    return [
        name
        for name in model.features
        if training[name].count() >= max(1, model.min_measured * training.height)
        and training[name].drop_nulls().n_unique() > 1
    ]


def _matrix(rows: pl.DataFrame, features: list[str]) -> np.ndarray:
    """The features as numbers; NaN = not measured."""
    return rows.select(pl.col(features).cast(pl.Float64).fill_null(np.nan)).to_numpy()
