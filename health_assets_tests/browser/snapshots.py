"""Snapshots made from a published one, by SQL: emptied, with hostile names, or many times as large."""

import os
import shutil
from pathlib import Path

import duckdb
import yaml

from health_assets.settings import Settings

HOSTILE = [
    "<script>document.title = 'stolen'</script><img src=x onerror=\"document.title='stolen'\">",
    '=HYPERLINK("http://example.com", "click")',
    "\u202eevil\u202c شركة الأمل",
    "x" * 10_000,
    "**[link](http://example.com)** $a^2$ :material/home: ![](http://example.com/x.png)",
]
DAYS = 100  # of the history of health that a multiplied snapshot keeps: what the pages compare with


def company_with(folder: Path, company: Settings, *statements: str) -> Path:
    """The settings file of a company whose snapshot is a changed copy of another's."""
    folder.mkdir(parents=True, exist_ok=True)
    place(folder, Path(os.path.realpath(company.published)), *statements)
    settings = {"company": company.company, "published": "published.duckdb", "warehouse": "warehouse.duckdb"}
    settings |= {"as_of": "2025-01-17"}
    file = folder / "settings.yml"
    file.write_text(yaml.safe_dump(settings))
    return file


def place(folder: Path, source: Path, *statements: str) -> None:
    """A changed copy of a snapshot in a folder of its own, and the link swapped to it as publishing does."""
    number = len(list(folder.glob("snapshot-*"))) + 1
    copy = folder / f"snapshot-{number}" / "published.duckdb"
    copy.parent.mkdir()
    shutil.copy(source, copy)
    with duckdb.connect(str(copy)) as connection:
        for statement in statements:
            connection.execute(statement)
    link = folder / ".published.new"
    link.symlink_to(copy)
    os.replace(link, folder / "published.duckdb")


def tables(company: Settings) -> list[tuple[str, list[str]]]:
    """The tables of dim, fact, mart and quarantine with their columns."""
    with duckdb.connect(os.path.realpath(company.published), read_only=True) as connection:
        return connection.sql(
            "select schema_name || '.' || table_name, list(column_name) from duckdb_columns() where not internal and "
            "table_oid in (select table_oid from duckdb_tables()) and schema_name in ('dim', 'fact', 'mart', 'quarantine') "
            "group by all order by all"
        ).fetchall()


def emptied(company: Settings) -> list[str]:
    """Every table without a row."""
    return [f"delete from {name}" for name, _ in tables(company)]


def hostile(company: Settings) -> list[str]:
    """The first accounts of the attention list and of all accounts bear hostile names."""
    names = ", ".join("('" + name.replace("'", "''") + "')" for name in HOSTILE)
    first = (
        f"create temp table renamed as select account_id, name from (select account_id, row_number() over (order by "
        f"attention_rank nulls last, mrr desc nulls last, account_id) as place from dim.account left join mart.attention_list "
        f"using (account_id, mrr)) join (select name, row_number() over () as place from (values {names}) as names(name)) "
        "using (place)"
    )
    renamed = [
        f"update {table} set company_name = renamed.name from renamed where {table}.account_id = renamed.account_id"
        for table, columns in tables(company)
        if {"account_id", "company_name"} <= set(columns)
    ]
    return [first, *renamed]


def multiplied(company: Settings, copies: int) -> list[str]:
    """Every account so many times, under other ids and names; figures of the whole company are left as they are."""
    statements = [f"delete from mart.customer_health_daily where as_of_date < (select as_of_date - {DAYS} from about)"]
    for table, columns in tables(company):
        if "account_id" not in columns or table.startswith("quarantine"):
            continue
        name = table.split(".")[1]
        if name.startswith("account_") and name.endswith("_daily"):
            statements.append(f"delete from {table} where as_of_date < (select as_of_date from about)")
        changed = "account_id || '-' || copy as account_id"
        if "company_name" in columns:
            changed += ", company_name || ' ' || copy as company_name"
        if name == "attention_list":
            changed += ", attention_rank + 1000 * copy as attention_rank"
        statements.append(
            f"insert into {table} select * exclude (copy) replace ({changed}) from {table} cross join range(1, {copies}) as copies(copy)"
        )
    return [*statements, "checkpoint"]
