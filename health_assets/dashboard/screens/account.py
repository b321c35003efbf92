"""What is the story of one account?"""

from datetime import timedelta

import polars as pl
import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.screens.account_notes import write_about
from health_assets.dashboard.view import NO_DIRECTION, View, figure, figure_row, plain
from health_assets.reporting import accounts, churn_model, timeline
from health_assets.reporting.formatting import (
    counted,
    measured_share,
    next_step,
    number,
    owner_of,
    since_in_words,
    spaced,
)
from health_assets.reporting.labels import worded
from health_assets.reporting.reader import Row
from health_assets.scoring.scorecards import UNKNOWN

CHOSEN = "account"  # the account that is shown, in the session
MATCHES = 50
EVENTS = 200
WEEKS = 26


def show(view: View) -> None:
    """Choose an account; its score in parts, what moved, why, what happened."""
    view.heading("Account")
    account_id = _choose(view)
    if account_id is None:
        st.info("No account matches." if view.has("dim.account") else "There are no accounts yet.", icon="ℹ️")
        return
    found = view.ask(accounts.summary, account_id)
    st.header(plain(found["name"]))
    facts = [
        found["account_id"],
        accounts.status_of(found),
        *(worded(found[name], name) for name in ("segment", "region", "lifecycle_stage") if found[name]),
    ]
    st.caption(" · ".join(plain(fact) for fact in [*facts, owner_of(found["account_owner"])] if fact))
    for end in view.ask(accounts.scheduled_ends, account_id):
        st.warning(f"Scheduled to end: {end}", icon="⚠️")
    _figures(view, found)
    _next_step(view, found)
    left, right = st.columns(2)
    with left:
        _parts(view, found)
    with right:
        _moved(view, found)
    _history(view, found)
    _timeline(view, found)
    write_about(view, found["account_id"])


def _choose(view: View) -> str | None:
    given = st.session_state.get(CHOSEN) or st.query_params.get(CHOSEN)
    left, right = st.columns([1, 2])
    with left:
        text = st.text_input("Search by name or id", key="search", placeholder="Name or account_id")
    matches = view.ask(accounts.matching, text.strip(), MATCHES)
    names = dict(matches.select("account_id", "name").iter_rows())
    if given and given not in names and not text.strip():
        names = dict(view.ask(accounts.matching, given, 1).select("account_id", "name").iter_rows()) | names
    options = list(names)
    if not options:
        return None
    with right:
        chosen = st.selectbox(
            "Account", options, index=options.index(given) if given in names else 0,
            format_func=lambda account: f"{names[account][:120]} ({account})",
        )  # fmt: skip
    st.session_state[CHOSEN] = st.query_params[CHOSEN] = chosen
    return str(chosen)


def _figures(view: View, found: Row) -> None:
    with figure_row():
        trend = None if found["trend_30d"] is None else f"{number(found['trend_30d'], 1, '+')} in 30 days"
        score = number(found["health_score"], 1)
        source = "mart.customer_health.health_score"
        if trend is None:
            figure("Health, 0-100", score, source, "no trend", **NO_DIRECTION)
        else:
            figure("Health, 0-100", score, source, trend)
        band, days = found["health_band"] or UNKNOWN, found["days_in_band"]
        note = view.bands[band].symbol if days is None else f"{view.bands[band].symbol} for {counted(days, 'day')}"
        figure("Band", spaced(band), "mart.customer_health.health_band", note, **NO_DIRECTION)
        level, points = found["risk_level"] or UNKNOWN, found["churn_risk_score"]
        symbol = view.risks[level].symbol
        note = symbol if points is None else f"{symbol} {number(points)} of 100 points"
        figure("Churn risk", level, "mart.churn_risk.risk_level", note, **NO_DIRECTION)
        figure(
            f"MRR, {view.currency}",
            number(found["mrr"]),
            "dim.account.mrr",
            found["value_tier"] or "no MRR",
            **NO_DIRECTION,
        )
        days = found["days_to_renewal"]
        date = "none ahead" if days is None else f"on {found['as_of_date'] + timedelta(days=days)}"
        source = "mart.renewal_forecast.days_to_renewal"
        figure("Days to renewal", "–" if days is None else number(days), source, date, **NO_DIRECTION)
    if found["is_overridden"]:
        st.warning(
            f"Set by hand until {found['override_expiry_date']} by {plain(found['override_author'])}: "
            f"{plain(found['override_reason'])}. Computed: {number(found['computed_health_score'], 1)}"
        )


def _next_step(view: View, found: Row) -> None:
    entry = view.ask(accounts.attention, found["account_id"]) if view.has("mart.attention_list") else None
    factors = view.ask(accounts.risk_factors, found["account_id"]) if view.has("mart.churn_risk") else []
    with st.container(border=True):
        if entry:
            since = since_in_words(entry["since_date"], entry["held_days"])
            step = next_step(entry["next_step"], entry["next_step_owner_role"], entry["next_step_days"])
            st.markdown(
                f"**Next step:** {plain(step)}. Number {entry['attention_rank']} of the attention list"
                f"{f', {since}' if since else ''}."
            )
            if not factors:
                st.markdown(f"**Why:** {plain(entry['reason'])}")
        else:
            st.markdown("**Next step:** none; the account is not on the attention list.")
        if factors:
            lines = [f"- {plain(factor['sentence'])} ({number(factor['points'])} points)" for factor in factors]
            points = accounts.risk_points(found, factors)
            st.markdown(f"**Raised risk factors**{f' ({points})' if points else ''}\n" + "\n".join(lines))
        if found["churn_probability"] is not None:
            skill, enough = view.ask(churn_model.brier_skill), view.settings.churn_model.shown_from_skill
            likely = churn_model.probability_in_words(found["churn_probability"], skill, enough)
            st.markdown(f"Probability of churn, by the model: {plain(likely)}")


def _parts(view: View, found: Row) -> None:
    st.subheader("The score in parts")
    if found["computed_health_score"] is None:
        st.caption(plain(found["unscored_reason"] or "The account is not scored."))
        return
    parts = view.ask(accounts.score_parts, found["account_id"])
    steps = parts.drop_nulls("points").sort("points", descending=True).select("dimension", "points").rows()
    chart = charts.waterfall([*steps, ("score", found["computed_health_score"])], charts.POINTS, ["score"])
    charts.draw(chart, "Points of each part, adding up to the score")
    unmeasured = parts.filter(pl.col("points").is_null())["dimension"].to_list()
    note = f" Not measured: {', '.join(unmeasured)}; the others carry their weight." if unmeasured else ""
    st.caption(f"{measured_share(found['coverage'], found['breadth'])}.{note}")
    with st.expander("Every measure"):
        measures = view.ask(accounts.measures, found["account_id"])
        source = "mart.customer_health_parts"
        described = {"value_30d_ago": f"{source}.value", "points": f"{source}.contribution"}
        view.table(measures, "Measures of the score", source, described)


def _moved(view: View, found: Row) -> None:
    st.subheader("What moved")
    for days in accounts.MOVED_SINCE:
        since = view.ask(accounts.moved, found["account_id"], days)
        if since is None:
            st.caption(f"Not comparable with {days} days ago: no score on that day, or another scorecard.")
            continue
        note = f"; {since.note}" if since.note else ""
        st.markdown(f"Since {since.day} ({days} days): **{number(since.change, 1, '+')} points**{note}")
        if since.parts:
            rows = pl.DataFrame(since.parts, schema=["part", "points"], orient="row")
            charts.draw(
                charts.gains(rows, "part", "points", "points"), f"What moved the score in {days} days, in points"
            )


def _history(view: View, found: Row) -> None:
    st.subheader("Health over time")
    history = view.ask(accounts.health_history, found["account_id"])
    if history["health_score"].count() == 0:
        st.caption("No day has a score.")
        return
    card = view.settings.scorecards.get(history["scorecard"][-1])
    charts.draw(
        charts.health(history, card.bands if card else {}, view.bands), "Health score of each day over its bands"
    )
    versions = history.unique("scorecard_version", keep="first").sort("as_of_date")
    if versions.height > 1:
        changes = [
            f"{day}: {plain(name)} {version}"
            for day, name, version in versions.select("as_of_date", "scorecard", "scorecard_version").rows()
        ]
        st.caption("Scorecard since " + "; ".join(changes))


def _timeline(view: View, found: Row) -> None:
    st.subheader("Timeline")
    usage = view.ask(timeline.weekly_usage, found["account_id"], WEEKS)
    if usage.height:
        chart = charts.weekly(usage, "week_ending", "event_count", "events")
        charts.draw(chart, "Events of the account, week by week", "Events in each week")
    events = view.ask(timeline.timeline, found["account_id"], EVENTS)
    if events.is_empty():
        st.caption("Nothing is recorded.")
        return
    kinds = st.pills("Show", events["kind"].unique().sort().to_list(), selection_mode="multi", key="kinds")
    shown = events.filter(pl.col("kind").is_in(kinds)) if kinds else events
    view.table(shown, f"Timeline of {found['account_id']}", height=360)
