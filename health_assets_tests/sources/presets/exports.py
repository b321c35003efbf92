"""A vendor's export in a folder, and what its preset makes of it."""

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl

from health_assets.assets import load_all
from health_assets.settings import Settings
from health_assets.sources import answers
from health_assets.sources.readers import read_source
from health_assets_tests.every_table import filtered_tables
from health_assets_tests.frames import settings_of

Rows = list[dict[str, Any]]


def csv_export(folder: Path, tables: dict[str, Rows]) -> None:
    """One CSV file per table, as Fivetran's tables look."""
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        header = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header)
            writer.writeheader()
            writer.writerows(rows)


def json_export(folder: Path, tables: dict[str, Rows]) -> None:
    """One file of JSON lines per table, as an API answers and Airbyte keeps it."""
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")


def parquet_export(folder: Path, tables: dict[str, Rows]) -> None:
    """One folder of Parquet files per table, as dlt's filesystem destination keeps it."""
    for name, rows in tables.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(folder / name / "1717.parquet")


def of_preset(folder: Path, vendor: str, *sources: str, export: str = "export", **chosen: Any) -> Settings:
    """Settings of a company whose sources all come from one export, fetched."""
    described = {name: {"preset": vendor, "path": export} | chosen.get(name, {}) for name in sources}
    chosen = {key: value for key, value in chosen.items() if key not in sources}
    settings = settings_of(folder, sources=described, **chosen)
    answers.fetch_answers(settings)
    return settings


def staged(table: str, settings: Settings) -> pl.DataFrame:
    """The rows of a staged table that are kept."""
    raw = {
        name: read_source(name.removeprefix("raw_"), known.rows, settings)
        for name, known in load_all().items()
        if known.rows is not None
    }
    return filtered_tables(raw, settings)[table].kept


def answered(source: str, settings: Settings) -> pl.DataFrame:
    """The answer of a preset as it is."""
    return pl.read_parquet(settings.sources[source].paths[0])
