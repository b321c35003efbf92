"""Ratings of which none reaches the top of the scale that they are read on: theirs may end earlier."""

import duckdb

from health_assets.contracts.contract import WARN, Expectation
from health_assets.settings import Settings
from health_assets.tables import Table

RATINGS = {  # table -> its ratings, with the top of their scale
    "staged_feedback": {"nps_score": 10, "satisfaction_score": 5},
    "staged_support_tickets": {"satisfaction_score": 5},
}
SCALE = Expectation(
    "ratings__reach_the_top_of_their_scale",
    "rule",
    (),
    severity=WARN,
    description="Of plausibility.ratings_without_top whole ratings or more one is the highest of the scale that they are read "
    "on. Where none is, theirs may end earlier, such as a five for a ten",
)


def short_scales(cursor: duckdb.DuckDBPyConnection, table: Table, settings: Settings) -> str:
    """Each such rating with the setting that says its scale; none of which the settings say it already."""
    name = table.name.removeprefix("staged_")
    described = settings.sources[name].descriptions if name in settings.sources else []
    said = []
    for column, top in RATINGS[table.name].items():
        if any(column in one.scale for one in described):
            continue
        query = (
            f"select count({column}), max({column})::int, bool_and({column} = floor({column})) from {table.relation}"
        )
        ratings, highest, are_whole = cursor.execute(query).fetchone() or (0, None, None)
        if are_whole and ratings >= settings.plausibility.ratings_without_top and highest < top:
            said.append(
                f"none of {ratings:,} values of {column} is above {highest}, though the scale ends at {top}; if theirs ends at "
                f"{highest}: sources.{name}.scale: {{{column}: [1, {highest}]}}"
            )
    return "; ".join(said)
