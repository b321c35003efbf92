"""Forms of the account page: a note about a contact, and a pause of the alerts. The files are those of the command line."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from health_assets.dashboard.view import View
from health_assets.reporting.formatting import counted
from health_assets.sources.account_notes import append, silence, touchpoint
from health_assets.sources.formats import SourceError

KINDS = ("call", "email", "meeting", "business review", "training")
RESULTS = ("positive", "neutral", "negative")


def write_about(view: View, account_id: str) -> None:
    """A note or a silence; the next run, or the next alert run, follows it."""
    left, right = st.columns(2)
    with left, st.expander("Add a note"), st.form("note", clear_on_submit=True):
        kind = st.selectbox("What it was", KINDS)
        result = st.selectbox("How it went", RESULTS, index=None)
        text = st.text_area("What was said", max_chars=2000)
        author = _author(view, "note")
        if st.form_submit_button("Save the note"):
            moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            row = touchpoint(account_id, moment, kind.replace(" ", "_"), author, result, text or None)
            _save(view, "touchpoints", row, author, "Saved; the next run counts it as a touchpoint.")
    with right, st.expander("Silence alerts"), st.form("silence", clear_on_submit=True):
        days = st.number_input("Days, from today on; 0 ends a silence", min_value=0, max_value=365, value=14)
        reason = st.text_input("Why", max_chars=500)
        author = _author(view, "silence")
        if st.form_submit_button("Silence"):
            if not reason.strip():
                st.error("Say why.")
                return
            today = datetime.now(ZoneInfo(view.settings.timezone)).date()
            row = silence(account_id, today, int(days), reason.strip(), author)
            done = f"No alerts are posted for {counted(days, 'day')}." if days else "The silence has ended."
            _save(view, "silences", row, author, done)


def _author(view: View, form: str) -> str:
    """Who writes: the viewer that the proxy names, else a name that is typed in."""
    return view.viewer or st.text_input("Your name", key=f"author-{form}", max_chars=100).strip()


def _save(view: View, name: str, row: dict[str, object], author: str, done: str) -> None:
    if not author:
        st.error("Give your name.")
        return
    try:
        append(view.settings.notes, name, row)
    except SourceError as error:
        st.error(str(error))
        return
    st.success(done, icon="✅")
