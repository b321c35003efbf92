"""Records of an erased account are taken out of what was pulled, and later pulls do not keep them."""

from pathlib import Path

import pytest

from health_assets.connectors.pulling import erase_pulled, pull_vendor
from health_assets.orchestration.erasure_search import files_of_ours, remaining
from health_assets.settings import Settings, load
from health_assets.sources.erased import Entry, Erased, write_list
from health_assets.warehouse.subject import Subject, Term
from health_assets_tests.connectors.company import company_of, table
from health_assets_tests.connectors.hubspot_api import HubspotApi
from health_assets_tests.connectors.test_stripe import invoice, stripe_of
from health_assets_tests.loopback_api import LoopbackApi

TERMS = (Term("cus_1", "account", "erased-1"), Term("Acme Ltd", None, "erased-1"))
SUBJECT = Subject("account", "cus_1", "erased-1", TERMS, is_kept=False)


@pytest.fixture
def company(vendor: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("STRIPE_KEY", "sk_x")
    customers = [{"id": "cus_1", "name": "Acme Ltd", "created": 1}, {"id": "cus_2", "name": "Bell", "created": 1}]
    stripe_of(vendor, [invoice(1), invoice(2) | {"customer": "cus_2"}], {"customers": customers})
    login = {"token": "env:STRIPE_KEY", "url": vendor.url}
    settings = company_of(tmp_path, {"stripe": login}, "accounts", "invoices", published="data/published.duckdb")
    pull_vendor("stripe", settings)
    return settings


def listed(company: Settings, account: str) -> None:
    erased = Erased()
    erased.entries.append(Entry("account", erased.hash_of("account", account), "erased-1", is_kept=False))
    write_list(company, erased)


def test_erased_account_leaves_all_tables_and_does_not_come_back(company: Settings) -> None:
    wanted = {"stripe/invoice.parquet": 1, "stripe/customer.parquet": 1}
    assert erase_pulled(company, ["cus_1"], dry_run=True) == wanted
    assert table(company, "stripe", "customer").height == 2
    listed(company, "cus_1")
    assert erase_pulled(company, ["cus_1"]) == wanted
    for name, column in (("customer", "id"), ("invoice", "customer")):
        assert table(company, "stripe", name)[column].to_list() == ["cus_2"]
    pull_vendor("stripe", company, is_new=True)  # the API still gives them
    assert table(company, "stripe", "customer")["id"].to_list() == ["cus_2"]
    assert table(company, "stripe", "invoice").height == 1


def test_account_is_kept_out_by_its_key_in_the_vendors_system(company: Settings, tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("source,their_id,account_id\n,cus_1,A-77\n")
    file = tmp_path / "settings.yml"
    file.write_text(file.read_text() + "id_map: {path: ids.csv}\n")
    mapped = load(file)
    listed(mapped, "A-77")
    erase_pulled(mapped, ["A-77", "cus_1"])
    pull_vendor("stripe", mapped, is_new=True)
    assert table(mapped, "stripe", "customer")["id"].to_list() == ["cus_2"]


def test_search_of_what_is_left_reads_pulled_tables(company: Settings) -> None:
    company.dagster_home.mkdir(parents=True)
    file = company.pulled / "stripe" / "customer.parquet"
    assert file in files_of_ours(company)
    left, _ = remaining(company, SUBJECT)
    assert (file, "1 rows") in [(one.file, one.place) for one in left]
    erase_pulled(company, ["cus_1"])
    assert remaining(company, SUBJECT)[0] == []


def test_tickets_of_an_erased_company_are_found_by_their_association(
    vendor: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat")
    hubspot = HubspotApi(vendor)
    hubspot.put("companies", "101", 1_700_000_000, name="Acme Ltd")
    for key, owner in (("1", "101"), ("2", "102")):
        hubspot.put("tickets", key, 1_700_000_000)
        hubspot.companies[key] = [owner]
    login = {"token": "env:HUBSPOT_TOKEN", "url": vendor.url}
    settings = company_of(tmp_path, {"hubspot": login}, "accounts", "support_tickets")
    pull_vendor("hubspot", settings)
    assert erase_pulled(settings, ["101"]) == {"hubspot/ticket.parquet": 1, "hubspot/company.parquet": 1}
    listed(settings, "101")
    pull_vendor("hubspot", settings, is_new=True)
    assert table(settings, "hubspot", "ticket")["id"].to_list() == ["2"]
