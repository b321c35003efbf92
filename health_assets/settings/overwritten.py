"""Whether a run would write over a file that the settings name as an input."""

import glob
import os
from collections.abc import Mapping
from pathlib import Path

from health_assets.settings.source import IdMap, Source


def marts_file(warehouse: Path) -> Path:
    """The second file of the warehouse, next to the first: dim, fact and mart."""
    return warehouse.with_name(f"{warehouse.stem}.marts{warehouse.suffix}")


def overwritten(sources: Mapping[str, Source], id_map: IdMap | None, published: Path, warehouse: Path) -> list[str]:
    """What a run would write over: a file of a source, or one of its own files by another."""
    given = {
        os.path.realpath(file): f"a file of sources.{name}"
        for name, source in sources.items()
        for description in source.descriptions
        for path in description.path
        if "://" not in path and not description.is_queried
        for file in glob.glob(path, recursive=True)
    }
    if id_map:
        given[os.path.realpath(id_map.path)] = "the id_map"
    faults = [
        f"{name}: {path} is {given[os.path.realpath(path)]}; a run would write over it: choose another name"
        for name, path in (("published", published), ("warehouse", warehouse), ("warehouse", marts_file(warehouse)))
        if os.path.realpath(path) in given
    ]
    if published in (warehouse, marts_file(warehouse)):
        faults.append(f"published: {published} is the warehouse as well; choose another name")
    return faults
