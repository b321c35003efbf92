"""Salesforce, against its documented login and queries on loopback, from which simple-salesforce reads the same records."""

from pathlib import Path

import pytest

from health_assets.connectors import pulling
from health_assets.connectors.api import PullError
from health_assets.connectors.pulling import pull_vendor
from health_assets.settings import Settings
from health_assets.sources.answers import fetch_answers
from health_assets_tests.connectors.as_https import session_to
from health_assets_tests.connectors.company import company_of, table
from health_assets_tests.connectors.salesforce_api import ACCESS_TOKEN, SalesforceApi
from health_assets_tests.inline_company import made
from health_assets_tests.loopback_api import Answer, LoopbackApi

DAY = 1_700_000_000


@pytest.fixture
def salesforce(vendor: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> SalesforceApi:
    monkeypatch.setenv("SF_ID", "client-id")
    monkeypatch.setenv("SF_SECRET", "client-5ecret")
    api = SalesforceApi(vendor)
    for number in range(1, 6):
        api.put("Account", f"001{number}", DAY + 10_000 * number, Name=f"Account {number}", OwnerId="005A")
    api.put("User", "005A", DAY, Name="Ann Bell")
    api.put("Case", "500A", DAY, AccountId="0011", Status="New", IsClosed=False, Priority="High")
    return api


def company_at(folder: Path, api: SalesforceApi) -> Settings:
    login = {"url": api.api.url, "client_id": "env:SF_ID", "client_secret": "env:SF_SECRET", "since": "2023-01-01"}
    return company_of(folder, {"salesforce": login}, "accounts", "support_tickets")


def test_official_client_reads_the_same_records(salesforce: SalesforceApi) -> None:
    module = pytest.importorskip("simple_salesforce")
    salesforce.put("Account", "0015", DAY + 60_000, IsDeleted=True)
    client = module.Salesforce(
        instance="acme.my.salesforce.com", session_id=ACCESS_TOKEN, session=session_to(salesforce.api.url)
    )
    query = "select Id from Account"
    assert [one["Id"] for one in client.query_all_iter(query, include_deleted=True)] == [
        "0011",
        "0012",
        "0013",
        "0014",
        "0015",
    ]
    assert len(client.query_all(query)["records"]) == 4


def test_login_by_client_credentials_and_all_pages(salesforce: SalesforceApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, salesforce)
    assert pull_vendor("salesforce", company).rows == {
        "case_comment": 0,
        "support_case": 1,
        "sales_user": 1,
        "account": 5,
    }
    assert salesforce.logins == [
        {"client_id": ["client-id"], "client_secret": ["client-5ecret"], "grant_type": ["client_credentials"]}
    ]
    assert table(company, "salesforce", "account")["Name"].to_list() == [f"Account {number}" for number in range(1, 6)]


def test_later_pull_reads_changes_alone_and_deletions_arrive(salesforce: SalesforceApi, tmp_path: Path) -> None:
    company = company_at(tmp_path, salesforce)
    pull_vendor("salesforce", company)
    salesforce.put("Account", "0012", DAY + 60_000, IsDeleted=True)
    salesforce.put("Case", "500A", DAY + 60_000, Status="Closed", IsClosed=True)
    outcome = pull_vendor("salesforce", company)
    assert outcome.changed == {"case_comment": 0, "support_case": 1, "sales_user": 1, "account": 2}  # 0015 once more
    deleted = dict(table(company, "salesforce", "account").select("Id", "IsDeleted").iter_rows())
    assert deleted == {"0011": "false", "0012": "true", "0013": "false", "0014": "false", "0015": "false"}
    fetch_answers(company)
    accounts = made("staged_accounts", company).collect()
    assert sorted(accounts["account_id"]) == ["0011", "0013", "0014", "0015"]
    assert set(accounts["account_owner"]) == {"Ann Bell"}
    assert made("staged_support_tickets", company).collect()["status"].to_list() == ["closed"]


def test_login_that_is_refused_names_its_variables(salesforce: SalesforceApi, tmp_path: Path) -> None:
    salesforce.secret = "another"
    with pytest.raises(PullError, match=r"the login was refused .* variable SF_ID or SF_SECRET holds") as error:
        pull_vendor("salesforce", company_at(tmp_path, salesforce))
    assert "5ecret" not in repr((error.value, error.value.__context__))


def test_field_that_the_login_may_not_see_is_said_in_the_words_of_salesforce(
    salesforce: SalesforceApi, tmp_path: Path
) -> None:
    salesforce.hidden_field = "IsEscalated"
    with pytest.raises(PullError, match=r"queryAll answered 400: No such column 'IsEscalated' on entity 'Case'"):
        pull_vendor("salesforce", company_at(tmp_path, salesforce))


def test_session_that_expires_is_one_error(salesforce: SalesforceApi, tmp_path: Path) -> None:
    salesforce.is_expired = True
    with pytest.raises(PullError, match=r"the login was refused \(401\)") as error:
        pull_vendor("salesforce", company_at(tmp_path, salesforce))
    assert ACCESS_TOKEN not in str(error.value)


def test_interrupted_query_goes_on_from_the_last_change(
    salesforce: SalesforceApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PART_ROWS", 1)
    company, more = company_at(tmp_path, salesforce), r"/services/data/v[\d.]+/query/\d+-\d+"
    given = salesforce.api.routes[more]
    salesforce.api.routes[more] = lambda request: Answer(status=404) if request.path.endswith("-4") else given(request)
    with pytest.raises(PullError, match="404"):
        pull_vendor("salesforce", company)
    salesforce.put("Account", "0011", DAY + 70_000, Name="Renamed")  # one that was read before
    salesforce.api.routes[more], before = given, len(salesforce.api.requests)
    pull_vendor("salesforce", company)
    (query,) = [q for one in salesforce.api.requests[before:] if " from Account " in (q := one.query.get("q", ""))]
    assert "SystemModstamp >= 2023-11-15T09:20:00Z" in query  # that of 0014, the last one read
    names = dict(table(company, "salesforce", "account").select("Id", "Name").iter_rows())
    assert names == {"0011": "Renamed"} | {f"001{number}": f"Account {number}" for number in range(2, 6)}
