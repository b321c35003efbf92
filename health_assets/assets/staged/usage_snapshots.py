"""Usage snapshots, parsed. A file without snapshot_date describes the load day.

Snapshots of the load day are remembered: a file that has only the latest ones takes nothing from the days before.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.history import REMEMBERED
from health_assets.settings import Settings
from health_assets.sources.parsing import FILE, RECORD, parsed
from health_assets.tables import staged


class UsageSnapshots(Contract):
    """How was the product used by each snapshot, according to a product analytics tool?"""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    snapshot_date = Day("Day that it describes", primary_key=True, nullable=False, metadata={"available_from": True})
    login_frequency = dy.Float64(
        nullable=True, min=0, metadata=REMEMBERED, description="Logins, by the tool's own measure; null = not exported"
    )
    feature_adoption_score = dy.Float64(
        nullable=True, min=0, max=1, metadata=REMEMBERED, description="Features adopted, 0-1; null = not exported"
    )
    license_utilization = dy.Float64(
        nullable=True,
        min=0,
        metadata=REMEMBERED,
        description="Share of seats in use; may exceed 1; null = not exported",
    )
    data_volume_gb = dy.Float64(
        nullable=True, min=0, metadata=REMEMBERED, description="Data kept, in GB; null = not exported"
    )
    last_login_date = Day("Latest login; null = never, or not exported", metadata=REMEMBERED)


@staged(UsageSnapshots)
def staged_usage_snapshots(raw_usage_snapshots: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Snapshots, parsed."""
    is_undated_file = pl.col(RECORD).struct.field("snapshot_date").is_null().all().over(FILE)
    return raw_usage_snapshots.pipe(parsed, UsageSnapshots, settings, "usage_snapshots").with_columns(
        snapshot_date=pl.when(is_undated_file).then(pl.lit(settings.load_day)).otherwise("snapshot_date")
    )
