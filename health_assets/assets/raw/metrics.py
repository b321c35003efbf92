"""Metrics of a company's own: whatever it knows of its accounts that no other source holds."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawAccountMetrics(RawContract):
    """What else does the company know of its accounts: the owner's rating, reference customers, seats in use ...?"""

    account_id = Given("Account", required=True)
    as_of_date = Given("Day from which the value holds, until the next one", required=True)
    metric = Given("Name of the metric, by which scorecards, risk factors and rule sets refer to it", required=True)
    value = Given("A number, or true / false / yes / no", required=True)


raw_account_metrics = source("raw_account_metrics", RawAccountMetrics)
