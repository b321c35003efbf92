"""The charts of the pages. They draw what a query answered; the colours are those of reporting/palette.py."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from health_assets.reporting.formatting import number, spaced
from health_assets.reporting.palette import GAIN, LINES, LOSS, TOTAL, Mark

HEIGHT = 260
MONTH = "%b %Y"
ROW, AXIS = 26, 70  # pixels of a row of bars, and of the axis below
NAMES = alt.Axis(labelLimit=220, labelOverlap=False)
FEW = 3  # lines
POINTS = "points"  # the unit of scores
MONTHS_NAMED = 6  # of a line chart on half a page
ROOM_FOR_AMOUNT = 36  # pixels
ROOM = 0.14  # of the width of a waterfall, for the last amount
SEEN = 0.75  # of the highest level: movements that all lie above it would be too thin to see from 0


def draw(chart: Any, label: str, caption: str = "") -> None:
    """Show a chart below its caption, with a description for screen readers; None = there is nothing to draw."""
    if caption:
        st.caption(caption)
    if chart is None:
        st.info(f"{label}: not measured yet.", icon="ℹ️")
        return
    st.altair_chart(chart, width="stretch", alt=label)


def stacked(rows: pl.DataFrame, month: str, amount: str, word: str, marks: Mapping[str, Mark], unit: str) -> Any:
    """Bars by month, one segment for each word; a stock at each month's end, so the months are never added.

    The legend is drawn by `legend`.
    """

    def in_words(one: str) -> str:
        return f"{marks[one].symbol} {spaced(one)}"

    present = [one for one in marks if one in set(rows[word])]
    labelled = rows.with_columns(
        label=pl.col(word).replace_strict({one: in_words(one) for one in marks}, default=pl.col(word)),
        place=pl.col(word).replace_strict({one: place for place, one in enumerate(marks)}, default=len(marks)),
    )
    scale = alt.Scale(domain=[in_words(one) for one in present], range=[marks[one].colour for one in present])
    return (
        alt.Chart(labelled)
        .mark_bar()
        .encode(
            x=alt.X(f"yearmonth({month}):O", title=None, axis=alt.Axis(format=MONTH, labelOverlap=True)),
            y=alt.Y(f"sum({amount}):Q", title=unit, axis=alt.Axis(format=",.0f")),
            color=alt.Color("label:N", title=None, scale=scale, legend=None),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip(f"{month}:T", format=MONTH, title="month"),
                alt.Tooltip("label:N", title="band"),
                alt.Tooltip(f"{amount}:Q", format=",.0f", title=unit),
            ],
        )
        .properties(height=HEIGHT)
    )


def legend(marks: Mapping[str, Mark]) -> None:
    """The colour and the symbol of each word, in a line that wraps: a legend inside a narrow chart would be cut off."""
    keys = (
        f'<span style="white-space: nowrap; margin-right: 14px"><span style="color: {mark.colour}">■</span> '
        f"{mark.symbol} {escape(spaced(word))}</span>"
        for word, mark in marks.items()
    )
    st.html(f'<div style="font-size: 14px">{" ".join(keys)}</div>')


def lines(rows: pl.DataFrame, day: str, columns: Mapping[str, str], unit: str, *, zero: bool = False) -> Any:
    """A line over months for each column, under its label; null leaves a gap. None where nothing is measured."""
    long = rows.select(day, *columns).unpivot(index=day, variable_name="line", value_name="value")
    long = long.with_columns(pl.col("line").replace(dict(columns))).drop_nulls("value")
    if long.is_empty():
        return None
    names, month_count = list(columns.values()), long[day].n_unique()
    every = alt.TimeIntervalStep(
        interval="month", step=-(-month_count // MONTHS_NAMED)
    )  # else a tick may lie between months
    columns_of_legend = (
        1 if len(names) <= FEW else FEW
    )  # below each other: next to each other they would not fit a half page
    legend = alt.Legend(orient="top", columns=columns_of_legend, labelLimit=400, symbolType="stroke", symbolSize=300)
    return (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X(f"{day}:T", title=None, axis=alt.Axis(format=MONTH, labelOverlap=True, tickCount=every)),
            y=alt.Y("value:Q", title=unit, scale=alt.Scale(zero=zero)),
            color=alt.Color(
                "line:N", title=None, scale=alt.Scale(domain=names, range=list(LINES[: len(names)])),
                legend=legend if len(names) > 1 else None,
            ),
            strokeDash=alt.StrokeDash("line:N", title=None, legend=legend if len(names) > 1 else None, scale=alt.Scale(domain=names)),
            tooltip=[
                alt.Tooltip(f"{day}:T", title="day"), alt.Tooltip("line:N", title="metric"),
                alt.Tooltip("value:Q", format=",.1f", title=unit),
            ],
        )
        .properties(height=HEIGHT)
    )  # fmt: skip


def waterfall(steps: Sequence[tuple[str, float]], unit: str, totals: Sequence[str]) -> Any:
    """What was added and taken, step by step; the steps that are `totals` stand on the ground."""
    rows: list[dict[str, Any]] = []
    reached = 0.0
    for name, amount in steps:
        is_total = name in totals
        start, end = (0.0, amount) if is_total else (reached, reached + amount)
        kind = "total" if is_total else "gain" if amount >= 0 else "loss"
        shown = number(amount, 1 if unit == POINTS else 0, "" if is_total or not amount else "+")
        rows.append(
            {
                "step": name,
                "start": start,
                "end": end,
                "amount": amount,
                "kind": kind,
                "top": max(start, end),
                "shown": shown,
            }
        )
        reached = end
    lowest = _ground(
        [(row["start"], row["end"]) for row in rows if row["kind"] != "total"], [row["top"] for row in rows]
    )
    highest = max(row["top"] for row in rows)
    end_of_axis = highest + ROOM * ((highest - lowest) or 1)
    frame = pl.DataFrame(rows).with_columns(pl.col("start").clip(lower_bound=lowest))
    base = alt.Chart(frame).encode(y=alt.Y("step:N", title=None, sort=None, axis=NAMES))
    bars = base.mark_bar().encode(
        x=alt.X("start:Q", title=unit, axis=alt.Axis(format=",.0f"), scale=alt.Scale(domain=[lowest, end_of_axis])),
        x2="end:Q",
        color=alt.Color(
            "kind:N", legend=None, scale=alt.Scale(domain=["gain", "loss", "total"], range=[GAIN, LOSS, TOTAL])
        ),
        tooltip=["step:N", alt.Tooltip("amount:Q", format="+,.1f", title=unit)],
    )
    amounts = base.mark_text(dx=4, align="left", color="gray").encode(x="top:Q", text="shown:N")
    return (bars + amounts).properties(height=ROW * frame.height + AXIS)


def _ground(movements: Sequence[tuple[float, float]], tops: Sequence[float]) -> float:
    """Where the axis of a waterfall begins: at 0, or below the movements where they would be too thin to see."""
    reached = [level for movement in movements for level in movement]
    if not reached or min(reached) == max(reached) or min(reached) < SEEN * max(tops):
        return 0.0
    return max(0.0, min(reached) - 2 * (max(reached) - min(reached)))


def bars(rows: pl.DataFrame, name: str, amount: str, unit: str, colour: str = GAIN) -> Any:
    """Horizontal bars in the order of the rows."""
    return (
        alt.Chart(rows)
        .mark_bar(color=colour)
        .encode(
            y=alt.Y(f"{name}:N", sort=None, title=None, axis=NAMES),
            x=alt.X(f"{amount}:Q", title=unit, axis=alt.Axis(format=",.0f")),
            tooltip=[f"{name}:N", alt.Tooltip(f"{amount}:Q", format=",.1f", title=unit)],
        )
        .properties(height=ROW * rows.height + AXIS)
    )


def months(rows: pl.DataFrame, month: str, amount: str, unit: str, colour: str = GAIN) -> Any:
    """A bar for each month, of a flow or of a stock at its end."""
    return (
        alt.Chart(rows)
        .mark_bar(color=colour)
        .encode(
            x=alt.X(f"yearmonth({month}):O", title=None, axis=alt.Axis(format=MONTH, labelOverlap=True)),
            y=alt.Y(f"{amount}:Q", title=unit, axis=alt.Axis(format=",.0f")),
            tooltip=[alt.Tooltip(f"{month}:T", format=MONTH), alt.Tooltip(f"{amount}:Q", format=",.1f", title=unit)],
        )
        .properties(height=HEIGHT)
    )


def cohorts(rows: pl.DataFrame, value: str, unit: str) -> Any:
    """A heat map of cohorts by months since their start; cells that lie ahead are empty."""
    return (
        alt.Chart(rows.drop_nulls(value))
        .mark_rect()
        .encode(
            x=alt.X("month_offset:O", title="months since the start of the cohort", axis=alt.Axis(labelOverlap=True, labelAngle=0)),
            y=alt.Y("yearmonth(cohort_month):O", title=None, axis=alt.Axis(format=MONTH)),
            color=alt.Color(
                f"{value}:Q", title=unit, scale=alt.Scale(scheme="blues", domainMin=0), legend=alt.Legend(orient="top")
            ),
            tooltip=[
                alt.Tooltip("cohort_month:T", format=MONTH, title="cohort"), alt.Tooltip("month_offset:O", title="month"),
                alt.Tooltip(f"{value}:Q", format=".1f", title=unit),
                alt.Tooltip("cohort_account_count:Q", title="accounts at the start"),
            ],
        )
        .properties(height=max(200, 17 * rows["cohort_month"].n_unique()))
    )  # fmt: skip


def health(rows: pl.DataFrame, floors: Mapping[str, float], marks: Mapping[str, Mark]) -> Any:
    """The score of each day over the bands of the scorecard."""
    edges = sorted(floors.items(), key=lambda item: item[1])
    ranges = pl.DataFrame(
        [
            {"band": spaced(band), "from": floor, "to": edges[place + 1][1] if place + 1 < len(edges) else 100.0}
            for place, (band, floor) in enumerate(edges)
        ],
        schema={"band": pl.String, "from": pl.Float64, "to": pl.Float64},
    )
    background = (
        alt.Chart(ranges)
        .mark_rect(opacity=0.18)
        .encode(
            y=alt.Y("from:Q", title="health score, 0-100", scale=alt.Scale(domain=[0, 100])),
            y2="to:Q",
            color=alt.Color(
                "band:N", title=None, legend=alt.Legend(orient="top"),
                scale=alt.Scale(domain=[spaced(band) for band in floors], range=[marks[band].colour for band in floors]),
            ),
        )
    )  # fmt: skip
    line = (
        alt.Chart(rows.drop_nulls("health_score"))
        .mark_line(color=TOTAL)
        .encode(
            x=alt.X("as_of_date:T", title=None),
            y="health_score:Q",
            tooltip=["as_of_date:T", alt.Tooltip("health_score:Q", format=".1f"), "health_band:N", "scorecard:N"],
        )
    )
    return (background + line).properties(height=HEIGHT)


def gains(rows: pl.DataFrame, name: str, amount: str, unit: str) -> Any:
    """Horizontal bars to the right for gains and to the left for losses, each with its amount."""
    is_gain = f"datum['{amount}'] >= 0"
    base = alt.Chart(rows).encode(
        y=alt.Y(f"{name}:N", sort=None, title=None, axis=NAMES),
        x=alt.X(f"{amount}:Q", title=unit, scale=alt.Scale(padding=ROOM_FOR_AMOUNT)),
    )
    bars = base.mark_bar().encode(
        color=alt.condition(is_gain, alt.value(GAIN), alt.value(LOSS)),
        tooltip=[f"{name}:N", alt.Tooltip(f"{amount}:Q", format="+.2f", title=unit)],
    )
    shown = alt.Text(f"{amount}:Q", format="+.1f")
    right = base.transform_filter(is_gain).mark_text(dx=4, align="left", color="gray").encode(text=shown)
    left = base.transform_filter(f"!({is_gain})").mark_text(dx=-4, align="right", color="gray").encode(text=shown)
    return (bars + right + left).properties(height=ROW * rows.height + AXIS)


def weekly(rows: pl.DataFrame, day: str, amount: str, unit: str) -> Any:
    """A bar for each week."""
    return (
        alt.Chart(rows)
        .mark_bar(color=GAIN)
        .encode(
            x=alt.X(f"yearmonthdate({day}):O", title="week ending", axis=alt.Axis(format="%d %b", labelOverlap=True)),
            y=alt.Y(f"{amount}:Q", title=unit),
            tooltip=[alt.Tooltip(f"{day}:T", title="week ending"), alt.Tooltip(f"{amount}:Q", format=",")],
        )
        .properties(height=140)
    )
