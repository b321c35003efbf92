"""Our runs and `dbt build` on the same files, in turns: five sources, a dbt project of the size of a published one.

    python -m venv .dbt && .dbt/bin/pip install dbt-core==1.10.23 dbt-duckdb==1.11.1 duckdb==1.5.6   # once
    python benchmarks/dbt_build.py --dbt .dbt/bin/dbt                                  # 150 and 20,000 accounts
    python benchmarks/dbt_build.py --dbt .dbt/bin/dbt --accounts 150 --turns 5

The project has 16 models and 148 tests, each model a table. Up to SEEDED accounts the five sources are CSV files, which dbt loads
as seeds; beyond that they are Parquet files, which its models read where they are. dbt has parsed the project before it is
measured. Our full run starts without a warehouse as of the day before the last one; the daily run that follows adds the last day.

dbt's result is far smaller than ours (no scores by day, no quarantine, no snapshot, no history of checks): what is compared is
how long somebody waits. The least of all turns counts for each; CPU includes child processes.
"""

import argparse
import json
import shutil
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
from measured import Used, measured, take_turns

SEEDED = 2_000  # accounts; beyond that CSV seeds would be most of what is measured
SEEDS = ["accounts", "subscriptions", "invoices", "support_tickets", "usage_events"]
MODELS = {
    "stg_accounts": "select trim(account_id) account_id, trim(company_name) company_name, lower(industry) industry, "
    "lower(plan_tier) plan_tier, lower(region) region, try_cast(signup_date as date) signup_date, lower(status) status "
    "from {{ ref('accounts') }}",
    "stg_subscriptions": "select subscription_id, account_id, product_name, lower(plan_tier) plan_tier, "
    "try_cast(mrr_amount as double) mrr, try_cast(start_date as date) start_date, try_cast(end_date as date) end_date, "
    "end_date is null is_active from {{ ref('subscriptions') }}",
    "stg_invoices": "select invoice_id, account_id, try_cast(invoice_date as date) invoice_date, "
    "try_cast(amount as double) amount, status = 'paid' is_paid, "
    "date_trunc('month', try_cast(invoice_date as date)) invoice_month from {{ ref('invoices') }}",
    "stg_usage_events": "select event_id, account_id, user_id, event_name, "
    "try_cast(event_timestamp as timestamp) event_timestamp, try_cast(event_timestamp as date) event_date "
    "from {{ ref('usage_events') }}",
    "stg_support_tickets": "select ticket_id, account_id, try_cast(created_at as timestamp) created_at, "
    "try_cast(resolved_at as timestamp) resolved_at, lower(priority) priority, "
    "try_cast(satisfaction_score as double) satisfaction_score, "
    "date_diff('minute', try_cast(created_at as timestamp), try_cast(resolved_at as timestamp)) / 60.0 resolution_hours, "
    "case lower(priority) when 'p1' then 4 when 'p2' then 8 when 'p3' then 24 else 72 end sla_hours "
    "from {{ ref('support_tickets') }}",
    "dim_date": "select try_cast(day as date) date_day, date_trunc('month', day) month_start "
    "from range(timestamp '2023-01-01', timestamp '2028-01-01', interval 1 day) days(day)",
    "dim_product": "select product_name, plan_tier, min(mrr) lowest_mrr, count(*) subscription_count "
    "from {{ ref('stg_subscriptions') }} group by all",
    "dim_account": "select a.*, coalesce(s.mrr, 0) mrr, coalesce(t.ticket_count, 0) ticket_count, case when s.mrr >= 1000 "
    "then 'enterprise' when s.mrr >= 200 then 'mid_market' else 'smb' end segment from {{ ref('stg_accounts') }} a "
    "left join (select account_id, sum(mrr) mrr from {{ ref('stg_subscriptions') }} where is_active group by 1) s "
    "using (account_id) left join (select account_id, count(*) ticket_count from {{ ref('stg_support_tickets') }} "
    "group by 1) t using (account_id)",
    "fct_revenue": "with months as (select distinct month_start from {{ ref('dim_date') }}), billed as (select account_id, "
    "month_start, sum(mrr) mrr from months join {{ ref('stg_subscriptions') }} on start_date <= month_start and "
    "coalesce(end_date, date '2100-01-01') > month_start where month_start <= current_date group by all) select *, "
    "mrr * 12 arr, mrr - lag(mrr) over (partition by account_id order by month_start) mrr_change from billed",
    "fct_usage": "select account_id, event_date, count(*) event_count, count(distinct user_id) active_user_count, "
    "count(distinct event_name) / 5.0 feature_breadth from {{ ref('stg_usage_events') }} group by all",
    "fct_tickets": "select *, resolution_hours <= sla_hours is_within_sla, resolution_hours / sla_hours sla_ratio, "
    "case when satisfaction_score >= 4 then 'satisfied' when satisfaction_score is not null then 'other' end csat_tier "
    "from {{ ref('stg_support_tickets') }}",
    "customer_health_scores": "with used as (select account_id, avg(event_count) events from {{ ref('fct_usage') }} "
    "where event_date > current_date - 30 group by 1), helped as (select account_id, avg(is_within_sla::int) kept from "
    "{{ ref('fct_tickets') }} group by 1) select account_id, segment, least(100, greatest(0, 0.5 * coalesce(100 * "
    "percent_rank() over (order by events), 0) + 0.25 * 100 * coalesce(kept, 0.5) + 0.25 * 100 * percent_rank() over "
    "(order by mrr))) health_score from {{ ref('dim_account') }} left join used using (account_id) left join helped using "
    "(account_id)",
    "churn_risk_view": "select account_id, health_score, case when health_score < 40 then 'high' when health_score < 60 "
    "then 'medium' else 'low' end risk_level from {{ ref('customer_health_scores') }}",
    "nrr_summary": "select month_start, sum(mrr) mrr, sum(greatest(mrr_change, 0)) expansion, sum(least(mrr_change, 0)) "
    "contraction, count(distinct account_id) account_count from {{ ref('fct_revenue') }} group by 1",
    "revenue_cohort_analysis": "select date_trunc('month', signup_date) cohort_month, month_start, count(distinct "
    "r.account_id) account_count, sum(r.mrr) mrr from {{ ref('fct_revenue') }} r join {{ ref('dim_account') }} using "
    "(account_id) group by all",
    "sla_adherence": "select priority, segment, count(*) ticket_count, avg(is_within_sla::int) sla_adherence, "
    "median(resolution_hours) median_hours from {{ ref('fct_tickets') }} join {{ ref('dim_account') }} using (account_id) "
    "group by all",
}
TESTS = 148
KINDS = ["not_null", "unique"]  # of each column in turn; a failed test only warns: what counts here is that it runs


def write_project(folder: Path, company: Path, *, is_seeded: bool) -> None:
    """The models and a profile for a DuckDB file; sources from the company's files, as seeds or read in place."""
    for name in ("seeds", "models"):
        (folder / name).mkdir(parents=True)
    models = dict(MODELS)
    for name in SEEDS:
        files = f"{name}/*" if (company / name).is_dir() else f"{name}.*"
        if is_seeded:
            rows = pl.concat([pl.read_csv(file, infer_schema=False) for file in sorted(company.glob(files))])
            rows.write_csv(folder / f"seeds/{name}.csv")
        else:
            read = f"read_parquet('{company / files}')"
            models = {model: query.replace(f"{{{{ ref('{name}') }}}}", read) for model, query in models.items()}
    for name, query in models.items():
        (folder / f"models/{name}.sql").write_text(query)
    project = {"name": "peer", "profile": "peer", "models": {"+materialized": "table"}}
    (folder / "dbt_project.yml").write_text(json.dumps(project | {"data_tests": {"+severity": "warn"}}))
    target = {"type": "duckdb", "path": str(folder / "peer.duckdb"), "threads": 2}
    (folder / "profiles.yml").write_text(json.dumps({"peer": {"target": "dev", "outputs": {"dev": target}}}))


def write_tests(folder: Path) -> None:
    """TESTS tests, one kind after the other over the columns of the models."""
    with duckdb.connect(str(folder / "peer.duckdb"), read_only=True) as peer:
        columns = peer.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'main'"
        ).fetchall()
    tested = [(table, column, kind) for kind in KINDS for table, column in columns if table in MODELS][:TESTS]
    models = [
        {
            "name": name,
            "columns": [
                {"name": column, "data_tests": [kind for *place, kind in tested if place == [name, column]]}
                for table, column in columns
                if table == name
            ],
        }
        for name in MODELS
    ]
    (folder / "models/schema.yml").write_text(json.dumps({"models": models}))


def compare(dbt: str, accounts: int, turns: int, folder: Path) -> None:
    """Measure both on one company, in turns, and print what each took as a multiple of `dbt build`."""
    ours = [sys.executable, "-m", "health_assets.cli.app"]
    paths = {
        "PYTHONPATH": ":".join([str(Path(__file__).parents[1]), *sys.path]),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    is_seeded, company, last_day = (
        accounts <= SEEDED,
        folder / "company",
        datetime.now().astimezone().date() - timedelta(days=1),
    )
    print(f"{accounts:,} accounts: writing the files", flush=True)
    size = ["--accounts", str(accounts), "--profile", "core", "--end", last_day.isoformat()]
    file_format = ["--format", "csv" if is_seeded else "parquet"]
    measured([*ours, "demo", "--folder", str(company), *size, *file_format], folder, paths)
    events = company / "usage_events"
    count = duckdb.sql(f"select count(*) from '{events}/*{'.csv' if is_seeded else '.parquet'}'").fetchall()[0][0]
    print(f"{count:,} events; dbt parses its project", flush=True)
    write_project(folder / "peer", company, is_seeded=is_seeded)
    build = [dbt, "build", "--profiles-dir", "."]
    measured(build, folder / "peer", paths)
    write_tests(folder / "peer")
    measured(build, folder / "peer", paths)
    run = [*ours, "run", "--settings", "company/settings.yml"]
    environment = paths | {"DAGSTER_HOME": str(folder / "dagster")}

    def full() -> Used:
        shutil.rmtree(folder / "dagster", ignore_errors=True)
        (folder / "dagster").mkdir()
        for made in [*company.glob("warehouse*"), *company.glob("published*")]:
            shutil.rmtree(made) if made.is_dir() and not made.is_symlink() else made.unlink()
        return measured([*run, "--as-of", (last_day - timedelta(days=1)).isoformat()], folder, environment)

    contestants = {
        "dbt build": lambda: measured(build, folder / "peer", paths),
        "health-assets run, full": full,
        "health-assets run, daily": lambda: measured(run, folder, environment),
    }
    least = take_turns(contestants, turns)
    dbt_used = least["dbt build"]
    print(f"{'':26} {'':>38} {'wall / dbt':>12} {'CPU / dbt':>10} {'GB / dbt':>9}")
    for name, used in least.items():
        ratios = (used.wall / dbt_used.wall, used.cpu / dbt_used.cpu, used.gigabytes / dbt_used.gigabytes)
        print(f"{name:26} {used} {ratios[0]:12.2f} {ratios[1]:10.2f} {ratios[2]:9.2f}", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--dbt", required=True, help="the command of a dbt that has its DuckDB adapter")
    arguments.add_argument("--accounts", type=int, nargs="+", default=[150, 20_000])
    arguments.add_argument("--turns", type=int, nargs="+", default=[5, 2], help="for each number of accounts")
    given = arguments.parse_args()
    dbt = shutil.which(given.dbt) or sys.exit(f"{given.dbt}: no such command")
    for place, accounts in enumerate(given.accounts):
        with tempfile.TemporaryDirectory() as folder:
            compare(str(Path(dbt).absolute()), accounts, given.turns[min(place, len(given.turns) - 1)], Path(folder))


if __name__ == "__main__":
    main()
