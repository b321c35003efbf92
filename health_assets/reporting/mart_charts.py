"""The charts of three marts as images of their own, which the Dagster UI shows with each write of the mart."""

import base64
from collections.abc import Callable
from html import unescape
from importlib.util import find_spec

import duckdb

from health_assets.reporting import portfolio, revenue, svg
from health_assets.reporting.palette import band_marks
from health_assets.reporting.reader import frame
from health_assets.settings import Settings

MONTHS = 24
COHORTS = 12
STYLE = "<style>text{font:8px sans-serif;fill:#57606a}.grid{stroke:#e4e8ec}</style><rect width='100%' height='100%' fill='#fff'/>"


def image(table: str, connection: duckdb.DuckDBPyConnection, settings: Settings) -> str | None:
    """The chart of a mart as Markdown; None for a mart without one, or where there is nothing to draw.

    A PNG image where vl-convert is installed (extra `dashboard`), else SVG.
    """
    drawn = CHARTS[table](connection, settings) if table in CHARTS else ""
    if not drawn:
        return None
    caption = unescape(drawn.split('aria-label="', 1)[1].split('"', 1)[0])
    if "legend" in drawn:
        words = ", ".join(mark.symbol + " " + band for band, mark in band_marks(settings).items())
        caption += f" (from below: {words})"
    alone = drawn.split("</svg>")[0].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    opening, rest = alone.split(">", 1)
    text = f"{opening}>{STYLE}{rest}</svg>"
    if find_spec("vl_convert"):
        import vl_convert

        return _markdown(caption, "png", vl_convert.svg_to_png(text))
    return _markdown(caption, "svg+xml", text.encode())


def _markdown(caption: str, kind: str, content: bytes) -> str:
    return f"{caption}\n\n![chart](data:image/{kind};base64,{base64.b64encode(content).decode()})"


def _bands(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    found = portfolio.bands_over_time(connection)
    months = found["month"].unique().sort().to_list()[-MONTHS:]
    if not months:
        return ""
    counts = {(row["month"], row["health_band"]): float(row["account_count"]) for row in found.to_dicts()}
    marks = band_marks(settings)
    series = {band: [counts.get((month, band), 0.0) for month in months] for band in marks}
    return svg.stacked([f"{month:%b %y}" for month in months], series, marks, "Accounts by health band and month")


def _waterfall(connection: duckdb.DuckDBPyConnection, _: Settings) -> str:
    steps = revenue.waterfall(connection)
    return svg.waterfall(steps, revenue.TOTALS, "MRR from the start of the month to its end") if steps else ""


def _cohorts(connection: duckdb.DuckDBPyConnection, _: Settings) -> str:
    found = frame(
        connection,
        "select cohort_month, month_offset, account_retention_pct from mart.revenue_cohorts where cohort_month > "
        f"(select max(cohort_month) - interval {COHORTS} month from mart.revenue_cohorts) order by all",
    )
    cells = {
        (f"{row['cohort_month']:%b %y}", row["month_offset"]): row["account_retention_pct"] for row in found.to_dicts()
    }
    return (
        svg.heatmap(cells, "Share of each cohort's accounts that still pay, by months since they began, %")
        if cells
        else ""
    )


CHARTS: dict[str, Callable[[duckdb.DuckDBPyConnection, Settings], str]] = {
    "mart_executive_summary_monthly": _bands,
    "mart_net_revenue_retention": _waterfall,
    "mart_revenue_cohorts": _cohorts,
}
