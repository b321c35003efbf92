"""Every table of the warehouse, one file each; importing a file registers its table."""

import importlib
import pkgutil
from functools import cache

from health_assets.tables import TABLES, Table


def load_all() -> dict[str, Table]:
    """Every table of the package, by name."""
    _import_all()
    return TABLES


@cache
def _import_all() -> None:
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
