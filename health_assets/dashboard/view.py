"""What every page is given: the newest snapshot, cached answers of the queries, and the ways to show a number or a table."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import streamlit as st

from health_assets.reporting import portfolio
from health_assets.reporting.definitions import described
from health_assets.reporting.export import csv_bytes, workbook_bytes
from health_assets.reporting.formatting import NOT_MEASURED, minute, month_name, number, spaced
from health_assets.reporting.labels import heading, in_words, is_share
from health_assets.reporting.marts import named_rows_of, row_count
from health_assets.reporting.palette import Mark, band_marks, risk_marks
from health_assets.reporting.reader import EVERYTHING, Row, has_rows, has_values, holds, outdated
from health_assets.reporting.scope import Scope, connected
from health_assets.settings import Settings
from health_assets.warehouse.snapshot import LOCKED

KEPT_ANSWERS, KEPT_CONNECTIONS = 2000, 32
SHOWN_ROWS = 1000  # of a table; more are in its downloads
LISTED = 500  # rows of a mart that a page reads; more are in the files of `health-assets export`
FIGURE_WIDTH, PLAIN_HEIGHT, NOTED_HEIGHT = 182, 98, 128  # pixels, without and with a note below the number
UNSHOWN = ("as_of_date", "dimension_type")  # the same in each row; the page says them
PARTIAL = "is_partial"
NO_DIRECTION: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off"}  # of a note that is no change
TWO_DECIMALS = ("AUC", "gini", "value_to_cost", "weight")
LONGEST = 300  # characters of a name in a heading
WORD_JOINER = "\u2060"  # invisible
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@st.cache_resource(max_entries=KEPT_CONNECTIONS, show_spinner=False)
def _connection(snapshot: str, scope: Scope) -> duckdb.DuckDBPyConnection:
    """A connection to a snapshot, kept open: opening a large one takes longer than a query."""
    return duckdb.connect(snapshot, read_only=True, config=LOCKED) if scope.is_all else connected(snapshot, scope)


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _answer(snapshot: str, scope: Scope, query: str, arguments: tuple[Any, ...], _function: Callable[..., Any]) -> Any:
    """The answer of a query. It is kept by the real path of the snapshot, so a new snapshot is asked anew."""
    with _connection(snapshot, scope).cursor() as cursor:
        return _function(cursor, *arguments)


@dataclass(frozen=True)
class View:
    """One visit of one page: which snapshot, whose accounts, under which settings."""

    settings: Settings
    snapshot: str
    scope: Scope = EVERYTHING
    viewer: str | None = None  # whom the proxy names

    @classmethod
    def of(cls, settings: Settings, scope: Scope, viewer: str | None = None) -> "View":
        """The newest snapshot, by its real path: the link may be swapped while the page is read."""
        return cls(settings, os.path.realpath(settings.published), scope, viewer)

    def ask(self, query: Callable[..., Any], *arguments: Any) -> Any:
        """What a query of reporting/ answers for this snapshot."""
        name = f"{query.__module__}.{query.__name__}"
        try:
            return _answer(self.snapshot, self.scope, name, arguments, query)
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise outdated(self.settings.published, error) from None

    def has(self, *relations: str) -> bool:
        """Whether each table is there and has a row."""
        return bool(self.ask(has_rows, *relations))

    def holds(self, *relations: str) -> bool:
        """Whether each table is there, with or without rows."""
        return bool(self.ask(holds, *relations))

    @property
    def about(self) -> Row:
        """Company, as-of day and time of publication."""
        return dict(self.ask(portfolio.about))

    @property
    def currency(self) -> str:
        """The reporting currency."""
        return self.settings.reporting_currency

    @property
    def bands(self) -> dict[str, Mark]:
        """How each band is shown."""
        return band_marks(self.settings)

    @property
    def bands_in_words(self) -> dict[str, str]:
        """What stands for each band in a table."""
        return {band: f"{mark.symbol} {spaced(band)}" for band, mark in self.bands.items()}

    @property
    def risks(self) -> dict[str, Mark]:
        """How each risk level is shown."""
        return risk_marks()

    def heading(self, title: str, question: str = "") -> None:
        """The title of a page, with the day that it describes."""
        st.title(title)
        about = self.about
        st.caption(
            f"{plain(about['company'])} · as of **{about['as_of_date']}** · published {minute(about['published_at'])} UTC · "
            f"{plain(self.scope.in_words())}" + (f"  \n{question}" if question else "")
        )

    def missing(self, what: str, *sources: str) -> None:
        """A friendly line instead of a part whose source is not there."""
        if not self.scope.is_all:
            st.info(f"{what}: figures of the whole company, which are not shown for a part of the accounts.", icon="ℹ️")
            return
        unconnected = [f"`{name}`" for name in sources if name not in self.settings.sources]
        remedy = f" Connect {' and '.join(unconnected)} in the settings to see it." if unconnected else ""
        st.info(f"{what}: not measured yet.{remedy}", icon="ℹ️")

    def part(self, title: str, *relations: str, sources: Sequence[str] = (), measured: str = "") -> bool:
        """The heading of a part of a page, and whether there is something to show; where there is not, it says so.

        Args:
            title: of the part.
            relations: that must have rows.
            sources: which would give them.
            measured: a column of the first that must have a value.
        """
        st.subheader(title)
        if self.has(*relations) and (not measured or self.ask(has_values, relations[0], measured)):
            return True
        self.missing(title, *sources)
        return False

    def marts(self, parts: Iterable[tuple[str, str, str]], sources: Sequence[str], where: str = "true") -> None:
        """A part of the page for each mart: its title, the table, and the order of its rows, the first of which are shown."""
        for title, relation, order in parts:
            if self.part(title, relation, sources=sources):
                self.mart(title, relation, order, where)

    def mart(self, label: str, relation: str, order: str, where: str = "true") -> None:
        """The first rows of a mart in an order."""
        rows = self.ask(named_rows_of, relation, order, LISTED, where)
        self.table(rows, label, relation, count=self.ask(row_count, relation, where))

    def table(
        self,
        rows: pl.DataFrame,
        label: str,
        source: str = "",
        columns: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        count: int | None = None,
        widths: Mapping[str, int] | None = None,
        **options: Any,
    ) -> Any:
        """A table with its downloads; each column has the contract's description one hover away.

        Args:
            rows: what is shown.
            label: what the table is, for screen readers and file names.
            source: the mart that describes columns that `columns` does not map.
            columns: column -> the described column, e.g. mart.customer_health.mrr.
            config: how single columns are drawn.
            count: of the rows that there are, where `rows` are the first of them.
            widths: of columns, in pixels.
            options: of st.dataframe.
        """
        shown = self._shown(rows)
        described_by = {name: (columns or {}).get(name, f"{source}.{name}") for name in shown.columns}
        drawn = {
            name: (config or {}).get(name) or self._column(name, dtype, source, described(described_by[name]))
            for name, dtype in shown.schema.items()
        }
        for name, width in (widths or {}).items():
            drawn[name]["width"] = width
        chosen = st.dataframe(
            shown, hide_index=True, column_config=drawn, width="stretch", alt=label, placeholder="–", **options
        )
        if (count or rows.height) > shown.height:
            everything = "`health-assets export` has all" if (count or 0) > rows.height else "the files below have all"
            st.caption(
                f"{number(shown.height)} rows and {number((count or rows.height) - shown.height)} more; {everything}."
            )
        self.downloads(rows, label)
        return chosen

    def _shown(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The first rows in words: bands with their symbols, shares in %, without columns that say the same in each row."""
        unshown = [*UNSHOWN, *([PARTIAL] if PARTIAL in rows.columns and not rows[PARTIAL].any() else [])]
        bands = [name for name, dtype in rows.schema.items() if "band" in name and dtype == pl.String]
        first = rows.head(SHOWN_ROWS).drop(unshown, strict=False)
        return in_words(first.with_columns(pl.col(name).replace(self.bands_in_words) for name in bands))

    def _column(self, name: str, dtype: pl.DataType, source: str, meaning: str) -> Any:
        is_money = "in the reporting currency" in meaning.partition(". Source")[0]
        return _column(name, dtype, heading(name, source), meaning, f", {self.currency}" if is_money else "")

    def downloads(self, rows: pl.DataFrame, label: str) -> None:
        """The rows as CSV and Excel."""
        name = "".join(letter if letter.isalnum() else "-" for letter in label.lower())
        stem = f"{name}-{self.about['as_of_date']}"
        notes = {
            "company": self.about["company"],
            "as-of day": f"{self.about['as_of_date']}",
            "currency": self.currency,
        }
        with st.container(horizontal=True):
            st.download_button(
                "CSV", lambda: csv_bytes(rows), f"{stem}.csv", "text/csv", key=f"csv-{name}", help=f"{label} as CSV",
                type="tertiary", icon=":material/download:", on_click="ignore",
            )  # fmt: skip
            st.download_button(
                "Excel", lambda: workbook_bytes({label: rows}, notes), f"{stem}.xlsx", EXCEL, key=f"xlsx-{name}",
                help=f"{label} as a workbook", type="tertiary", icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def figure(label: str, value: str, source: str = "", change: str | None = None, note: str = "", **options: Any) -> None:
    """A number with its unit, and the definition of its metric one hover away."""
    explanation = " ".join(filter(None, [described(source) if source else "", note]))
    if value.startswith(NOT_MEASURED):
        value, change, options = "–", NOT_MEASURED, NO_DIRECTION
    height = PLAIN_HEIGHT if change is None else NOTED_HEIGHT
    st.metric(label, value, change, help=explanation or None, border=True, width=FIGURE_WIDTH, height=height, **options)


def figure_row() -> Any:
    """A place for figures next to each other, which wrap where the window is narrow."""
    return st.container(horizontal=True)


def figures(shown: Mapping[str, tuple[str, str]], relation: str = "") -> None:
    """Figures next to each other: under each label a number with its unit, and the column that describes it."""
    with figure_row():
        for label, (value, column) in shown.items():
            figure(label, value, f"{relation}.{column}" if relation else column)


def plain(text: object) -> str:
    """Text from outside without any meaning in Markdown, which would make links of bare addresses too."""
    whole = str(text)
    shortened = whole if len(whole) <= LONGEST else f"{whole[:LONGEST]} ..."
    unlinked = re.sub(r"(://|www\.|@)", f"{WORD_JOINER}\\1", shortened, flags=re.IGNORECASE)
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+-.!|~$:" else letter for letter in unlinked)


def month_label(month: Any, *, is_partial: bool = False) -> str:
    """A month, marked where it is still in progress."""
    return month_name(month) + (" so far" if is_partial else "")


def _column(name: str, dtype: pl.DataType, title: str, meaning: str, unit: str) -> Any:
    label, help_text = title + unit, meaning or None
    if dtype == pl.Date:
        is_month = name.endswith("month")
        return st.column_config.DateColumn(label, help=help_text, format="MMM YYYY" if is_month else "YYYY-MM-DD")
    if dtype == pl.Boolean:
        return st.column_config.CheckboxColumn(label, help=help_text)
    if dtype.is_numeric():
        return st.column_config.NumberColumn(
            label, help=help_text, format=_number_format(name, dtype, is_money=bool(unit))
        )
    if dtype == pl.List(pl.Float64):
        return st.column_config.LineChartColumn(label, help=help_text, y_min=0, y_max=100)
    return st.column_config.TextColumn(label, help=help_text)


def _number_format(name: str, dtype: pl.DataType, *, is_money: bool) -> str:
    if dtype.is_integer():
        return "localized"
    if name.endswith("_pct") or is_share(name):
        return "%.1f%%"
    if is_money:
        return "%,.0f" if "mrr" in name or name == "arr" else "%,.2f"
    if name.startswith("trend") or re.search("change|effect|impact", name):
        return "%+.1f"
    return "%,.2f" if name in TWO_DECIMALS else "%,.1f"
