"""A company of a few inline rows: its files, its settings, and its tables made from them without a warehouse."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from health_assets import settings as company_settings
from health_assets.expressions import Period
from health_assets.gate import gated
from health_assets.settings import Settings
from health_assets.sources import read_source
from health_assets.tables import load_all


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
    tables = load_all()
    injected = {
        "settings": settings,
        "as_of": settings.load_day,
        "load_day": settings.load_day,
        "period": Period(settings.history_start, settings.load_day),
    }

    @cache
    def make(name: str) -> pl.LazyFrame:
        table = tables[name]
        if table.rows is not None:
            return read_source(name.removeprefix("raw_"), table.rows, settings)
        rows = table.function(
            **{reads: make(reads) for reads in table.inputs}, **{given: injected[given] for given in table.injected}
        )
        kept = gated(rows, table.contract, {}, monthly=table.monthly).kept if table.is_gated else rows.collect()
        return kept.lazy()

    return make(wanted)
