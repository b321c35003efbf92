"""docs/metrics.md as examples: each rule's files, settings and day, and the rows that the tables must then have.

Under a `###` title, a table is introduced by the line above it:

    `support_tickets`:                                       a source: the rows of a company's file
    `fact.tickets` is:                                       a table of the warehouse, the named columns of all its rows
    `fact.tickets` where `account_id = 'A'` is:              of some rows
    `quarantine.invoices` is:                                the rejected rows

and before these, where they differ from the defaults, `Settings: {...}` in YAML, `As of 2025-01-30.` (the files are loaded on
LOAD_DAY all the same). A blank cell is null. Accounts that no table describes exist since 1 January 2024.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml

from health_assets.assets import load_all
from health_assets_tests.every_table import OnDemand, evaluated, filtered_tables
from health_assets_tests.inline_company import company_of, raw_tables

LOAD_DAY = date(2025, 1, 31)
HISTORY_START = "2024-09-01"
TITLE = re.compile(r"^### (?P<title>.+)$")
SETTINGS = re.compile(r"^Settings: `(?P<yaml>.+)`\.?$")
AS_OF = re.compile(r"^As of (?P<day>\d{4}-\d\d-\d\d)\.$")
SOURCE = re.compile(r"^`(?P<name>\w+)`:$")
RESULT = re.compile(r"^`(?P<name>\w+\.\w+)`(?: where `(?P<where>.+)`)? is:$")

Rows = list[dict[str, str]]


@dataclass
class Result:
    """What a table must hold."""

    relation: str
    where: str | None
    rows: Rows
    columns: list[str]


@dataclass
class Example:
    """A rule with its files and results."""

    title: str
    settings: dict[str, Any] = field(default_factory=dict)
    as_of: date = LOAD_DAY
    files: dict[str, Rows] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)


def examples(page: str) -> Iterator[Example]:
    """The rules of a page that have a result."""
    for block in re.split(r"^(?=#{1,3} )", page, flags=re.MULTILINE):
        lines = block.splitlines()
        if lines and (found := TITLE.match(lines[0])):
            example = _example(found["title"], lines[1:])
            if example.results:
                yield example


def _example(title: str, lines: list[str]) -> Example:
    example = Example(title)
    for place, line in enumerate(lines):
        if found := SETTINGS.match(line):
            example.settings = yaml.safe_load(found["yaml"])
        elif found := AS_OF.match(line):
            example.as_of = date.fromisoformat(found["day"])
        elif found := SOURCE.match(line):
            example.files[found["name"]] = _table(lines[place + 1 :])[1]
        elif found := RESULT.match(line):
            columns, rows = _table(lines[place + 1 :])
            example.results.append(Result(found["name"], found["where"], rows, columns))
    return example


def _table(lines: list[str]) -> tuple[list[str], Rows]:
    """The first Markdown table of the lines."""
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip().strip("`") for cell in line.strip().strip("|").split("|")])
        elif rows or line.strip():
            break
    header, _, *body = rows
    return header, [dict(zip(header, row, strict=True)) for row in body]


def outcome(example: Example, folder: Path) -> list[tuple[str, Rows, Rows]]:
    """For each result of an example: the table, the rows that it has, and those that it must have."""
    settings = company_of(folder, _with_accounts(example.files), **_settings_of(example))
    known = {table.relation: table for table in load_all().values()}
    filtered = filtered_tables(raw_tables(settings), settings)
    staged = OnDemand(filtered, lambda name: filtered[name].kept)
    wanted = [known[result.relation].name for result in example.results if result.relation in known]
    made = evaluated(staged, settings, example.as_of, wanted) if wanted else {}
    compared = []
    for result in example.results:
        if result.relation in known:
            rows = made[known[result.relation].name]
        else:
            rows = filtered[f"staged_{result.relation.split('.')[1]}"].rejected
        chosen = f"select {', '.join(result.columns)} from rows where {result.where or 'true'}"
        found = [
            _as_written(row, result) for row in duckdb.from_arrow(rows.to_arrow()).query("rows", chosen).pl().to_dicts()
        ]
        compared.append((result.relation, sorted(found, key=str), sorted(result.rows, key=str)))
    return compared


def _settings_of(example: Example) -> dict[str, Any]:
    given = dict(example.settings)
    return {"as_of": LOAD_DAY, "history_start": given.pop("history_start", HISTORY_START), **given}


def _with_accounts(files: dict[str, Rows]) -> dict[str, list[dict[str, Any]]]:
    described = files.get("accounts", [])
    needed = dict.fromkeys(row["account_id"] for rows in files.values() for row in rows if row.get("account_id"))
    accounts = described or [{"account_id": account} for account in needed]
    usual = {"signup_date": "2024-01-01", "status": "active"}
    return files | {"accounts": [usual | {"company_name": row["account_id"]} | row for row in accounts]}


def _as_written(row: dict[str, Any], result: Result) -> dict[str, str]:
    """The values of a row as the page writes them: a number with the decimals that the page gives it."""
    decimals = {
        column: max((len(wanted[column].partition(".")[2]) for wanted in result.rows), default=0) for column in row
    }
    return {column: _cell(value, decimals[column]) for column, value in row.items()}


def _cell(value: Any, decimals: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        shown = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        return f"{shown + 0:f}"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)
