"""Surveys: what people at the accounts answered."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawFeedback(RawContract):
    """What did accounts answer in surveys?"""

    feedback_id = Given("Key of the response", required=True, key=True)
    account_id = Given("Account", required=True)
    feedback_date = Given("Day of the response", required=True)
    nps_score = Given("How likely they are to recommend us, 0-10")
    satisfaction_score = Given("How satisfied they are, 1-5")
    likelihood_to_renew = Given("low, medium or high")


raw_feedback = source("raw_feedback", RawFeedback)
