"""Dagster's history in PostgreSQL, with connections that are kept: the stock storage opens one for every event.

For companies that keep no state on the machine of the runs; the default is SQLite, see event_log.py. A dagster.yaml that
uses it is deploy/dagster-postgres.yaml.
"""

import re
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, get_token_provider_from_config, pg_url_from_config

KEPT_OPEN = 2  # connections of each storage and process
AT_MOST = 8  # more of them while several threads ask at once
RENEWED_AFTER = 1800  # seconds


class PooledPostgresStorage(DagsterPostgresStorage):
    """The stock storage of runs, events and schedules, whose connections are used again."""

    def __init__(self, postgres_url: str, *given: Any, **named: Any) -> None:
        # dagster-postgres brings this driver; SQLAlchemy's default is another one
        postgres_url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", postgres_url)
        super().__init__(postgres_url, *given, **named)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = create_pg_engine(
                postgres_url,
                storage._token_provider,
                isolation_level="AUTOCOMMIT",
                pool_size=KEPT_OPEN,
                max_overflow=AT_MOST,
                pool_recycle=RENEWED_AFTER,
                pool_pre_ping=True,  # a server that was restarted is not an error
            )

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PooledPostgresStorage":
        """Called by Dagster with the section of dagster.yaml."""
        return cls(
            pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )
