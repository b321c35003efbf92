"""A published snapshot with the rows of a test, and a webhook on loopback with the answers of a test."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from health_assets import settings
from health_assets.alerts import WEBHOOK_VARIABLE
from health_assets.settings import Settings

SECRET = "T0SECRET-never-shown"


class Slack:
    """Keeps what is posted; gives `answers` (status, headers) one after the other, then 200, with `bodies` or `ok`.

    In place of a status it may `hang` (accept and say nothing), `drip` (a yes that takes for ever), `cut` the connection
    instead of an answer, or answer with a status and `stall` in the body. While it `is_deaf`, it answers nothing at all.
    """

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answers: list[tuple[int | str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.accepted: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.gets: list[str] = []
        self.is_deaf = False
        self.on_post: Callable[[dict[str, Any]], None] | None = None
        self.ended = threading.Event()
        heard = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                message = json.loads(raw)
                heard.posts.append(message)
                heard.headers.append(dict(self.headers) | {"": raw.decode()})
                if heard.on_post:
                    heard.on_post(message)
                status, headers = heard.answers.pop(0) if heard.answers else (200, {})
                if status in ("hang", "cut"):
                    if status == "hang":
                        heard.ended.wait(60)
                    return self.connection.close()
                said = (
                    b"no" if isinstance(status, int) and status != 200 else heard.take(self.path, self.headers, message)
                )
                body = heard.bodies.pop(0) if heard.bodies else said
                if (status == 200 and body == said == heard.yes(said)) or status in ("drip", "stall"):
                    heard.accepted.append(message)
                self.send_response(status if isinstance(status, int) else 200)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status in ("drip", "stall"):
                    self.send_header("Content-Length", "1000")
                self.end_headers()
                if status == "drip":
                    while not heard.ended.wait(0.05):
                        self.wfile.write(b" ")
                if status == "stall":
                    heard.ended.wait(60)
                if isinstance(status, int) and status != 204:
                    self.wfile.write(body)
                return None

            def do_OPTIONS(self) -> None:
                if heard.is_deaf:
                    heard.ended.wait(60)
                self.send_response(405)
                self.end_headers()

            def do_GET(self) -> None:
                heard.gets.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def handle(self) -> None:
                with suppress(ConnectionError, ValueError):  # the other side has given up, as is tested
                    super().handle()

            def log_message(self, *_: Any) -> None:
                pass

        self._handler = Handler
        self._listen(0)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/{SECRET}"

    def take(self, path: str, headers: Message, message: dict[str, Any]) -> bytes:
        """The body of the answer to what is taken."""
        return b"ok"

    def yes(self, said: bytes) -> bytes | None:
        """The same body if it says that the message was taken."""
        return said

    def _listen(self, port: int) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", port), self._handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def pause(self) -> None:
        """Refuse connections from now on."""
        self.server.shutdown()
        self.server.server_close()

    def resume(self) -> None:
        """Listen on the same port again."""
        self._listen(self.server.server_port)

    def stop(self) -> None:
        """End the server and free its port."""
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def sections(self) -> list[str]:
        """The text of every account delivered so far."""
        blocks = [block for message in self.accepted for block in message["blocks"]]
        return [block["text"]["text"] for block in blocks if block["type"] == "section"]


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    server = Slack()
    monkeypatch.setenv(WEBHOOK_VARIABLE, server.url)
    yield server
    server.stop()


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    """Every change is reported at once, unless a test says otherwise."""
    at_once = {"enter_margin": None, "enter_days": 0, "leave_days": 0, "cool_down_days": 0, "remind_after_days": None}
    delivery = {"pause_seconds": 0, "patience_seconds": 0, "first_retry_seconds": 0.001}
    rules = dict.fromkeys(settings.load().alerts.rules, at_once)
    content = {
        "company": "Acme & Sons",
        "warehouse": "warehouse.duckdb",
        "published": "published.duckdb",
        "alerts": {"delivery": delivery, "rules": rules, "account_cool_down_days": 0},
    }
    file = tmp_path / "settings.yml"
    file.write_text(json.dumps(content))  # which is YAML as well
    return settings.load(file)


def with_alerts(company: Settings, **given: Any) -> Settings:
    """The settings with others under `alerts`."""
    return company.model_copy(update={"alerts": company.alerts.model_copy(update=given)})


def account(account_id: str, risk_level: str | None = "low", health_band: str | None = "healthy", **given: Any) -> dict:
    """An account as the snapshot has it; what other rules look at only where it is given."""
    return {
        "account_id": account_id,
        "risk_level": risk_level,
        "health_band": health_band,
        "company_name": f"Company {account_id}",
        "account_owner": "Ada",
        "mrr": 1200.0,
        "account_status": "active",
        "health_score": 50.0,
        "trend_30d": -12.0,
        "reasons": [(20.0, "Usage halved: 40 events after 100")],
    } | given


Publish = Callable[..., None]

TABLES = """
    create schema mart; create schema dim; create schema fact;
    create table about (company varchar, as_of_date date);
    create table rule_versions (rule varchar, version varchar);
    create table sources (source varchar, last_day date, stale_after_days integer);
    create table dim.account (
        account_id varchar, company_name varchar, account_owner varchar, account_status varchar, mrr double,
        segment varchar, value_tier varchar, region varchar, churn_date date);
    create table mart.customer_health (account_id varchar, as_of_date date, health_score double, health_band varchar,
        trend_30d double, mrr double, scorecard varchar);
    create table mart.customer_health_parts (account_id varchar, as_of_date date, dimension varchar, measure varchar,
        scorecard varchar, metric varchar, value double, score double, weight double);
    create table mart.churn_risk (account_id varchar, risk_level varchar, churn_risk_score double, mrr double,
        factors struct(factor varchar, points double, value double, threshold double, sentence varchar)[],
        unmeasured_factors varchar[]);
    create table fact.account_revenue_daily (account_id varchar, as_of_date date, days_to_renewal bigint);
    create table mart.attention_list (account_id varchar, attention_rank bigint, reason varchar, next_step varchar,
        next_step_owner_role varchar, next_step_days bigint, since_date date, held_days bigint);
    create table mart.churned_accounts (account_id varchar, mrr_lost double, health_score_30d_before double);
    create table mart.operations_risk (account_id varchar, month date, is_at_risk boolean, is_volume_drop boolean,
        is_slowdown boolean, is_data_error_rise boolean, is_denial_rise boolean);
    create table mart.payment_risk (account_id varchar);
    create table mart.commerce_flags (account_id varchar, flag_count bigint, reasons varchar);
    create table fact.incidents (incident_id varchar, account_id varchar, incident_type varchar, detected_date date,
        is_critical boolean, is_false_positive boolean, minutes_to_respond double, is_within_sla boolean);
    create table fact.tickets (ticket_id varchar, account_id varchar, created_at timestamp, priority varchar,
        category varchar, sla_state varchar, sla_target_hours double);
    create table fact.feedback (feedback_id varchar, account_id varchar, feedback_date date, nps_rating double,
        nps_category varchar);
"""


@pytest.fixture
def publish(company: Settings) -> Publish:
    """Write a snapshot with the given accounts."""

    def write(
        as_of_date: date, accounts: list[dict[str, Any]], version: str = "1", sources: Sequence[tuple[Any, ...]] = ()
    ) -> None:
        company.published.unlink(missing_ok=True)
        with duckdb.connect(str(company.published)) as connection:
            connection.execute(TABLES)
            _insert(connection, "about", company.company, as_of_date)
            for rule in ("risk_level", "health_band"):
                _insert(connection, "rule_versions", rule, version)
            for source in sources:
                _insert(connection, "sources", *source)
            for one in accounts:
                _insert_health(connection, one, as_of_date)
                _insert_flags(connection, one, as_of_date)

    return write


def _insert(connection: duckdb.DuckDBPyConnection, table: str, *values: Any) -> None:
    connection.execute(f"insert into {table} values ({', '.join('?' * len(values))})", values)


def _insert_health(connection: duckdb.DuckDBPyConnection, one: dict[str, Any], as_of_date: date) -> None:
    key, score, mrr = one["account_id"], one["health_score"], one["mrr"]
    reasons = [(f"f{place}", points, sentence) for place, (points, sentence) in enumerate(one["reasons"])]
    if near := one.get("renewal"):
        reasons.append(("renewal_near", 15.0, near))
    factors = [
        {"factor": factor, "points": points, "value": 1.0, "threshold": 1.0, "sentence": sentence}
        for factor, points, sentence in reasons
    ]
    scorecard = one.get("scorecard", "standard")
    about = (one["company_name"], one["account_owner"], one["account_status"], mrr)
    _insert(connection, "dim.account", key, *about, "smb", "key", "emea", one.get("churn_date"))
    health = (score, one["health_band"], one["trend_30d"], mrr, scorecard)
    _insert(connection, "mart.customer_health", key, as_of_date, *health)
    for dimension, metric, value, points in one.get("measures", []):
        measure = (dimension, metric, scorecard, metric, value, points, 0.1)
        _insert(connection, "mart.customer_health_parts", key, as_of_date, *measure)
    _insert(connection, "mart.churn_risk", key, one["risk_level"], 50, mrr, factors, one.get("unmeasured", []))
    if "days_to_renewal" in one:
        _insert(connection, "fact.account_revenue_daily", key, as_of_date, one["days_to_renewal"])
    if "mrr_lost" in one:
        _insert(connection, "mart.churned_accounts", key, one["mrr_lost"], None)
    if rank := one.get("attention_rank"):
        step = ("Usage halved", "Call the account", "Customer Success Manager", 5, as_of_date, 1)
        _insert(connection, "mart.attention_list", key, rank, *step)


def _insert_flags(connection: duckdb.DuckDBPyConnection, one: dict[str, Any], as_of_date: date) -> None:
    key = one["account_id"]
    if (flags := one.get("flags")) is not None:
        _insert(connection, "mart.operations_risk", key, date(2024, 12, 1), sum(flags) >= 2, *flags)
    if "late_reasons" in one:
        _insert(connection, "mart.payment_risk", key)
    if one.get("late_reasons"):
        _insert(connection, "mart.commerce_flags", key, 1, one["late_reasons"])
    for day, kind in one.get("incidents", []):
        _insert(connection, "fact.incidents", f"{key}-{day}", key, kind, day, True, False, 3.0, True)
    for created, category in one.get("breached", []):
        _insert(connection, "fact.tickets", f"{key}-{created}", key, created, "p1", category, "breached", 4.0)
    for day, rating in one.get("ratings", []):
        category = "promoter" if rating >= 9 else "detractor" if rating <= 6 else "passive"
        _insert(connection, "fact.feedback", f"{key}-{day}", key, day, rating, category)
