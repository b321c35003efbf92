"""The operational database and the system that records outcomes: workflow items, and what became of them."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawWorkflowItems(RawContract):
    """What was processed for which account, how long did it take, and was its data in order?"""

    item_id = Given("Key of the item", required=True, key=True)
    account_id = Given("Account", required=True)
    started_at = Given("When work on it began", required=True)
    completed_at = Given("When it was done; blank while it is not")
    has_data_error = Given("Whether its data were faulty")


class RawOutcomes(RawContract):
    """What became of the items?"""

    outcome_id = Given("Key of the outcome", required=True, key=True)
    item_id = Given("Workflow item", required=True)
    outcome_date = Given("When it was decided", required=True)
    result = Given("approved, denied or failed", required=True)


raw_workflow_items = source("raw_workflow_items", RawWorkflowItems)
raw_outcomes = source("raw_outcomes", RawOutcomes)
