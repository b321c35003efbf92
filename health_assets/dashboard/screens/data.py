"""What was read, what could not be kept, and what do the tables mean?"""

import polars as pl
import streamlit as st

from health_assets.dashboard.view import View, figure, figure_row
from health_assets.reporting import data_quality
from health_assets.reporting.definitions import columns_of, key_of, marts, question_of
from health_assets.reporting.formatting import counted, number

ROWS = 1000
LOADS = {
    "last_day": "Last day with a row", "is_stale": "Silent for longer than stale_after_days: not measured",
    "rows_read": "Rows in the files", "rows_kept": "Rows that passed", "rows_quarantined": "Rows in quarantine",
}  # fmt: skip


def show(view: View) -> None:
    """Sources, quarantine with file and row, unreadable values, definitions."""
    view.heading("Data", "What was read, what could not be kept, and what do the tables mean?")
    if not view.scope.is_all:
        view.missing("What was read")
    elif view.part("Sources", "quarantine.loads"):
        _sources(view)
        _quarantine(view)
        if view.part("Checks", "main.checks"):
            _checks(view)
    st.subheader("What the tables mean")
    name = st.selectbox("Table", marts())
    st.markdown(question_of(name))
    st.caption(f"One row per {', '.join(key_of(name))}")
    rows = pl.DataFrame(list(columns_of(name).items()), schema=["column", "meaning"], orient="row")
    view.table(rows, f"Columns of {name}")


def _sources(view: View) -> None:
    sources, totals = view.ask(data_quality.sources), view.ask(data_quality.totals)
    shown = {"Rows read": "rows_read", "Rows kept": "rows_kept", "Rows in quarantine": "rows_quarantined"}
    with figure_row():
        for label, column in shown.items():
            figure(label, number(totals[column]), note=LOADS[column])
    view.table(sources, "Sources")


def _quarantine(view: View) -> None:
    st.subheader("Quarantine")
    rows = view.ask(data_quality.quarantined_rows, ROWS)
    if rows.is_empty():
        st.success("No row is in quarantine.", icon="✅")
    else:
        st.caption(f"Up to {number(ROWS)} rows, with the file, the row after the header and the reasons")
        view.table(rows, "Quarantined rows")
    values = (
        view.ask(data_quality.unreadable_values, ROWS) if view.has("quarantine.unreadable_values") else pl.DataFrame()
    )
    if values.height:
        st.subheader("Values that could not be read")
        st.caption("The row is kept and the value is null")
        view.table(values, "Unreadable values")


def _checks(view: View) -> None:
    counts = view.ask(data_quality.check_counts)
    st.caption(
        f"{counted(counts['check_count'], 'check')} of the tables in the run that published them, "
        f"{number(counts['warned_count'])} warned"
    )
    if counts["warned_count"]:
        view.table(view.ask(data_quality.warnings), "Checks that warned")
