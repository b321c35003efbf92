"""The dashboard: which pages there are, whose accounts are shown, and which snapshot is read. Run by `streamlit run`.

Streamlit runs this file anew for each visit and each choice, so the settings are those of now.
"""

from collections.abc import Callable
from functools import partial

import pandas  # noqa: F401 - whole before a page is drawn: Altair fails on a pandas that another session still imports
import streamlit as st
from PIL import Image, ImageDraw

from health_assets import settings
from health_assets.dashboard.access import scope_of, viewer_of
from health_assets.dashboard.screens import (
    account,
    attention,
    commerce,
    data,
    operations,
    portfolio,
    product,
    revenue,
    score,
    security,
    support,
)
from health_assets.dashboard.view import View, plain
from health_assets.reporting.palette import GOOD, LOW
from health_assets.warehouse.snapshot import SnapshotError

SIDEBAR_WIDTH = 240  # pixels


def _page(show: Callable[[View], None], title: str, icon: str, *, is_first: bool = False) -> st.Page:
    def run() -> None:
        try:
            company = settings.load()
        except settings.SettingsError as error:
            st.error(plain(error))
            return
        headers = st.context.headers.to_dict()
        scope = scope_of(headers, company)
        if scope is None:
            st.error("No viewer: this dashboard is to be opened through the proxy that names the viewer.")
            return
        try:
            show(View.of(company, scope, viewer_of(headers, company)))
        except SnapshotError as error:
            st.error(str(error))

    return st.Page(run, title=title, icon=icon, url_path=None if is_first else _path(title), default=is_first)


def _path(title: str) -> str:
    return title.lower().replace(" ", "-").replace("?", "")


def _icon() -> Image.Image:
    """Three bars; a drawing of our own, since the browser would fetch a named icon from another machine."""
    icon = Image.new("RGBA", (32, 32))
    bars = ImageDraw.Draw(icon)
    for place, (height, colour) in enumerate(((14, LOW[0]), (22, GOOD[1]), (30, GOOD[0]))):
        bars.rectangle((2 + 10 * place, 32 - height, 9 + 10 * place, 31), fill=colour)
    return icon


def main() -> None:
    """Draw the page that was asked for."""
    st.set_page_config(
        page_title="Customer health", page_icon=_icon(), layout="wide", initial_sidebar_state=SIDEBAR_WIDTH
    )
    one = _page(account.show, "Account", ":material/person:")
    pages = {
        "Customers": [
            _page(portfolio.show, "Portfolio", ":material/monitoring:", is_first=True),
            _page(partial(attention.show, account_page=one), "Attention list", ":material/call:"),
            one,
        ],
        "Business": [
            _page(revenue.show, "Revenue", ":material/payments:"),
            _page(support.show, "Support", ":material/support_agent:"),
            _page(product.show, "Product", ":material/widgets:"),
            _page(commerce.show, "Commerce", ":material/shopping_cart:"),
            _page(security.show, "Security", ":material/shield:"),
            _page(operations.show, "Operations", ":material/settings_suggest:"),
        ],
        "Trust": [
            _page(score.show, "Does the score work?", ":material/fact_check:"),
            _page(data.show, "Data", ":material/database:"),
        ],
    }
    st.navigation(pages, expanded=True).run()


main()
