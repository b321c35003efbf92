"""What `health-assets status` prints: what a head of customer success wants to know first, from the snapshot alone.

No metric is computed here: tables are read, shares are taken of their sums. A part whose table a snapshot lacks is
left out.
"""

from collections.abc import Iterator
from typing import Any

import duckdb
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from health_assets.cli import security_dashboard as dashboard
from health_assets.cli.terminal import coloured, grid, line
from health_assets.reporting.formatting import NOT_MEASURED, count_of_accounts, figure, money, pct, signed
from health_assets.scoring.scorecards import bands_in_use, scorecards_in_use
from health_assets.settings import Settings
from health_assets.warehouse.snapshot import SnapshotError, snapshot
from health_assets.warehouse.sql import literal

TELLING = ("usage_events", "support_tickets", "subscriptions", "invoices")  # sources that most factors of risk read
CALLED_FIRST = 10
DRIVERS_SHOWN = REASONS_SHOWN = 3


def print_status(settings: Settings, console: Console) -> None:
    """Portfolio, revenue, whom to call and why, support, shop, security, data quality, where to look next.

    Raises:
        SnapshotError: nothing has been published yet, or the snapshot is of another version.
    """
    with snapshot(settings.published) as connection:
        company, as_of, published_at = connection.sql("select * from about").fetchall()[0]
        console.print(
            f"[bold]{escape(company)}[/], as of {as_of} [dim](published {published_at:%Y-%m-%d %H:%M})[/]",
            highlight=False,
        )
        parts = [
            (("mart.customer_health",), _portfolio),
            (("mart.health_movements",), _movements),
            (("mart.customer_health", "dim.account"), _by_hand),
            (("mart.churn_risk",), _at_risk),
            (("mart.risk_drivers",), _drivers),
            (("mart.renewal_pipeline",), _renewals),
            (("mart.net_revenue_retention",), _retention),
            (("mart.churn_risk", "mart.customer_health", "dim.account"), _to_call),
            (("mart.sla_adherence",), _support),
            (("mart.revenue_concentration", "mart.order_retention_monthly", "mart.high_risk_accounts"), _shop),
            (dashboard.TABLES, dashboard.security_dashboard),
            (("quarantine.loads",), _quarantine),
        ]
        for tables, part in parts:
            if all(_holds(connection, table) for table in tables):
                try:
                    shown = list(part(connection, settings))
                except (duckdb.BinderException, duckdb.CatalogException) as error:
                    raise SnapshotError(
                        f"{settings.published}: was published by another version ({str(error).splitlines()[0]}); "
                        "publish it anew (health-assets run)"
                    ) from None
                for renderable in shown:
                    console.print(renderable)
        console.print(
            f"\nNext: [bold]make ui[/] (SETTINGS=your.yml) for tables, checks and lineage; SQL on {escape(str(settings.published))} "
            "(dim, fact, mart, quarantine)",
            style="dim",
            highlight=False,
        )


def _portfolio(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    bands = [*bands_in_use(settings), "unknown"]
    found = {
        band or "unknown": (accounts, mrr)
        for band, accounts, mrr in connection.sql(
            "select health_band::varchar, count(*), sum(mrr)::double from mart.customer_health group by all"
        ).fetchall()
    }
    total = sum(mrr or 0 for _, mrr in found.values())
    shown = grid(f"Health ({', '.join(scorecards_in_use(settings))})", "accounts", "MRR", "share of MRR")
    for band in [*bands, *sorted(set(found) - set(bands))]:
        if band in found:
            accounts, mrr = found[band]
            share = f"{figure(100 * (mrr or 0) / total)} %" if total else ""
            shown.add_row(coloured(band), str(accounts), money(mrr), share)
    yield ""
    yield shown


def _movements(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    moved = {
        movement: (accounts, mrr)
        for movement, accounts, mrr in connection.sql(
            "select movement, sum(account_count)::bigint, sum(mrr) from mart.health_movements "
            "where month = (select date_trunc('month', as_of_date) from about) group by all"
        ).fetchall()
    }
    told = ", ".join(
        f"{count_of_accounts(moved[movement][0])} with {money(moved[movement][1])} MRR {said}"
        for movement, said in {"worsened": "in a worse band", "improved": "in a better one"}.items()
        if movement in moved
    )
    if told:
        yield line(f"[bold]Since the end of last month[/] {told}")


def _by_hand(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    rows = connection.sql(
        "select coalesce(company_name, account_id), health_band, override_author, override_expiry_date, override_reason "
        "from mart.customer_health where is_overridden order by 4, account_id"
    ).fetchall()
    for name, band, author, expiry, reason in rows:
        yield line(
            f"[bold]Set by hand[/] {escape(name)}: {coloured(band)} until {expiry}, by {escape(author)}: {escape(reason)}"
        )


def _at_risk(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    accounts, at_risk, total, unknown, unknown_mrr = connection.sql(
        "select count(*) filter (risk_level in ('high', 'critical')), "
        "sum(mrr) filter (risk_level in ('high', 'critical')), sum(mrr), "
        "count(*) filter (risk_level = 'unknown'), sum(mrr) filter (risk_level = 'unknown') from mart.churn_risk"
    ).fetchall()[0]
    share = f", {figure(100 * float(at_risk or 0) / float(total), 1)} % of {money(total)}" if total else ""
    yield ""
    yield line(
        f"[bold]MRR at risk[/] {money(at_risk or 0)} {settings.reporting_currency} of {count_of_accounts(accounts)} with high "
        f"or critical churn risk{share}"
    )
    if unknown:
        missing = ", ".join(name for name in TELLING if name not in settings.sources)
        remedy = f"; not connected: {missing}" if missing else ""
        yield line(
            f"[bold]Risk not known[/] of {unknown} accounts with {money(unknown_mrr or 0)}: too little of them is "
            f"measured{remedy}"
        )


def _drivers(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    rows = connection.execute(
        "select factor, at_risk_account_count, mrr_at_risk, mrr_at_risk_pct from mart.risk_drivers "
        f"where mrr_at_risk > 0 order by driver_rank limit {DRIVERS_SHOWN}"
    ).fetchall()
    if rows:
        told = ", ".join(
            f"{factor.replace('_', ' ')} {money(mrr)} ({figure(share)} %, {count_of_accounts(accounts)})"
            for factor, accounts, mrr, share in rows
        )
        yield line(f"[bold]Drivers of the MRR at risk[/] {told}")


def _renewals(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    told = []
    for days in sorted(settings.renewal_windows_days):
        mrr, at_risk = connection.execute(
            "select sum(renewing_mrr), sum(renewing_mrr) filter (risk_level in ('high', 'critical')) "
            f"from mart.renewal_pipeline where days_to_renewal <= {days}"
        ).fetchall()[0]
        if mrr:
            told.append(f"{money(mrr)} in {days} days ({money(at_risk or 0)} at risk)")
    if told:
        yield line(f"[bold]MRR that renews[/] {', '.join(told)}")


def _retention(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    rows = connection.sql(
        "select month, nrr_pct, grr_pct, trailing_12m_nrr_pct, trailing_12m_grr_pct, ending_mrr, logo_churn_pct "
        "from mart.net_revenue_retention where not is_partial order by month desc limit 1"
    ).fetchall()
    if not rows:
        return
    month, nrr, grr, year_nrr, year_grr, mrr, logos = rows[0]
    yield line(
        f"[bold]Retention[/] {month:%B %Y}: NRR {pct(nrr)}, GRR {pct(grr)}, logo churn {pct(logos)}, "
        f"MRR {money(mrr)}; 12 months: NRR {pct(year_nrr)}, GRR {pct(year_grr)}"
    )
    for month, mrr, start, *moves in connection.sql(
        "select month, ending_mrr, starting_mrr, new_mrr, reactivation_mrr, expansion_mrr, -contraction_mrr, -churned_mrr "
        "from mart.net_revenue_retention where is_partial and starting_mrr is not null and ending_mrr is not null"
    ).fetchall():
        kinds = ("new", "reactivated", "expansion", "contraction", "churned")
        parts = ", ".join(f"{kind} {figure(move, 0, '+')}" for kind, move in zip(kinds, moves, strict=True) if move)
        yield line(
            f"[bold]So far in {month:%B}[/] MRR {money(mrr)}, {figure(mrr - start, 0, '+')}"
            + (f": {parts}" if parts else "")
        )


def _to_call(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    rows = connection.execute(
        """
        select account_id, coalesce(risk.company_name, account_id), risk.account_owner, risk.mrr::double,
               health.health_score::double, health.trend_30d::double, risk.risk_level::varchar, risk.factors
        from mart.churn_risk as risk
        left join mart.customer_health as health using (account_id)
        where risk.risk_level in ('critical', 'high', 'medium')
        order by list_position(['critical', 'high', 'medium'], risk.risk_level::varchar), risk.mrr desc nulls last,
                 account_id
        limit ?
        """,
        [CALLED_FIRST],
    ).fetchall()
    if not rows:
        return
    yield ""
    yield line("[bold]Call first[/] (by churn risk, then by MRR)")
    for place, (account, name, owner, mrr, score, trend, level, factors) in enumerate(rows, start=1):
        health = NOT_MEASURED if score is None else f"{figure(score, 1)} ({signed(trend) or 'no trend yet'})"
        yield line(
            f"{place:>2} [bold]{escape(name)}[/] {escape(account)} {coloured(level)}, health {health}, MRR {money(mrr)}, "
            f"owner {escape(owner or 'nobody')}"
        )
        yield Padding(Text(_why(factors), style="dim"), (0, 0, 0, 3))


def _support(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    months = connection.sql(
        "select month, met_count, breached_count, pending_count from mart.sla_adherence "
        "where dimension_type = 'all' and met_count + breached_count > 0 order by month"
    ).fetchall()
    if months:
        met, breached, pending = (sum(month[place] for month in months) for place in (1, 2, 3))
        month, met_then, breached_then, _ = months[-1]
        yield ""
        yield line(
            f"[bold]Support[/] tickets of {month:%B %Y}: {pct(100 * met_then / (met_then + breached_then))} inside their SLA "
            f"target; of {len(months)} months: {pct(100 * met / (met + breached))} of {met + breached:,}, {breached:,} "
            f"breached, {pending:,} open and still inside"
        )


def _shop(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    sold = connection.sql(
        "select total_spend, top_share_pct, top_account_count, buyer_count from mart.revenue_concentration "
        "where dimension_type = 'all'"
    ).fetchall()
    if not sold:
        return
    spend, share, top, buyers = sold[0]
    yield ""
    yield line(
        f"[bold]Shop[/] {money(spend)} {settings.reporting_currency} to date, {pct(share)} of it from the best {top} "
        f"of {buyers} buyers"
    )
    month = connection.sql(
        "select month, 100 * monthly_retention_rate, 100 * repeat_purchase_rate from mart.order_retention_monthly "
        "where not is_partial order by month desc limit 1"
    ).fetchall()
    for day, retained, repeated in month:
        yield line(
            f"[bold]Buyers[/] {day:%B %Y}: {pct(retained)} of those of the month before ordered again; {pct(repeated)} "
            "of all have ordered twice"
        )
    ((flagged,),) = connection.sql("select count(*) from mart.high_risk_accounts").fetchall()
    yield line(f"[bold]Late payments or many tickets[/] {count_of_accounts(flagged)} (mart.high_risk_accounts)")


def _quarantine(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    rows = connection.sql(
        "select 'quarantine.' || split_part(relation, '.', 2), sum(rows_quarantined)::bigint, sum(rows_read)::bigint "
        "from quarantine.loads group by 1 having sum(rows_quarantined) > 0 order by 1"
    ).fetchall()
    yield ""
    if rows:
        counts = ", ".join(f"{table} {count:,} of {read:,}" for table, count, read in rows)
        yield line(f"[bold]Quarantined rows[/] {counts}")
    else:
        yield line("[bold]Quarantined rows[/] none")


def _holds(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    names = f"schema_name = {literal(schema)} and table_name = {literal(name)}"
    return connection.execute(f"select 1 from duckdb_tables() where {names}").fetchone() is not None


def _why(factors: list[dict[str, Any]] | None) -> str:
    """The weightiest reasons, in words."""
    weightiest = sorted(factors or [], key=lambda factor: (-(factor["points"] or 0), factor["factor"]))
    more = [f"{len(weightiest) - REASONS_SHOWN} more"] if len(weightiest) > REASONS_SHOWN else []
    return "; ".join([*(factor["sentence"] for factor in weightiest[:REASONS_SHOWN]), *more])
