"""A run beside `dbt build`, on the same files: five sources, a dbt project of the size of a published one.

    python benchmarks/dbt_build.py --dbt /path/to/dbt       # a dbt with its DuckDB adapter, in an environment of its own

The project has 5 seeds, 16 models and 148 tests, each model a table. Its result is far smaller than ours (no scores by day,
no quarantine, no snapshot, no history of checks): what is compared is how long somebody waits who has so small a company.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl

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
KINDS = ["not_null", "unique"]  # of each column in turn; a broken one warns: what counts here is that it is asked


def write_project(folder: Path, company: Path) -> None:
    """Seeds from the company's files, the models, and a profile for a DuckDB file."""
    for name in ("seeds", "models"):
        (folder / name).mkdir()
    for name in SEEDS:
        files = sorted((company / name).glob("*.csv")) or [company / f"{name}.csv"]
        pl.concat([pl.read_csv(file, infer_schema=False) for file in files]).write_csv(folder / f"seeds/{name}.csv")
    for name, query in MODELS.items():
        (folder / f"models/{name}.sql").write_text(query)
    project = {"name": "peer", "profile": "peer", "models": {"+materialized": "table"}}
    (folder / "dbt_project.yml").write_text(json.dumps(project | {"data_tests": {"+severity": "warn"}}))
    target = {"type": "duckdb", "path": str(folder / "peer.duckdb"), "threads": 2}
    (folder / "profiles.yml").write_text(json.dumps({"peer": {"target": "dev", "outputs": {"dev": target}}}))


def write_tests(folder: Path) -> None:
    """So many tests, one kind after the other over the columns of the models."""
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


def seconds(command: list[str], folder: Path) -> float:
    """Wall seconds of a command; its output is shown if it fails."""
    environment = os.environ | {"DAGSTER_HOME": str(folder / "dagster"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    started = time.perf_counter()
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(ended.stdout + ended.stderr)
    return time.perf_counter() - started


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--dbt", required=True, help="the command of a dbt that has its DuckDB adapter")
    arguments.add_argument("--accounts", type=int, default=150)
    arguments.add_argument("--turns", type=int, default=3)
    given = arguments.parse_args()
    ours = [sys.executable, "-m", "health_assets.cli.app"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "dagster").mkdir()
        company = ["--folder", str(folder / "company"), "--accounts", str(given.accounts), "--profile", "core"]
        seconds([*ours, "demo", *company], folder)
        write_project(folder, folder / "company")
        build = [given.dbt, "build", "--profiles-dir", str(folder)]
        seconds(build, folder)
        write_tests(folder)
        seconds(build, folder)  # it parses the tests, once
        took: dict[str, list[float]] = {"dbt build": [], "health-assets run": []}
        for _ in range(given.turns):
            took["dbt build"].append(seconds(build, folder))
            shutil.rmtree(folder / "dagster")
            (folder / "dagster").mkdir()
            for made in (folder / "company").glob("*.duckdb*"):
                made.unlink()
            took["health-assets run"].append(seconds([*ours, "run", "--settings", "company/settings.yml"], folder))
        for name, turns in took.items():
            print(f"{name:18} {min(turns):6.1f} s of {', '.join(f'{turn:.1f}' for turn in turns)}")
        print(f"{'ratio':18} {min(took['health-assets run']) / min(took['dbt build']):6.2f}")


if __name__ == "__main__":
    main()
