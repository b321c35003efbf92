"""Charts of small companies: what is drawn where nothing moved."""

import re
from datetime import date
from typing import Any

import polars as pl

from health_assets.dashboard import charts
from health_assets.reporting import revenue, svg

NOTHING_MOVED = [("starting", 19_460.0), ("new", 0.0), ("expansion", 0.0), ("churned", 0.0), ("ending", 19_460.0)]
LITTLE_MOVED = [("starting", 19_460.0), ("new", 0.0), ("expansion", 100.0), ("churned", -40.0), ("ending", 19_520.0)]


def axis_of(chart: dict[str, Any]) -> list[float]:
    (scale,) = (layer["encoding"]["x"]["scale"] for layer in chart["layer"] if "scale" in layer["encoding"]["x"])
    return list(scale["domain"])


def test_waterfall_of_a_month_without_movement_begins_at_0() -> None:
    lowest, highest = axis_of(charts.waterfall(NOTHING_MOVED, "USD", revenue.TOTALS).to_dict())
    assert lowest == 0
    assert highest > 19_460


def test_waterfall_of_small_movements_begins_below_them() -> None:
    lowest, _ = axis_of(charts.waterfall(LITTLE_MOVED, "USD", revenue.TOTALS).to_dict())
    assert 19_000 < lowest < 19_460


def test_waterfall_of_the_report_shows_totals_where_nothing_moved() -> None:
    widths = [
        float(width)
        for width in re.findall(r'<rect [^>]*width="([0-9.]+)"', svg.waterfall(NOTHING_MOVED, revenue.TOTALS, ""))
    ]
    assert widths[0] == widths[-1] > 100


def test_months_below_lines_are_those_of_the_points() -> None:
    months = pl.DataFrame({"month": [date(2026, month, 1) for month in range(1, 12)], "nps": [10.0] * 11})
    axis = charts.lines(months, "month", {"nps": "NPS"}, "NPS").to_dict()["encoding"]["x"]["axis"]
    assert axis["tickCount"] == {"interval": "month", "step": 2}


def test_lines_without_a_measured_value_are_not_drawn() -> None:
    months = pl.DataFrame({"month": [date(2026, 1, 1)], "nps": [None]}, schema_overrides={"nps": pl.Float64})
    assert charts.lines(months, "month", {"nps": "NPS"}, "NPS") is None
