"""Which rows the company leaves out: a SQL condition over the columns of its files."""

import io
import json
from typing import Any

import polars as pl

from health_assets.settings.source import Description
from health_assets.settings.suggestions import did_you_mean
from health_assets.sources.parsing import ROW


def condition(where: str) -> pl.Expr:
    """The SQL condition of the settings; a blank is different from any word, as people mean `tags <> 'test'`.

    Raises:
        PolarsError: it is no SQL.
    """
    written = json.loads(pl.sql_expr(where).meta.serialize(format="json"))
    return pl.Expr.deserialize(io.StringIO(json.dumps(_with_blanks(written))), format="json").cast(pl.Boolean)


def _with_blanks(node: Any) -> Any:
    """An expression in which `not` and `<>` hold for a blank as well: what is not known to be so is not so."""
    if isinstance(node, list):
        return [_with_blanks(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("Function", {}).get("function") == {"Boolean": "Not"}:
        denied = _with_blanks(node["Function"]["input"][0])
        return {
            "BinaryExpr": {"left": denied, "op": "NotEqValidity", "right": {"Literal": {"Scalar": {"Boolean": True}}}}
        }
    changed = {key: _with_blanks(value) for key, value in node.items()}
    return changed | {"op": "NotEqValidity"} if node.get("op") == "NotEq" else changed


def where_faults(source: Description, schema: pl.Schema, name: str) -> list[str]:
    """Why the condition of a source cannot be evaluated over the columns of a file."""
    if source.where is None:
        return []
    place = f"sources.{name}.where"
    try:
        wanted = condition(source.where)
        strange = [column for column in wanted.meta.root_names() if column not in schema]
        if not strange:
            pl.LazyFrame(schema=schema).select(wanted).collect()
    except pl.exceptions.PolarsError as error:
        return [f"{place} cannot be evaluated: {str(error).strip().splitlines()[0]}"]
    return [
        f"has no column {column!r}, which {place} names{did_you_mean(column, [c for c in schema if c != ROW], 'it has')}"
        for column in dict.fromkeys(strange)
    ]
