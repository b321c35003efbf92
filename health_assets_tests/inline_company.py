"""A company of a few inline rows: its files, its settings, and its tables made from them without a warehouse."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.settings import Settings
from health_assets.sources.readers import read_source
from health_assets_tests.every_table import OnDemand, evaluated, staged_tables


def company_of(folder: Path, files: dict[str, list[dict[str, Any]]], **chosen: Any) -> Settings:
    """Settings of a company whose sources are CSV files of the given rows; `sources` adds how they are spelled."""
    spellings = chosen.pop("sources", {})
    for name, rows in files.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    sources = {name: {"path": f"{name}.csv"} | spellings.get(name, {}) for name in files}
    file = folder / "settings.yml"
    file.write_text(yaml.safe_dump(chosen | {"sources": sources}), encoding="utf-8")
    return company_settings.load(file)


def made(wanted: str, settings: Settings) -> pl.LazyFrame:
    """A table made from the files by calling the transforms that it needs, as of the load day."""
    return all_made([wanted], settings)[wanted].lazy()


def all_made(wanted: Iterable[str], settings: Settings) -> dict[str, pl.DataFrame]:
    """Several tables."""
    staged = staged_tables(raw_tables(settings), settings)
    return evaluated(staged, settings, settings.load_day, wanted)


def raw_tables(settings: Settings) -> Mapping[str, pl.LazyFrame]:
    """The raw tables of a company's files; each is read when it is first needed."""
    rows = {name: table.rows for name, table in load_all().items() if table.rows is not None}
    return OnDemand(rows, lambda name: read_source(name.removeprefix("raw_"), rows[name], settings))
