"""What the churn model says of an account, and how much better than the churn rate alone it is."""

import duckdb

from health_assets.reporting.formatting import number, pct, probability
from health_assets.reporting.reader import has_rows, row


def brier_skill(connection: duckdb.DuckDBPyConnection) -> float | None:
    """By how much the model's squared error is below that of the churn rate of each day, 0-1; None where it was not tested."""
    if not has_rows(connection, "mart.churn_model"):
        return None
    skill = row(connection, "select brier_skill::double as brier_skill from mart.churn_model")["brier_skill"]
    return None if skill is None else float(skill)


def skill_in_words(skill: float) -> str:
    """What a Brier skill means, e.g. "0.7% more accurate than the churn rate of all accounts (Brier skill 0.007)"."""
    than = "than the churn rate of all accounts"
    if skill <= 0:
        return f"not more accurate {than} (Brier skill {number(skill, 3)})"
    return f"{pct(100 * skill)} more accurate {than} (Brier skill {number(skill, 3)})"


def probability_in_words(of_churn: float, skill: float | None, shown_from: float) -> str:
    """The probability of churn of one account with how good the model is; no number where it says next to nothing.

    Args:
        of_churn: 0-1.
        skill: Brier skill of the model; None = not tested.
        shown_from: settings.churn_model.shown_from_skill.
    """
    if skill is None:
        return "not shown, since the model was not tested"
    if skill < shown_from:
        better = "hardly better" if skill > 0 else "not better"
        return f"not shown, since the model is {better} than the churn rate of all accounts (Brier skill {number(skill, 3)})"
    return f"{probability(of_churn)}; the model is {skill_in_words(skill)}"
