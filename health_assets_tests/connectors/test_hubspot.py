"""HubSpot, against its documented API on loopback, from which its Python client reads the same records."""

from pathlib import Path

import pytest

from health_assets.connectors import hubspot as connector
from health_assets.connectors import pulling
from health_assets.connectors.api import PullError
from health_assets.connectors.pulling import pull_vendor
from health_assets.settings import Settings
from health_assets.sources.answers import fetch_answers
from health_assets_tests.connectors.company import company_of, table
from health_assets_tests.connectors.hubspot_api import HubspotApi
from health_assets_tests.inline_company import made
from health_assets_tests.loopback_api import Answer, LoopbackApi

pytestmark = pytest.mark.slow

TOKEN = "pat-na1-5ecret"
DAY = 1_700_000_000
LATER = 4_000_000_000  # after the first pull, whenever the test runs


@pytest.fixture
def hubspot(vendor: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> HubspotApi:
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    vendor.token = TOKEN
    api = HubspotApi(vendor)
    for key in ("101", "102", "103"):
        api.put("companies", key, DAY, name=f"Company {key}", hubspot_owner_id="9")
    for key in ("1", "2", "3", "4", "5"):
        api.put("tickets", key, DAY + int(key), hs_pipeline_stage="1", hs_ticket_priority="HIGH")
        api.companies[key] = ["102", "101"]
    return api


def company_at(folder: Path, api: HubspotApi, *sources: str) -> Settings:
    pull = {"hubspot": {"url": api.api.url, "token": "env:HUBSPOT_TOKEN"}}
    return company_of(folder, pull, *(sources or ("accounts", "support_tickets")))


def test_official_client_reads_the_same_records(hubspot: HubspotApi) -> None:
    module = pytest.importorskip("hubspot")
    from hubspot.crm.associations.v4.models import BatchInputPublicFetchAssociationsBatchRequest
    from hubspot.crm.tickets.models import PublicObjectSearchRequest

    client = module.HubSpot(access_token=TOKEN)
    lists, searches = client.crm.tickets.basic_api, client.crm.tickets.search_api
    associations = client.crm.associations.v4.batch_api
    for part in (lists, searches, associations):
        part.api_client.configuration.host = hubspot.api.url
    listed = lists.get_page(limit=2, associations=["companies"], archived=False)
    assert [one.id for one in listed.results] == ["1", "2"]
    assert [one.id for one in listed.results[0].associations["companies"].results] == ["102", "101"]
    assert listed.paging.next.after == "2"
    changed = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str((DAY + 4) * 1000)}
    found = searches.do_search(
        PublicObjectSearchRequest(
            filter_groups=[{"filters": [changed]}], sorts=[], properties=["hs_pipeline_stage"], limit=2, after=None
        )
    )
    assert [one.id for one in found.results] == ["4", "5"]
    wanted = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": "1"}])
    (associated,) = associations.get_page("tickets", "companies", wanted).results
    assert [one.to_object_id for one in associated.to] in ([102, 101], ["102", "101"])


def test_all_pages_with_companies_owners_and_stages(hubspot: HubspotApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, hubspot)
    assert pull_vendor("hubspot", company).rows == {"ticket": 5, "ticket_pipeline_stage": 2, "owner": 1, "company": 3}
    fetch_answers(company)
    tickets = made("staged_support_tickets", company).collect()
    assert tickets.select("ticket_id", "account_id").rows() == [(str(key), "101") for key in range(1, 6)]
    assert set(made("staged_accounts", company).collect()["account_owner"]) == {"Ann Bell"}


def test_later_pull_searches_for_changes_and_reads_their_companies(hubspot: HubspotApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, hubspot)
    pull_vendor("hubspot", company)
    hubspot.put("tickets", "6", LATER, hs_pipeline_stage="1")
    hubspot.companies["6"] = ["103"]
    hubspot.put("tickets", "2", LATER + 1, hs_pipeline_stage="4")
    outcome = pull_vendor("hubspot", company)
    assert outcome.changed == {"ticket": 2, "ticket_pipeline_stage": 2, "owner": 1, "company": 0}
    fetch_answers(company)
    rows = (
        made("staged_support_tickets", company)
        .collect()
        .select("ticket_id", "account_id", "status")
        .sort("ticket_id")
        .rows()
    )
    assert [row for row in rows if row[0] in "26"] == [("2", "101", "closed"), ("6", "103", "new")]


def test_archived_records_are_no_longer_there(hubspot: HubspotApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, hubspot)
    pull_vendor("hubspot", company)
    hubspot.put("companies", "103", DAY + 9, archived=True)
    hubspot.put("tickets", "5", DAY + 9, archived=True)
    pull_vendor("hubspot", company)
    fetch_answers(company)
    assert sorted(made("staged_accounts", company).collect()["account_id"]) == ["101", "102"]
    assert "5" not in made("staged_support_tickets", company).collect()["ticket_id"].to_list()
    hubspot.put("companies", "103", LATER, archived=False)  # restored
    pull_vendor("hubspot", company)
    fetch_answers(company)
    assert "103" in made("staged_accounts", company).collect()["account_id"].to_list()


def test_more_changes_than_a_search_gives_are_all_read(
    hubspot: HubspotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "SEARCH_LIMIT", 4)
    hubspot.search_limit = 4
    company = company_at(tmp_path, hubspot)
    pull_vendor("hubspot", company)
    for number in range(11):
        hubspot.put("tickets", f"{50 + number}", LATER + number)
    pull_vendor("hubspot", company)
    assert table(company, "hubspot", "ticket").height == 16


def test_more_changes_at_one_moment_than_a_search_gives_is_one_error(
    hubspot: HubspotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "SEARCH_LIMIT", 4)
    hubspot.search_limit = 4
    company = company_at(tmp_path, hubspot)
    pull_vendor("hubspot", company)
    for number in range(9):
        hubspot.put("tickets", f"{50 + number}", LATER)
    with pytest.raises(
        PullError, match="changed at the same moment; read all records with `health-assets pull hubspot"
    ):
        pull_vendor("hubspot", company)
    pull_vendor("hubspot", company, is_new=True)
    assert table(company, "hubspot", "ticket").height == 14


def test_engagements_that_the_token_may_not_read_are_left_out_and_said(hubspot: HubspotApi, tmp_path: Path) -> None:
    hubspot.records["calls"] = {}
    hubspot.put("calls", "7", DAY, hs_timestamp="2023-11-14T10:00:00Z")
    outcome = pull_vendor("hubspot", company_at(tmp_path, hubspot, "accounts", "touchpoints"))
    assert outcome.rows["engagement_call"] == 1
    assert [note.split(" was left out")[0] for note in outcome.notes] == ["engagement_meeting", "engagement_email"]
    assert "no permission to read /crm/v3/objects/meetings (403)" in outcome.notes[0]


def test_deals_become_contract_events(hubspot: HubspotApi, tmp_path: Path) -> None:
    hubspot.stages = [{"id": "closedwon", "label": "Won", "metadata": {"probability": "1.0"}}]
    won = {"dealname": "First", "dealstage": "closedwon", "dealtype": "newbusiness", "pipeline": "0"}
    hubspot.put("deals", "1", DAY, **won, amount="1200", closedate="2023-11-14T10:00:00Z")
    hubspot.companies["1"] = ["101"]
    company = company_at(tmp_path, hubspot, "accounts", "contract_events")
    pull_vendor("hubspot", company)
    fetch_answers(company)
    events = (
        made("staged_contract_events", company).collect().select("account_id", "event_type", "revenue_impact").rows()
    )
    assert events == [("101", "signed", 1200.0)]


def test_interrupted_list_goes_on_after_its_last_page(
    hubspot: HubspotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PART_ROWS", 1)
    company, tickets = company_at(tmp_path, hubspot), r"/crm/v3/objects/\w+"
    listed = hubspot.api.routes[tickets]
    hubspot.api.routes[tickets] = lambda request: (
        Answer(status=404) if request.query.get("after") == "4" else listed(request)
    )
    with pytest.raises(PullError, match="404"):
        pull_vendor("hubspot", company)
    hubspot.api.routes[tickets], before = listed, len(hubspot.api.requests)
    pull_vendor("hubspot", company)
    read = [one.query.get("after") for one in hubspot.api.requests[before:] if one.path.endswith("/objects/tickets")]
    assert read == [None, "4"]  # the archived ones, then the rest
    assert table(company, "hubspot", "ticket")["id"].to_list() == ["1", "2", "3", "4", "5"]
