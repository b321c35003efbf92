"""Were the settings of a source changed since the last published load? Then other sums are expected, and only warned of."""

import json

from health_assets.quality.load_expectations import FILLED, KEYS, MONEY, MONTHS, SETTINGS_CHANGED, UNCHANGED
from health_assets.settings import Settings
from health_assets.settings.described import description_of
from health_assets.tables import Table
from health_assets.warehouse.published_load import SOURCE_SETTINGS
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

EXPECTED_THEN = {FILLED.name, KEYS.name, MONEY.name, MONTHS.name, UNCHANGED.name, "rows__not_collapsed"}
SAME_UNIT = "__same_unit"


def with_changed_settings(
    found: dict[str, str], table: Table, warehouse: Warehouse, settings: Settings
) -> dict[str, str]:
    """What was found of a load; what other settings may explain is a warning that names them, if these have changed."""
    explained = {name: words for name, words in found.items() if name in EXPECTED_THEN or name.endswith(SAME_UNIT)}
    changed = _changed(table, warehouse, settings) if explained else []
    if not changed:
        return found
    source = table.name.removeprefix("staged_")
    keys = ", ".join(changed)
    said = f"settings of `{source}` have changed ({keys}) since the last published load, which may explain it: "
    others = {name: words for name, words in found.items() if name not in explained}
    return others | {SETTINGS_CHANGED.name: said + "; ".join(explained.values())}


def _changed(table: Table, warehouse: Warehouse, settings: Settings) -> list[str]:
    """The keys of the source's description, and of the company's settings that concern it, that differ."""
    query = f"select description from {SOURCE_SETTINGS} where relation = {literal(table.relation)}"
    before = warehouse.cursor().execute(query).fetchone()
    if before is None:
        return []
    then, now = json.loads(before[0]), json.loads(description_of(table.name.removeprefix("staged_"), settings))
    return sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
