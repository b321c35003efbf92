"""Stripe, against localstripe (a server written by others); what it lacks, against the documented answers on loopback."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from health_assets.cli.doctor_operations import pulls
from health_assets.connectors import pulling, stripe
from health_assets.connectors.api import PullError
from health_assets.connectors.pulling import is_pulled, outcome_of, pull_vendor
from health_assets.settings import Settings
from health_assets.sources.answers import fetch_answers
from health_assets.sources.formats import SourceError
from health_assets_tests.connectors.company import company_of, table
from health_assets_tests.loopback_api import Answer, LoopbackApi, Request
from health_assets_tests.loopback_stripe import KEY, LocalStripe, running

pytestmark = pytest.mark.slow

START = int(datetime(2026, 9, 1, 12, tzinfo=UTC).timestamp())
SOURCES = ("accounts", "subscriptions", "invoices")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalStripe]:
    pytest.importorskip("localstripe")
    with running() as local:
        yield local


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_KEY", KEY)


def settings_of(folder: Path, url: str) -> Settings:
    return company_of(folder, {"stripe": {"token": "env:STRIPE_KEY", "url": url}}, *SOURCES)


def test_cancellation_arrives_with_the_next_pull(server: LocalStripe, tmp_path: Path) -> None:
    subscription = server.subscription(server.customer("Cancels"), server.plan("Gold", 1000), START)
    company = settings_of(tmp_path, server.url)
    pull_vendor("stripe", company)
    statuses = dict(table(company, "stripe", "subscription").select("id", "status").iter_rows())
    assert statuses[subscription] == "active"
    server.delete(f"/v1/subscriptions/{subscription}")
    pull_vendor("stripe", company)
    (row,) = table(company, "stripe", "subscription").filter(id=subscription).iter_rows(named=True)
    assert row["status"] == "canceled"
    assert row["ended_at"] is not None


def test_every_page_is_read_and_no_record_is_doubled(
    server: LocalStripe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "PAGE", 2)
    plan = server.plan("Silver", 1000)
    customers = [server.customer(f"Page {number}") for number in range(5)]
    subscriptions = {server.subscription(customer, plan, START) for customer in customers}
    company = settings_of(tmp_path, server.url)
    pull_vendor("stripe", company)
    pull_vendor("stripe", company)
    for name, wanted in (("subscription", subscriptions), ("customer", set(customers))):
        found = table(company, "stripe", name)["id"].to_list()
        assert len(found) == len(set(found))
        assert wanted <= set(found)
    invoices = table(company, "stripe", "invoice")
    assert subscriptions <= set(invoices["subscription"])
    assert invoices["id"].is_unique().all()


def test_invoice_that_was_a_draft_is_read_again_until_it_is_final(
    server: LocalStripe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "OVERLAP_SECONDS", -3600)  # so that a listing alone would not show it again
    monkeypatch.setattr(stripe, "PAGE", 1)
    customer = server.customer("Drafts")
    server.subscription(customer, server.plan("Bronze", 1000), START)
    server.post("/v1/invoiceitems", customer=customer, amount=500, currency="usd")
    paid_later = server.post("/v1/invoices", customer=customer)["id"]
    server.post("/v1/invoiceitems", customer=customer, amount=700, currency="usd")
    deleted = server.post("/v1/invoices", customer=customer)["id"]
    company = settings_of(tmp_path, server.url)
    pull_vendor("stripe", company, is_new=True)
    server.post(f"/v1/invoices/{paid_later}/pay")
    server.delete(f"/v1/invoices/{deleted}")
    pull_vendor("stripe", company)
    found = {row["id"]: row for row in table(company, "stripe", "invoice").iter_rows(named=True)}
    assert found[paid_later]["status"] == "paid"
    assert (found[deleted]["is_deleted"], found[deleted]["total"]) == ("true", "1700")


def test_table_that_the_key_may_not_read_is_left_out_and_said(server: LocalStripe, tmp_path: Path) -> None:
    company = settings_of(tmp_path, server.url)
    outcome = pull_vendor("stripe", company)  # localstripe has no credit notes
    assert outcome.notes == ["credit_note was left out: stripe: /v1/credit_notes answered 404"]
    assert not (company.pulled / "stripe" / "credit_note.parquet").exists()


def test_key_that_is_refused_leaves_what_was_pulled_and_is_in_nothing_that_is_kept(
    server: LocalStripe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = settings_of(tmp_path, server.url)
    pull_vendor("stripe", company)
    before = table(company, "stripe", "customer")
    monkeypatch.setenv("STRIPE_KEY", "rk_expired_5ecret")
    with pytest.raises(
        PullError, match=r"the login was refused \(401\): .* variable STRIPE_KEY holds a token or secret"
    ):
        pull_vendor("stripe", company)
    assert table(company, "stripe", "customer").equals(before)
    outcome = outcome_of("stripe", company)
    assert outcome.failed_at is not None
    assert "STRIPE_KEY" in outcome.failure
    for file in company.pulled.rglob("*"):
        if file.is_file():
            assert b"rk_expired_5ecret" not in file.read_bytes()
            assert KEY.encode() not in file.read_bytes()


def invoice(number: int) -> dict[str, Any]:
    return {"id": f"in_{number:03}", "customer": "cus_1", "created": START + number, "status": "paid", "total": 100,
            "currency": "usd", "lines": {"data": []}}  # fmt: skip


def stripe_of(vendor: LoopbackApi, invoices: list[dict[str, Any]], others: dict[str, list[Any]] | None = None) -> None:
    """Lists as Stripe gives them: newest first, after a record."""

    def listed(records: list[dict[str, Any]], request: Request) -> Answer:
        ids = [record["id"] for record in records]
        first = ids.index(request.query["starting_after"]) + 1 if "starting_after" in request.query else 0
        until = first + int(request.query["limit"])
        return Answer({"object": "list", "data": records[first:until], "has_more": until < len(records)})

    vendor.routes["/v1/invoices"] = lambda request: listed(sorted(invoices, key=lambda one: -one["created"]), request)
    for name in ("customers", "subscriptions", "products", "credit_notes"):
        vendor.routes[f"/v1/{name}"] = lambda request, name=name: listed((others or {}).get(name, []), request)


def test_only_invoices_since_the_last_pull_are_read(
    vendor: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "OVERLAP_SECONDS", 0)
    monkeypatch.setattr(stripe, "PAGE", 10)
    invoices = [invoice(number) for number in range(95)]
    stripe_of(vendor, invoices)
    company = settings_of(tmp_path, vendor.url)
    assert pull_vendor("stripe", company).changed["invoice"] == 95
    invoices.append(invoice(95))
    assert pull_vendor("stripe", company).changed["invoice"] == 10  # one page
    assert table(company, "stripe", "invoice").height == 96
    assert pull_vendor("stripe", company, is_new=True).changed["invoice"] == 96


def test_more_items_than_come_with_a_subscription_are_read(vendor: LoopbackApi, tmp_path: Path) -> None:
    inside = {"data": [{"id": "si_1"}], "has_more": True, "url": "/v1/subscription_items?subscription=sub_1"}
    stripe_of(
        vendor, [], {"subscriptions": [{"id": "sub_1", "customer": "cus_1", "status": "active", "items": inside}]}
    )
    vendor.routes["/v1/subscription_items"] = lambda request: Answer(
        {"data": [{"id": "si_1"}, {"id": "si_2"}], "has_more": False}
    )
    company = settings_of(tmp_path, vendor.url)
    pull_vendor("stripe", company)
    assert '"si_2"' in table(company, "stripe", "subscription")["items"][0]


def test_discounts_are_read_with_their_coupons(vendor: LoopbackApi, tmp_path: Path) -> None:
    stripe_of(
        vendor, [], {"subscriptions": [{"id": "sub_1", "customer": "cus_1", "status": "active", "discounts": ["di_1"]}]}
    )
    pull_vendor("stripe", settings_of(tmp_path, vendor.url))
    requested = [request.query for request in vendor.requests if request.path == "/v1/subscriptions"]
    assert [query.get("expand[]") for query in requested] == [None, "data.discounts"]
    assert {query["status"] for query in requested} == {"all"}


def test_killed_pull_loses_and_doubles_nothing_and_goes_on_where_it_was(
    vendor: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "PAGE", 10)
    monkeypatch.setattr(stripe, "OVERLAP_SECONDS", 0)
    invoices = [invoice(number) for number in range(60)]
    stripe_of(vendor, invoices)
    company = settings_of(tmp_path, vendor.url)
    vendor.stall_at = 5
    killed_pull(tmp_path, vendor)
    assert not (company.pulled / "stripe" / "invoice.parquet").exists()
    invoices.append(invoice(60))  # while nothing pulled
    vendor.stall_at, before = 0, len(vendor.requests)
    pull_vendor("stripe", company)
    assert table(company, "stripe", "invoice")["id"].to_list() == [f"in_{number:03}" for number in range(61)]
    starts = [one.query.get("starting_after") for one in vendor.requests[before:] if one.path == "/v1/invoices"]
    assert starts == [None, "in_020", "in_010"]  # the new one; then the rest, for in_059 to in_020 were kept


def killed_pull(folder: Path, vendor: LoopbackApi) -> None:
    """`health-assets pull` in a process of its own, killed while it waits for an answer; each page is a part."""
    program = (
        "from health_assets.connectors import pulling, stripe; pulling.PART_ROWS = 1; stripe.PAGE = 10; "
        "from health_assets.cli.app import app; app()"
    )
    command = [sys.executable, "-c", program, "pull", "--settings", str(folder / "settings.yml")]
    with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL) as process:
        assert vendor.stalled.wait(60)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL


def test_place_to_resume_from_that_is_gone_begins_anew(
    vendor: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "PAGE", 1)
    monkeypatch.setattr(pulling, "PART_ROWS", 1)
    monkeypatch.setattr(stripe, "OVERLAP_SECONDS", 0)
    invoices = [invoice(number) for number in range(3)]
    stripe_of(vendor, invoices)
    company = settings_of(tmp_path, vendor.url)
    listed = vendor.routes["/v1/invoices"]
    vendor.routes["/v1/invoices"] = lambda request: (
        Answer(status=404) if request.query.get("starting_after") == "in_001" else listed(request)
    )
    with pytest.raises(PullError):
        pull_vendor("stripe", company)
    del invoices[1]  # a draft
    vendor.routes["/v1/invoices"] = lambda request: (
        Answer(status=400) if request.query.get("starting_after") == "in_001" else listed(request)
    )
    pull_vendor("stripe", company)
    assert table(company, "stripe", "invoice")["id"].to_list() == ["in_000", "in_002"]


def test_doctor_says_what_came_of_the_last_pull_and_which_variable_is_missing(
    vendor: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = settings_of(tmp_path, vendor.url)

    def found() -> tuple[str, str]:
        (finding,) = pulls(company)
        return finding.status.value, finding.message

    assert found() == ("warning", "not pulled yet")
    stripe_of(vendor, [invoice(1)])
    at = f"{pull_vendor('stripe', company).pulled_at:%Y-%m-%d %H:%M} UTC"
    assert found() == ("good", f"pulled on {at}: 5 tables, 1 record")
    vendor.token = "another"
    with pytest.raises(PullError):
        pull_vendor("stripe", company)
    status, message = found()
    assert (status, "the login was refused (401)" in message, f"; pulled on {at}" in message) == ("warning", True, True)
    monkeypatch.delenv("STRIPE_KEY")
    assert found() == ("warning", f"STRIPE_KEY not set; pulled on {at}")


def test_damaged_table_is_pulled_anew(vendor: LoopbackApi, tmp_path: Path) -> None:
    stripe_of(vendor, [invoice(1)])
    company = settings_of(tmp_path, vendor.url)
    pull_vendor("stripe", company)
    (company.pulled / "stripe" / "invoice.parquet").write_bytes(b"PAR1")
    assert pull_vendor("stripe", company).rows["invoice"] == 1


def test_source_that_is_connected_later_needs_a_pull(vendor: LoopbackApi, tmp_path: Path) -> None:
    stripe_of(vendor, [])
    company = company_of(tmp_path, {"stripe": {"token": "env:STRIPE_KEY", "url": vendor.url}}, "accounts")
    assert set(pull_vendor("stripe", company).rows) == {"customer"}
    company = settings_of(tmp_path, vendor.url)
    assert not is_pulled("stripe", company)
    with pytest.raises(SourceError, match="has not been pulled from stripe yet; run `health-assets pull stripe`"):
        fetch_answers(company)
    pull_vendor("stripe", company)
    assert is_pulled("stripe", company)


def test_invoice_that_was_given_up_is_read_again_for_half_a_year(
    vendor: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "PAGE", 1)
    day = 86_400
    invoices = [invoice(0), invoice(30 * day), invoice(199 * day), invoice(200 * day)]
    for one in invoices[:2]:
        one["status"] = "uncollectible"
    stripe_of(vendor, invoices)
    company = settings_of(tmp_path, vendor.url)
    pull_vendor("stripe", company, is_new=True)
    before = len(vendor.requests)
    vendor.routes[r"/v1/invoices/in_\d+"] = lambda request: Answer(invoices[1] | {"status": "paid"})
    pull_vendor("stripe", company)
    read = [one.path for one in vendor.requests[before:] if one.path.startswith("/v1/invoices/")]
    assert read == [f"/v1/invoices/{invoices[1]['id']}"]
    assert table(company, "stripe", "invoice")["status"].to_list().count("paid") == 3


def test_two_pulls_at_once_are_one(vendor: LoopbackApi, tmp_path: Path) -> None:
    company = settings_of(tmp_path, vendor.url)

    def answer(request: Request) -> Answer:
        with pytest.raises(PullError, match="another pull is running"):
            pull_vendor("stripe", company)
        return Answer({"data": [], "has_more": False})

    stripe_of(vendor, [])
    vendor.routes["/v1/invoices"] = answer
    assert pull_vendor("stripe", company).rows["invoice"] == 0
