"""A part of the snapshot: the accounts of one owner or one segment, in the same tables under the same names."""

from dataclasses import dataclass

import duckdb

from health_assets.warehouse.sql import literal

WHOLE = {"main.about", "main.sources", "dim.date", "dim.feature"}  # that say nothing about any account


@dataclass(frozen=True)
class Scope:
    """The accounts that are read: all, or those of one owner, of one segment, or of both."""

    owner: str | None = None
    segment: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether every account is read."""
        return self.owner is None and self.segment is None

    @property
    def condition(self) -> str:
        """The accounts of dim.account, as SQL."""
        given = {"account_owner": self.owner, "segment": self.segment}
        return " and ".join(f"{column} = {literal(value)}" for column, value in given.items() if value is not None)

    def in_words(self) -> str:
        """The scope in a heading, e.g. "accounts of Lena Fischer, segment smb"."""
        owner = f"accounts of {self.owner}" if self.owner is not None else ""
        segment = f"segment {self.segment}" if self.segment is not None else ""
        return ", ".join(filter(None, [owner, segment])) or "all accounts"


def connected(file: str, scope: Scope) -> duckdb.DuckDBPyConnection:
    """A connection whose tables hold the accounts of the scope only.

    Tables without an account_id are figures of the whole company and are left out, so that a page that needs them says so.
    """
    connection = duckdb.connect()
    connection.execute(f"attach {literal(file)} as snapshot (read_only)")
    chosen = f"select account_id from snapshot.dim.account where {scope.condition}"
    tables = connection.sql(
        """
        select schema_name, table_name, bool_or(column_name = 'account_id') as has_account
        from duckdb_columns() where database_name = 'snapshot' and schema_name in ('main', 'dim', 'fact', 'mart')
        group by all
        """
    ).fetchall()
    for schema, table, has_account in tables:
        name = f'{schema}."{table}"'
        if has_account or f"{schema}.{table}" in WHOLE:
            connection.execute(f"create schema if not exists {schema}")
            rows = f" where account_id in ({chosen})" if has_account else ""
            connection.execute(f"create view {name} as from snapshot.{name}{rows}")
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    return connection
