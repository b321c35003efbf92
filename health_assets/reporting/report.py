"""The portfolio as one HTML file: no script, nothing from another machine, ready for A4.

What it shows are the queries of the pages and of the terminal; the charts are those of svg.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

import duckdb

from health_assets.reporting import data_quality, portfolio, revenue, svg
from health_assets.reporting.definitions import described
from health_assets.reporting.formatting import counted, minute, next_step, number, pct, since_in_words, spaced
from health_assets.reporting.labels import worded
from health_assets.reporting.palette import band_marks
from health_assets.reporting.reader import Row, has_rows
from health_assets.reporting.scope import Scope
from health_assets.scoring.scorecards import low_bands
from health_assets.settings import Settings

LISTED = 50  # accounts and renewals
CHANGES = 25
MONTHS = 24
LONGEST = 500  # characters of a cell
STYLE = """
@page { size: A4; margin: 14mm }
* { box-sizing: border-box }
body { font: 10pt/1.4 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1b1f24; background: #fff; margin: 0 auto;
  max-width: 760px; padding: 16px; -webkit-print-color-adjust: exact; print-color-adjust: exact }
h1 { font-size: 18pt; margin: 0 } h2 { font-size: 12pt; margin: 20px 0 6px; border-bottom: 1px solid #d0d7de }
p { margin: 4px 0 } .dim, .legend { color: #57606a; font-size: 8.5pt }
.cards, .pair { display: flex; gap: 10px; flex-wrap: wrap } .pair > div { flex: 1 1 300px }
.card { flex: 1 1 120px; border: 1px solid #d0d7de; border-radius: 6px; padding: 6px 10px } .card b { display: block; font-size: 14pt }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt } th, td { text-align: left; padding: 3px 5px; vertical-align: top;
  border-bottom: 1px solid #e4e8ec; overflow-wrap: anywhere } th { color: #57606a; font-weight: 600 } tr { break-inside: avoid }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums } td { min-width: 76px }
td.n { min-width: 0 } td.a { min-width: 120px } td.s { min-width: 100px } td.w { min-width: 200px }
.key { margin-right: 8px; white-space: nowrap } .key i { display: inline-block; width: 9px; height: 9px; margin-right: 3px }
svg { max-width: 100%; height: auto; display: block } svg text { font: 8px sans-serif; fill: #57606a }
svg .grid { stroke: #e4e8ec } .cards, .pair > div { break-inside: avoid } h2 { break-after: avoid }
dt { font-weight: 600 } dd { margin: 0 0 4px }
"""
DEFINED = (
    ("Health score", "mart.customer_health.health_score"),
    ("MRR at churn risk", "mart.executive_summary_monthly.mrr_at_risk"),
    ("NRR", "mart.net_revenue_retention.nrr_pct"),
    ("GRR", "mart.net_revenue_retention.grr_pct"),
    ("Expected MRR", "mart.renewal_forecast.expected_mrr"),
)


def report_html(connection: duckdb.DuckDBPyConnection, company: Settings, scope: Scope) -> str:
    """The report of a snapshot, or of the accounts of a scope, whose connection is given."""
    about = portfolio.about(connection)
    title = f"{about['company']}: customer health as of {about['as_of_date']}"
    parts = [_figures, _bands, _movements, _attention, _renewals, _drivers, _data]
    body = "".join(part for make in parts for part in make(connection, company))
    meaning = "".join(f"<dt>{name}</dt><dd>{escape(described(column))}</dd>" for name, column in DEFINED)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(about['company'])}</h1>"
        f'<p class="dim">Customer health as of <b>{about["as_of_date"]}</b>, {escape(scope.in_words())}; published '
        f"{minute(about['published_at'])} UTC; amounts in {escape(company.reporting_currency)}</p>"
        f"{body}<h2>Definitions</h2><dl class='dim'>{meaning}</dl></body></html>"
    )


def _figures(connection: duckdb.DuckDBPyConnection, company: Settings) -> Iterator[str]:
    cards = []
    if has_rows(connection, "mart.churn_risk"):
        risk = portfolio.mrr_at_risk(connection)
        at_risk, share = portfolio.known_mrr_at_risk(risk)
        cards += [
            ("MRR", number(risk["mrr"]), f"{counted(risk['account_count'], 'account')}"),
            ("MRR at churn risk", number(at_risk), share),
        ]
    if has_rows(connection, "mart.customer_health"):
        low = low_bands(company)
        cards.append(
            (
                "Low health",
                number(portfolio.low_band_accounts(connection, low)),
                f"bands {' and '.join(map(spaced, low))}",
            )
        )
    if has_rows(connection, "mart.net_revenue_retention") and (found := revenue.latest_retention(connection)):
        month = f"{found['month']:%B %Y}"
        cards += [("NRR", pct(found["nrr_pct"]), month), ("GRR", pct(found["grr_pct"]), month)]
    if cards:
        yield '<div class="cards">'
        yield "".join(
            f'<div class="card">{name}<b>{value}</b><span class="dim">{escape(note)}</span></div>'
            for name, value, note in cards
        )
        yield "</div>"


def _bands(connection: duckdb.DuckDBPyConnection, company: Settings) -> Iterator[str]:
    if not has_rows(connection, "mart.executive_summary_monthly"):
        return
    found = portfolio.bands_over_time(connection)
    if found.is_empty():
        return
    months = found["month"].unique().sort().to_list()[-MONTHS:]
    marks = band_marks(company)
    drawn = []
    for column, title in (("account_count", "Accounts"), ("mrr", f"MRR, {company.reporting_currency}")):
        amounts = {(row["month"], row["health_band"]): float(row[column] or 0) for row in found.to_dicts()}
        series = {
            band: [amounts.get((month, band), 0.0) for month in months]
            for band in marks
            if any(amounts.get((month, band)) for month in months)
        }
        chart = svg.stacked([f"{month:%b %y}" for month in months], series, marks, f"{title} by health band and month")
        drawn.append(f'<div><p class="dim">{title} by health band, at the end of each month</p>{chart}</div>')
    yield f'<h2>Portfolio</h2><div class="pair">{"".join(drawn)}</div>'


def _movements(connection: duckdb.DuckDBPyConnection, company: Settings) -> Iterator[str]:
    if moved := list(_moved(connection, company)):
        yield from ["<h2>Movement</h2>", *moved]


def _moved(connection: duckdb.DuckDBPyConnection, company: Settings) -> Iterator[str]:
    if has_rows(connection, "mart.health_movements"):
        moved = portfolio.band_movements(connection)
        words = [
            f"{counted(moved[name]['account_count'], 'account')} {name} ({number(moved[name]['mrr'])} MRR)"
            for name in ("worsened", "improved")
            if name in moved
        ]
        if words:
            yield f"<p>Since the end of last month {' and '.join(words)}.</p>"
    if has_rows(connection, "mart.net_revenue_retention"):
        months = revenue.monthly_retention(connection).tail(MONTHS)
        shown = [f"{month:%b %y}" for month in months["month"]]
        retention = {"NRR %": months["nrr_pct"].to_list(), "GRR %": months["grr_pct"].to_list()}
        steps = revenue.waterfall(connection)
        chart = svg.waterfall(steps, revenue.TOTALS, "MRR from the start of the month to its end") if steps else ""
        lines = svg.lines(shown, retention, "Net and gross revenue retention by month")
        captions = {
            f"MRR this month, {escape(company.reporting_currency)}; the axis may start above 0": chart,
            "Retention by month, %": lines,
        }
        if drawn := [f'<div><p class="dim">{said}</p>{one}</div>' for said, one in captions.items() if one]:
            yield f'<div class="pair">{"".join(drawn)}</div>'
    if has_rows(connection, "mart.customer_health"):
        changes = portfolio.band_changes(connection, 7).head(CHANGES).to_dicts()
        if changes:
            marks = band_marks(company)
            yield "<p>Moved to another band in the last 7 days:</p>"
            yield _table(
                ("a Account", "From", "To", "n Score", "n 7 days", "n MRR", "Owner"),
                (
                    (
                        one["name"],
                        *(f"{marks[one[side]].symbol} {spaced(one[side])}" for side in ("from_band", "to_band")),
                        number(one["health_score"], 1),
                        number(one["trend_7d"], 1, "+"),
                        number(one["mrr"]),
                        one["account_owner"] or "",
                    )
                    for one in changes
                ),
            )


def _attention(connection: duckdb.DuckDBPyConnection, company: Settings) -> Iterator[str]:
    yield "<h2>Accounts to contact</h2>"
    accounts = portfolio.attention_frame(connection).to_dicts() if has_rows(connection, "mart.attention_list") else []
    if not accounts:
        yield f"<p>{portfolio.nobody_to_contact(connection)}</p>"
        return
    if len(accounts) > LISTED:
        yield f'<p class="dim">The first {LISTED} of {number(len(accounts))}</p>'
    yield _table(
        ("n", "a Account", "n Health", "s 12 weeks", "n MRR", "w Why and next step", "Owner"),
        (
            (
                str(one["attention_rank"]),
                Drawn(
                    f"<b>{_text(one['name'])}</b><br>{_text(one['account_id'])}, {portfolio.LEVELS[one['attention_level']]}<br>"
                    f"{since_in_words(one['since_date'], one['held_days'])}"
                ),
                _health(one, company),
                Drawn(svg.sparkline(one["weekly_health"] or [], f"Health of {one['name'][:100]} over 12 weeks")),
                number(one["mrr"]),
                Drawn(
                    f"{_text(one['reason'])}<br>→ "
                    f"{_text(next_step(one['next_step'], one['next_step_owner_role'], one['next_step_days']))}"
                ),
                one["account_owner"] or "no owner",
            )
            for one in accounts[:LISTED]
        ),
    )


def _renewals(connection: duckdb.DuckDBPyConnection, company: Settings) -> Iterator[str]:
    if not has_rows(connection, "mart.renewal_forecast"):
        return
    yield "<h2>Renewals</h2>"
    if windows := revenue.renewals(connection, company.renewal_windows_days, low_bands(company)):
        yield f"<p>MRR up for renewal: {revenue.renewals_in_words(windows)}.</p>"
    ahead = revenue.renewals_ahead(connection, LISTED).to_dicts()
    yield f"<p>{'The next renewal' if len(ahead) == 1 else f'The next {len(ahead)} renewals'}, by date:</p>"
    yield _table(
        ("Renews", "a Account", "Product", "n MRR", "n Expected", "Churn risk", "Owner"),
        (
            (
                f"{one['renewal_date']}",
                one["name"],
                worded(one["product_name"] or ""),
                number(one["renewing_mrr"]),
                number(one["expected_mrr"]),
                one["risk_level"] or "unknown",
                one["account_owner"] or "",
            )
            for one in ahead
        ),
    )


def _drivers(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[str]:
    drivers = portfolio.risk_drivers(connection, 8) if has_rows(connection, "mart.risk_drivers") else []
    if drivers:
        yield "<h2>What drives the MRR at churn risk</h2>"
        yield _table(
            ("Factor", "n MRR at churn risk", "n Share", "n Accounts"),
            (
                (
                    spaced(one["factor"]),
                    number(one["mrr_at_risk"]),
                    pct(one["mrr_at_risk_pct"], 0),
                    number(one["at_risk_account_count"]),
                )
                for one in drivers
            ),
        )


def _data(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[str]:
    if not has_rows(connection, "quarantine.loads"):
        return
    yield "<h2>Data quality</h2>"
    for one in data_quality.stale_sources(connection):
        yield f"<p>⚠ {escape(one['source'])} {escape(one['meaning'])}.</p>"
    yield _table(
        ("Source", "n Rows read", "n Kept", "n In quarantine", "n Values set to null", "Last day"),
        (
            (
                one["source"],
                *(number(one[name]) for name in ("rows_read", "rows_kept", "rows_quarantined", "values_blanked")),
                f"{one['last_day'] or ''}",
            )
            for one in data_quality.sources(connection).to_dicts()
        ),
    )


class Drawn(str):
    """Markup of our own, which is not escaped."""


def _health(one: Row, company: Settings) -> str:
    mark = band_marks(company).get(one["health_band"] or "unknown")
    return f"{mark.symbol if mark else ''} {number(one['health_score'], 1)}"


def _text(text: str) -> str:
    return escape(text if len(text) <= LONGEST else f"{text[:LONGEST]} ...")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a letter before a column's name is its class: n numbers, a names, s small charts, w long text."""
    kinds = [name[0] if name[:2] in ("n", "n ", "a ", "s ", "w ") else "" for name in columns]
    names = [name[2:] if kind else name for name, kind in zip(columns, kinds, strict=True)]
    head = "".join(f'<th class="{kind}">{escape(name)}</th>' for name, kind in zip(names, kinds, strict=True))
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}">{cell if isinstance(cell, Drawn) else _text(cell)}</td>'
            for cell, kind in zip(cells, kinds, strict=True)
        )
        + "</tr>"
        for cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
