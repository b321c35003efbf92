"""What each target gets and what its answers mean: HubSpot, Salesforce, databases, a webhook."""

import hashlib
import hmac
import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from health_assets.alerts.channels import Answer as PostAnswer
from health_assets.alerts.channels import Status
from health_assets.alerts.state_file import AlertError
from health_assets.settings.write_back import Target
from health_assets.write_back.batch import Batch
from health_assets.write_back.database_target import DatabaseTable
from health_assets.write_back.values import Value, Values
from health_assets.write_back.web_targets import HubSpot, Salesforce, Webhook
from health_assets_tests.connectors.as_https import session_to
from health_assets_tests.loopback_api import Answer, LoopbackApi
from health_assets_tests.loopback_postgres import Postgres
from health_assets_tests.loopback_server import ESCAPED
from health_assets_tests.write_back.crm_apis import PATH_OF_SALESFORCE, TOKEN, HubSpotCompanies, SalesforceAccounts

pytestmark = pytest.mark.slow

DAY = date(2025, 3, 3)


def batch(**by_account: dict[str, Value]) -> Batch:
    rows = tuple(Values(account_id, DAY, values) for account_id, values in by_account.items())
    return Batch("key", "crm", tuple(by_account), tuple(by_account), "", [], "", rows=rows)


# -- HubSpot ----------------------------------------------------------------------------------------------------------


def hubspot(api: LoopbackApi, id_property: str | None = None) -> HubSpot:
    return HubSpot(TOKEN, api.url, id_property, 5)


def test_hubspots_own_client_and_the_target_send_the_same(api: LoopbackApi) -> None:
    module = pytest.importorskip("hubspot")
    companies = pytest.importorskip("hubspot.crm.companies")
    served = HubSpotCompanies(api, ["A1"], ["health_score", "health_band"])
    client = module.HubSpot(access_token=TOKEN)
    theirs = client.crm.companies.batch_api
    theirs.api_client.configuration.host = api.url
    given = companies.SimplePublicObjectBatchInput(id="A1", properties={"health_score": "71.5", "health_band": ""})
    theirs.update(companies.BatchInputSimplePublicObjectBatchInput(inputs=[given]))
    assert hubspot(api).post(batch(A1={"health_score": 71.5, "health_band": None})).status == Status.delivered
    first, second = api.requests
    assert (second.method, second.path, second.body) == (first.method, first.path, first.body)
    assert served.companies == {"A1": {"health_score": "71.5", "health_band": ""}}


def test_company_that_is_gone_is_named_and_the_others_are_written(api: LoopbackApi) -> None:
    served = HubSpotCompanies(api, ["A1", "A3"], ["health_score"])
    answer = hubspot(api).post(batch(A1={"health_score": 1.0}, A2={"health_score": 2.0}, A3={"health_score": 3.0}))
    assert answer.status == Status.delivered
    assert answer.rejected == {"A2": "OBJECT_NOT_FOUND: Could not get some COMPANY objects"}
    assert served.companies == {"A1": {"health_score": "1"}, "A3": {"health_score": "3"}}


def test_company_can_be_found_by_a_unique_property(api: LoopbackApi) -> None:
    HubSpotCompanies(api, ["A1"], ["health_score"])
    hubspot(api, "account_id").post(batch(A1={"health_score": 1.0}))
    assert api.requests[0].body["inputs"][0] == {
        "id": "A1",
        "idProperty": "account_id",
        "properties": {"health_score": "1"},
    }


def test_property_that_hubspot_lacks_is_said_and_is_about_the_message(api: LoopbackApi) -> None:
    HubSpotCompanies(api, ["A1"], ["health_score"])
    answer = hubspot(api).post(batch(A1={"risk": "high"}))
    assert (answer.status, answer.is_about_message) == (Status.dead, True)
    assert answer.reason == 'HTTP 400 (Property values were not valid: Property "risk" does not exist)'


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer({"category": "EXPIRED_AUTHENTICATION", "message": "expired"}, 401), Status.dead),
        (Answer({"category": "RATE_LIMITS", "message": "secondly limit"}, 429, {"Retry-After": "3"}), Status.retry),
        (Answer(b"<html>", 502), Status.retry),
        (Answer(b"<html>Sign in</html>", 200), Status.retry),
        (Answer(None, 302, {"Location": "http://127.0.0.1:9/"}), Status.retry),
    ],
)
def test_other_answers_mean_what_they_mean_for_alerts(api: LoopbackApi, answer: Answer, status: Status) -> None:
    HubSpotCompanies(api, ["A1"], ["health_score"])
    api.next_answers = [answer]
    said = hubspot(api).post(batch(A1={"health_score": 1.0}))
    assert (said.status, said.is_about_message) == (status, False)
    assert TOKEN not in str(said.reason)
    assert len(api.requests) == 1


# -- Salesforce -------------------------------------------------------------------------------------------------------


def salesforce(api: LoopbackApi, secret: str = "5ecret") -> Salesforce:
    return Salesforce(("id", secret), api.url, "Account", 5)


def test_a_client_of_salesforce_gets_the_same_outcomes_as_the_target(api: LoopbackApi) -> None:
    module = pytest.importorskip("simple_salesforce")
    served = SalesforceAccounts(api, ["001A"], ["Health_Score__c", "Health_Band__c"])
    client = module.Salesforce(
        instance_url="https://example.my.salesforce.com", session_id=TOKEN, session=session_to(api.url), version="61.0"
    )
    record = {"attributes": {"type": "Account"}, "id": "001A", "Health_Score__c": 71.5, "Health_Band__c": None}
    outcomes = client.restful(
        "composite/sobjects", method="PATCH", data=json.dumps({"allOrNone": False, "records": [record]})
    )
    assert outcomes[0]["success"]
    answer = salesforce(api).post(batch(**{"001A": {"Health_Score__c": 71.5, "Health_Band__c": None}}))
    assert (answer.status, answer.rejected) == (Status.delivered, {})
    first, _, second = api.requests
    assert (second.method, second.path.rstrip("/"), second.body) == ("PATCH", first.path.rstrip("/"), first.body)
    assert served.records == {"001A": {"Health_Score__c": 71.5, "Health_Band__c": None}}


def test_records_have_outcomes_of_their_own(api: LoopbackApi) -> None:
    served = SalesforceAccounts(api, ["001A", "001C", "001D"], ["Health_Score__c"])
    served.locked = {"001D"}
    scores = {name: {"Health_Score__c": 1.0} for name in ("001A", "001B", "001D")}
    answer = salesforce(api).post(batch(**scores, **{"001C": {"Wrong__c": 1.0}}))
    assert answer.status == Status.delivered
    assert answer.rejected == {
        "001B": "ENTITY_IS_DELETED: entity is deleted",
        "001C": "INVALID_FIELD: No such column 'Wrong__c' on sobject of type Account",
    }
    assert list(answer.retried) == ["001D"]
    assert served.records["001A"] == {"Health_Score__c": 1.0}


def test_wrong_client_secret_is_dead_and_not_shown(api: LoopbackApi) -> None:
    SalesforceAccounts(api, ["001A"], [])
    answer = salesforce(api, "wr0ng").post(batch(**{"001A": {}}))
    assert (answer.status, answer.reason) == (Status.dead, "HTTP 400 (no access token: invalid_client)")
    api.routes[PATH_OF_SALESFORCE] = lambda _: Answer([{"message": "API disabled"}], 403)
    assert salesforce(api).post(batch(**{"001A": {}})).reason == "HTTP 403 (API disabled)"


# -- webhook ----------------------------------------------------------------------------------------------------------


def test_webhook_gets_signed_values_and_any_2xx_is_a_yes(api: LoopbackApi) -> None:
    api.routes["/hook"] = lambda _: Answer(None, 204)
    answer = Webhook(f"{api.url}/hook", "k3y", "app", 5).post(batch(A1={"health_score": 71.5, "health_band": None}))
    assert answer.status == Status.delivered
    (request,) = api.requests
    values = {"health_score": 71.5, "health_band": None}
    rows = [{"account_id": "A1", "as_of_date": "2025-03-03", "values": values}]
    assert request.body == {"key": "key", "target": "app", "accounts": rows}
    headers = {name.lower(): value for name, value in request.headers.items()}
    signed = f"{headers['x-health-assets-timestamp']}.".encode() + json.dumps(request.body).encode()
    expected = hmac.new(b"k3y", signed, hashlib.sha256).hexdigest()
    assert headers["x-health-assets-signature"] == f"sha256={expected}"


# -- databases --------------------------------------------------------------------------------------------------------

FIELDS = {"health_score": "score", "health_band": "band"}


def table(url: str, name: str = "customer_health", fields: dict[str, str] = FIELDS) -> DatabaseTable:
    return DatabaseTable("DWH_URL", url, Target(database="env:DWH_URL", table=name, fields=fields), 5)


def url_of(kind: str, folder: Path) -> str:
    return f"{kind}:///{folder}/dwh.{kind}"


def held(url: str) -> list[tuple[Any, ...]]:
    query, path = "select * from customer_health order by account_id", url.partition(":///")[2]
    if url.startswith("duckdb"):
        with duckdb.connect(path) as connection:
            return connection.sql(query).fetchall()
    connection = sqlite3.connect(path)
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_table_is_created_and_its_rows_are_inserted_updated_and_cleared(kind: str, tmp_path: Path) -> None:
    url = url_of(kind, tmp_path)
    first = batch(A1={"score": 71.5, "band": "healthy"}, A2={"score": None, "band": None})
    for _ in range(2):  # writing twice changes nothing
        assert table(url).post(first).status == Status.delivered
        assert held(url) == [("A1", 71.5, "healthy"), ("A2", None, None)]
    table(url).post(batch(A1={"score": None, "band": "at_risk"}))
    assert held(url) == [("A1", None, "at_risk"), ("A2", None, None)]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_row_that_breaks_a_constraint_fails_its_batch_as_one_and_nothing_is_written(kind: str, tmp_path: Path) -> None:
    url, path = url_of(kind, tmp_path), tmp_path / f"dwh.{kind}"
    create = "create table customer_health (account_id text primary key, score double precision check (score < 100), band text)"
    connection: Any = duckdb.connect(str(path)) if kind == "duckdb" else sqlite3.connect(path)
    connection.execute(create)
    connection.close()
    answer = table(url).post(batch(A1={"score": 50.0, "band": None}, A2={"score": 500.0, "band": None}))
    assert (answer.status, answer.is_about_message) == (Status.dead, True)
    assert "constraint" in str(answer.reason).lower()
    assert held(url) == []


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_column_that_a_table_lacks_is_dead_for_all_rows(kind: str, tmp_path: Path) -> None:
    url = url_of(kind, tmp_path)
    table(url, fields={"health_score": "score"}).post(batch(A1={"score": 1.0}))
    answer = table(url).post(batch(A1={"score": 1.0, "band": "x"}))
    assert (answer.status, answer.is_about_message) == (Status.dead, False)
    assert "band" in str(answer.reason)


def test_locked_sqlite_file_is_worth_another_attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = url_of("sqlite", tmp_path)
    table(url).post(batch(A1={"score": 1.0, "band": "x"}))
    other = sqlite3.connect(tmp_path / "dwh.sqlite", isolation_level=None)
    other.execute("begin exclusive")
    answer = table(url).post(batch(A1={"score": 2.0, "band": "x"}))
    other.close()
    assert (answer.status, answer.reason) == (Status.retry, "database is locked")


def test_database_that_cannot_be_written_to_is_refused() -> None:
    with pytest.raises(AlertError, match="DWH_URL: is not the URL of a database that can be written to"):
        table("mysql://user:5ecret@host/db")


def test_postgresql_rows_are_inserted_updated_cleared_and_rejected(postgres: Postgres) -> None:
    postgres.sql("drop schema if exists analytics cascade; create schema analytics")
    target = table(postgres.url, "analytics.customer_health")
    first = batch(A1={"score": 71.5, "band": "healthy"}, A2={"score": None, "band": None})
    for _ in range(2):
        assert target.post(first) == PostAnswer(Status.delivered)
    target.post(batch(A2={"score": 3.0, "band": "Müller's"}, A1={"score": None, "band": "at_risk"}))
    select = "select account_id, score, band from analytics.customer_health order by 1"
    assert postgres.sql(select) == "A1||at_risk\nA2|3|Müller's"
    postgres.sql("alter table analytics.customer_health add check (score < 100), alter column score type numeric(5, 1)")
    answer = target.post(batch(A1={"score": 50.0, "band": None}, A3={"score": 500.0, "band": None}))
    assert (answer.status, answer.is_about_message) == (Status.dead, True)
    assert postgres.sql(select) == "A1||at_risk\nA2|3.0|Müller's"
    postgres.sql("alter table analytics.customer_health drop column band")
    answer = target.post(batch(A1={"score": 50.0, "band": None}))
    assert (answer.status, answer.is_about_message) == (Status.dead, False)
    assert 'column "band"' in str(answer.reason)
    refused = table(postgres.url.replace(ESCAPED, "wr0ng")).post(first)
    assert "wr0ng" not in str(refused.reason)
    assert refused.status != Status.delivered


def test_postgresql_that_is_down_is_worth_another_attempt(postgres: Postgres) -> None:
    postgres.stop()
    try:
        answer = table(postgres.url).post(batch(A1={"score": 1.0, "band": "x"}))
    finally:
        postgres.start()
    assert answer.status == Status.retry
    assert ESCAPED not in str(answer.reason)
