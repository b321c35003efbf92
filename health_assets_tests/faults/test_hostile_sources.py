"""Hostile files of every format and kind: each is read with every row accounted for, or refused in words; no traceback."""

import gzip
import io
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.contracts.contract import dtypes
from health_assets.orchestration.assets import source_of
from health_assets.settings import SettingsError
from health_assets.sources.check import check_sources
from health_assets.sources.formats import SourceError
from health_assets.sources.quarantine import filter_rows
from health_assets.sources.readers import collected, read_source
from health_assets.tables import TABLES, source_contracts
from health_assets_tests.frames import settings_of, written

load_all()
SOURCES, ROWS = 160, 12
FORMATS = ("csv", "csv.gz", "tsv", "jsonl", "json", "parquet", "xlsx")
ODD_VALUES: tuple[Any, ...] = (
    None, "", " ", "NaN", "soon", "2024-02-30", "9999-12-31", "1e308", "-1", "1.234,50", "Ünïcode 📈", 'say "hi"', "a,b", "a\nb",
    "=1+1", "x" * 5_000, ["a", "b"], {"a": {"b": 1}}, True, 12346.0, timedelta(seconds=5), b"\xff\x00", date(1, 1, 1),
)  # fmt: skip


def rows_of(rng: random.Random) -> list[dict[str, Any]]:
    """Invoices, of which some hold what no invoice should."""
    rows = []
    for number in range(ROWS):
        row: dict[str, Any] = {
            "invoice_id": f"I{number}", "account_id": "A", "invoice_date": "2024-01-01", "amount": str(number), "status": "paid",
        }  # fmt: skip
        for column in rng.sample(list(row), rng.choice([0, 0, 1, 2])):
            row[column] = rng.choice(ODD_VALUES)
        rows.append(row)
    return rows


def in_json(value: Any) -> Any:
    return value if value is None or isinstance(value, str | list | dict | bool | float) else str(value)


def as_file(kind: str, rows: list[dict[str, Any]], rng: random.Random) -> bytes:
    """The rows in a format; a column of Parquet holds one kind of odd value throughout."""
    if kind == "parquet":
        odd = rng.choice([value for value in ODD_VALUES if value is not None])
        strings = pl.DataFrame([{name: str(value) for name, value in row.items()} for row in rows])
        frame = strings.with_columns(
            pl.Series(rng.choice(["status", "amount", "invoice_date", "account_id"]), [odd] * len(rows))
        )
        content = io.BytesIO()
        frame.write_parquet(content)
        return content.getvalue()
    if kind == "xlsx":
        content = io.BytesIO()
        pl.DataFrame([{name: str(value)[:100] for name, value in row.items()} for row in rows]).write_excel(content)
        return content.getvalue()
    plain = [{name: in_json(value) for name, value in row.items()} for row in rows]
    if kind == "jsonl":
        return "\n".join(json.dumps(row) for row in plain).encode()
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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SOURCES))
def test_hostile_file_is_read_whole_or_rejected_in_words(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    kind, harm = FORMATS[seed % len(FORMATS)], rng.choice(HARM)
    written(tmp_path, f"i.{kind}", harm(as_file(kind, rows_of(rng), rng), rng))
    written(tmp_path, "accounts.csv", "account_id,company_name,signup_date\nA,Acme,2024-01-01\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "accounts.csv"}, "invoices": {"path": f"i.{kind}"}})
    rows, table, refusal = TABLES["raw_invoices"].rows, TABLES["staged_invoices"], ""
    try:
        check_sources(company, source_contracts())
        raw = collected(
            "invoices", company, lambda by_row: read_source("invoices", rows, company, by_row=by_row).collect()
        )
    except (SettingsError, SourceError) as error:
        refusal = str(error)
    if refusal:
        assert "i." in refusal or "sources.invoices" in refusal
        return
    existing = {"account_id": pl.Series(["A"])}
    stored = raw.lazy().cast(dtypes(rows))
    outcome = filter_rows(table.function(stored, company), table.contract, existing, source_of(table, company))
    counted = outcome.loads.drop("month").sum().to_dicts()[0] if raw.height else {"rows_read": 0}
    assert counted["rows_read"] == raw.height
    assert outcome.kept.height + outcome.rejected.height + counted.get("duplicates_collapsed", 0) == raw.height
    if harm is whole:
        assert raw.height == ROWS
