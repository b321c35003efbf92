"""Zendesk, against its documented exports on loopback, from which its client zenpy reads the same tickets."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from health_assets.connectors.api import PullError
from health_assets.connectors.pulling import pull_vendor
from health_assets.settings import Settings
from health_assets.sources.answers import fetch_answers
from health_assets_tests.connectors.as_https import session_to
from health_assets_tests.connectors.company import company_of, table
from health_assets_tests.connectors.zendesk_api import DAY, ZendeskApi, moment
from health_assets_tests.inline_company import made
from health_assets_tests.loopback_api import LoopbackApi

TOKEN = "zd-5ecret"


@pytest.fixture
def zendesk(vendor: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> ZendeskApi:
    monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)
    api = ZendeskApi(vendor)
    for key in range(1, 6):
        api.put("tickets", key, DAY + key, status="open", organization_id=7, requester_id=70, priority="high")
    api.put("users", 70, DAY, role="end-user", organization_id=7, email="ann@example.com")
    for key in (7, 8, 9):
        api.put("organizations", key, DAY, name=f"Org {key}", external_id=None, deleted_at=None)
    return api


def company_at(folder: Path, api: ZendeskApi) -> Settings:
    login = {"url": api.api.url, "user": "ann@acme.com", "token": "env:ZENDESK_TOKEN", "since": "2023-01-01"}
    return company_of(folder, {"zendesk": login}, "accounts", "support_tickets")


def test_official_client_reads_the_same_tickets_and_organizations(zendesk: ZendeskApi) -> None:
    zenpy = pytest.importorskip("zenpy")
    client = zenpy.Zenpy(subdomain="acme", email="ann@acme.com", token=TOKEN, session=session_to(zendesk.api.url))
    assert [ticket.id for ticket in client.tickets.incremental(start_time=DAY)] == [1, 2, 3, 4, 5]
    assert [one.id for one in client.organizations.incremental(start_time=DAY)] == [7, 8, 9]


def test_all_pages_of_all_tables_are_pulled(zendesk: ZendeskApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, zendesk)
    assert pull_vendor("zendesk", company).rows == {"ticket": 5, "agent": 1, "organization": 3}
    assert table(company, "zendesk", "ticket")["id"].to_list() == ["1", "2", "3", "4", "5"]
    assert table(company, "zendesk", "agent").columns == ["id", "is_deleted", "organization_id", "role"]  # no address


def test_later_pull_reads_changes_alone_and_deleted_tickets_arrive(zendesk: ZendeskApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, zendesk)
    pull_vendor("zendesk", company)
    zendesk.put("tickets", 2, DAY + 100, status="solved")
    zendesk.put("tickets", 3, DAY + 101, status="deleted")
    zendesk.put("organizations", 8, DAY + 102, deleted_at=moment(DAY + 102))
    outcome = pull_vendor("zendesk", company)
    assert outcome.changed == {"ticket": 2, "agent": 0, "organization": 3}  # those of the last two minutes again
    statuses = dict(table(company, "zendesk", "ticket").select("id", "status").iter_rows())
    assert statuses == {"1": "open", "2": "solved", "3": "deleted", "4": "open", "5": "open"}
    deleted = dict(table(company, "zendesk", "organization").select("id", "deleted_at").iter_rows())
    assert {key for key, at in deleted.items() if at} == {"8"}
    assert pull_vendor("zendesk", company).changed["ticket"] == 0


def test_tickets_are_staged_with_their_metrics(zendesk: ZendeskApi, tmp_path: Path) -> None:
    metrics = {"solved_at": moment(DAY + 7200), "ticket_id": 1, "reply_time_in_minutes": {"calendar": 30}}
    zendesk.put("tickets", 1, DAY + 7200, status="solved", metric_set=metrics)
    zendesk.put("tickets", 2, DAY + 7201, status="deleted")
    company = company_at(tmp_path, zendesk)
    pull_vendor("zendesk", company)
    fetch_answers(company)
    tickets = {row["ticket_id"]: row for row in made("staged_support_tickets", company).collect().to_dicts()}
    assert sorted(tickets) == ["1", "3", "4", "5"]  # a deleted one is none
    assert (tickets["1"]["resolved_at"] - tickets["1"]["created_at"]).total_seconds() == 7199
    assert (tickets["1"]["first_response_at"] - tickets["1"]["created_at"]).total_seconds() == 1800


def test_refused_token_names_its_variable(zendesk: ZendeskApi, tmp_path: Path) -> None:
    zendesk.api.token = "Basic nobody"
    with pytest.raises(PullError, match="variable ZENDESK_TOKEN holds a token") as error:
        pull_vendor("zendesk", company_at(tmp_path, zendesk))
    assert TOKEN not in str(error.value)


@pytest.mark.slow
def test_killed_pull_goes_on_from_its_cursor(zendesk: ZendeskApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, zendesk)
    zendesk.api.stall_at = 3  # of the tickets' three pages
    program = "from health_assets.connectors import pulling; pulling.PART_ROWS = 1; from health_assets.cli.app import app; app()"
    command = [sys.executable, "-c", program, "pull", "--settings", str(tmp_path / "settings.yml")]
    with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL) as process:
        assert zendesk.api.stalled.wait(60)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    zendesk.put("tickets", 1, DAY + 50, status="solved")  # one that was read before the kill
    zendesk.api.stall_at, before = 0, len(zendesk.api.requests)
    pull_vendor("zendesk", company)
    assert zendesk.api.requests[before].query["cursor"] == f"{DAY + 4}-4"
    found = table(company, "zendesk", "ticket").select("id", "status").rows()
    assert found == [("1", "solved"), ("2", "open"), ("3", "open"), ("4", "open"), ("5", "open")]
