"""A company whose sources are pulled."""

from pathlib import Path
from typing import Any

import polars as pl
import yaml

from health_assets import settings
from health_assets.settings import Settings


def company_of(folder: Path, pull: dict[str, Any], *sources: str, **chosen: Any) -> Settings:
    """Settings with one vendor under `pull`, whose preset gives the sources."""
    (vendor,) = pull
    given = {"pull": pull, "sources": {source: {"preset": vendor} for source in sources}}
    file = folder / "settings.yml"
    file.write_text(yaml.safe_dump(given | {"warehouse": "data/warehouse.duckdb"} | chosen), encoding="utf-8")
    return settings.load(file)


def table(company: Settings, vendor: str, name: str) -> pl.DataFrame:
    """A table as it was pulled."""
    return pl.read_parquet(company.pulled / vendor / f"{name}.parquet")
