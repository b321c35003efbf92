"""Hostile files of every format and kind: each is read with every row accounted for, or refused in words; no traceback."""

import gzip
import io
import json
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from dataframely.columns import Column

from health_assets.assets import load_all
from health_assets.contracts.contract import dtypes, meta
from health_assets.orchestration.assets import source_of
from health_assets.settings import Settings, SettingsError
from health_assets.sources.check import check_sources
from health_assets.sources.columns import given_columns
from health_assets.sources.formats import SourceError
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.sources.readers import collected, read_source
from health_assets.tables import TABLES, source_contracts
from health_assets_tests.frames import LOAD_DAY, settings_of, written

load_all()
FILES, ROWS = 260, 12
FORMATS = ("csv", "csv.gz", "tsv", "jsonl", "jsonl.gz", "json", "parquet", "xlsx", "folder")
SOURCES = sorted(source_contracts())
ODD_VALUES: tuple[Any, ...] = (
    None, "", " ", "NaN", "soon", "2024-02-30", "9999-12-31", "1e308", "-1", "1.234,50", "Ünïcode 📈", 'say "hi"', "a,b", "a\nb",
    "=1+1", "x" * 5_000, ["a", "b"], {"a": {"b": 1}}, [], {}, [None], True, 12346.0, timedelta(seconds=5), b"\xff\x00",
    date(1, 1, 1), datetime(2024, 1, 1, 10), "\u202e\x07",
)  # fmt: skip


def good_value(column: str, declared: Column | None, number: int) -> str:
    """What a sound file has in a column of ours."""
    if column == "account_id":
        return "A"
    if declared is None or declared.dtype == pl.String:
        return f"{column} {number}"
    if isinstance(declared, dy.Enum):
        return str(declared.categories[number % len(declared.categories)])
    if declared.dtype.is_temporal():
        return f"2024-01-{number + 1:02}"
    return "true" if declared.dtype == pl.Boolean else "1"


def rows_of(source: str, rng: random.Random) -> list[dict[str, Any]]:
    """Rows of a source with all of its columns, of which some hold what none should."""
    contracts = source_contracts()[source]
    staged, given = contracts.staged.columns(), given_columns(contracts.raw)
    rows = []
    for number in range(ROWS):
        row: dict[str, Any] = {column: good_value(column, staged.get(column), number) for column in given}
        for column in rng.sample(given, rng.choice([0, 0, 1, 2])):
            row[column] = rng.choice(ODD_VALUES)
        rows.append(row)
    return rows


def in_json(value: Any) -> Any:
    return value if value is None or isinstance(value, str | list | dict | bool | float) else str(value)


def as_file(kind: str, rows: list[dict[str, Any]], rng: random.Random) -> bytes:
    """The rows in a format; a column of Parquet holds one kind of odd value throughout."""
    if kind == "parquet":
        odd = rng.choice(
            [value for value in ODD_VALUES if value is not None and value != {}]
        )  # Parquet has no empty struct
        strings = pl.DataFrame([{name: str(value) for name, value in row.items()} for row in rows])
        frame = strings.with_columns(pl.Series(rng.choice(list(rows[0])), [odd] * len(rows)))
        content = io.BytesIO()
        frame.write_parquet(content)
        return content.getvalue()
    if kind == "xlsx":
        content = io.BytesIO()
        pl.DataFrame([{name: str(value)[:100] for name, value in row.items()} for row in rows]).write_excel(content)
        return content.getvalue()
    plain = [{name: in_json(value) for name, value in row.items()} for row in rows]
    if kind in ("jsonl", "jsonl.gz"):
        lines = "\n".join(json.dumps(row) for row in plain).encode()
        return gzip.compress(lines) if kind == "jsonl.gz" else lines
    if kind == "json":
        return json.dumps(plain).encode()
    text = pl.DataFrame([{name: None if value is None else str(value) for name, value in row.items()} for row in plain])
    content = text.write_csv(separator="\t" if kind == "tsv" else ",").encode()
    return gzip.compress(content) if kind == "csv.gz" else content


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def noisy(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes(rng.choices(range(256), k=5)) + content[place:]


def with_long_row(content: bytes, rng: random.Random) -> bytes:
    return content + b"\n1,2,3,4,5,6,7,8,9\n"


def whole(content: bytes, rng: random.Random) -> bytes:
    return content


def empty(content: bytes, rng: random.Random) -> bytes:
    return b""


def recoded(content: bytes, rng: random.Random) -> bytes:
    return content.decode("utf-8", errors="replace").encode(
        rng.choice(["utf-16", "utf-8-sig", "cp1252"]), errors="replace"
    )


HARM: tuple[Callable[[bytes, random.Random], bytes], ...] = (whole, whole, cut, noisy, with_long_row, empty, recoded)


def write_files(folder: Path, kind: str, content: bytes) -> str:
    """The path of the source; of a folder, two files of the same name in trees of their own and one that holds nothing."""
    if kind != "folder":
        return Path(written(folder, f"source.{kind}", content)).name
    for tree in ("one/a", "two/a"):
        (folder / tree).mkdir(parents=True)
        (folder / tree / "source.csv").write_bytes(content)
    (folder / "one" / "a" / "empty.csv").write_bytes(b"")
    return "**/a/*.csv"


def outcome_of(source: str, company: Settings) -> tuple[int, FilteredRows]:
    """Rows in the files, and what becomes of them."""
    table, raw_table = TABLES[f"staged_{source}"], TABLES[f"raw_{source}"]
    rows = raw_table.rows
    check_sources(company, source_contracts())
    raw = collected(source, company, lambda by_row: read_source(source, rows, company, by_row=by_row).collect())
    raw_table.function(company).collect()  # of events the profile
    existing = {
        column: pl.Series([f"{column} {number}" for number in range(ROWS)] + ["A"])
        for column, declared in table.contract.columns().items()
        if meta(declared, "references")
    }
    given = {name: {"settings": company, "load_day": LOAD_DAY}[name] for name in table.injected}
    parsed = table.function(raw.lazy().cast(dtypes(rows)), **given)
    return raw.height, filter_rows(parsed, table.contract, existing, source_of(table, company), monthly=table.monthly)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FILES))
def test_hostile_file_is_read_whole_or_rejected_in_words(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    kind, source, harm = FORMATS[seed % len(FORMATS)], rng.choice(SOURCES), rng.choice(HARM)
    content = harm(as_file("csv" if kind == "folder" else kind, rows_of(source, rng), rng), rng)
    written(tmp_path, "right.csv", "account_id,company_name,signup_date\nA,Acme,2024-01-01\n")
    sources = {"accounts": {"path": "right.csv"}, source: {"path": write_files(tmp_path, kind, content)}}
    company = settings_of(tmp_path, sources=sources)
    refusal = ""
    try:
        rows, outcome = outcome_of(source, company)
    except (SettingsError, SourceError) as error:
        refusal = str(error)
    if refusal:
        assert "source." in refusal or f"sources.{source}" in refusal
        return
    counted = outcome.loads.drop("month").sum().to_dicts()[0] if rows else {"rows_read": 0}
    assert counted["rows_read"] == rows
    assert outcome.kept.height + outcome.rejected.height + counted.get("duplicates_collapsed", 0) == rows
    if harm is whole:
        assert rows == ROWS * (2 if kind == "folder" else 1)
