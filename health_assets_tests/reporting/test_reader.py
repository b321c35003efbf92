"""Readers of the snapshot can read it and nothing else."""

import duckdb
import pytest

from health_assets.reporting.reader import published
from health_assets_tests.conftest import WholeCompany


@pytest.mark.parametrize(
    "statement",
    [
        "create table written as select 1",
        "set threads = 1",
        "select * from read_text('/etc/hostname')",
        "attach '/tmp/another.duckdb'",
    ],
)
def test_a_reader_neither_writes_nor_leaves_the_snapshot(whole_company: WholeCompany, statement: str) -> None:
    with published(whole_company.settings) as connection, pytest.raises(duckdb.Error):
        connection.execute(statement)
