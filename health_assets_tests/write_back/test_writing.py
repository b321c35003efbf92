"""Only what changed since the last confirmed write is written, nothing is lost, and what is rejected is named."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from health_assets.alerts.entry import State
from health_assets.cli.doctor_write_back import write_back as findings
from health_assets.orchestration.write_back_job import write_back_job, write_back_sensor
from health_assets.settings import Settings, SettingsError
from health_assets.warehouse.snapshot import SnapshotError
from health_assets.write_back.store import WriteBackOutbox, store_of
from health_assets.write_back.writing import to_be_written, work_left, write_back, write_due
from health_assets_tests.conftest import said_by
from health_assets_tests.loopback_api import Answer, LoopbackApi
from health_assets_tests.loopback_slack import Publish, Slack, account
from health_assets_tests.write_back.conftest import WithTargets
from health_assets_tests.write_back.crm_apis import TOKEN, HubSpotCompanies

pytestmark = pytest.mark.slow

DAYS = [date(2025, 3, day) for day in range(1, 9)]
PROPERTIES = ["health_score", "health_band", "churn_risk_level", "health_reasons", "health_next_step"]


@pytest.fixture
def crm(api: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> HubSpotCompanies:
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    return HubSpotCompanies(api, ["A1", "A2", "A3"], PROPERTIES)


@pytest.fixture
def bound(crm: HubSpotCompanies, with_targets: WithTargets) -> Settings:
    return with_targets(crm={"hubspot": "env:HUBSPOT_TOKEN", "url": crm.api.url})


def written(crm: HubSpotCompanies) -> list[list[str]]:
    """The accounts of each request."""
    return [[one["id"] for one in request.body["inputs"]] for request in crm.api.requests]


def test_scores_bands_risk_reasons_and_next_step_are_written(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    publish(DAYS[0], [account("A1", "high", "at_risk", attention_rank=1)])
    outcome = write_back(bound)
    assert (outcome.written, outcome.pending, outcome.failures) == (1, 0, [])
    assert crm.companies["A1"] == {
        "health_score": "50",
        "health_band": "at_risk",
        "churn_risk_level": "high",
        "health_reasons": "Usage halved: 40 events after 100",
        "health_next_step": "Call the account",
    }


def test_only_what_changed_is_written_and_a_second_run_writes_nothing(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    publish(DAYS[0], [account("A1"), account("A2")])
    write_back(bound)
    assert write_back(bound).changes == []
    publish(DAYS[1], [account("A1"), account("A2", "high")])
    write_back(bound)
    assert written(crm) == [["A1", "A2"], ["A2"]]


def test_value_that_is_no_longer_known_clears_the_property_and_one_never_known_writes_nothing(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    unknown = {"health_score": None, "health_band": None, "risk_level": None, "reasons": []}
    publish(DAYS[0], [account("A1"), account("A2", **unknown)])
    write_back(bound)
    assert written(crm) == [["A1"]]
    publish(DAYS[1], [account("A1", **unknown)])
    write_back(bound)
    assert crm.companies["A1"] == dict.fromkeys(PROPERTIES, "")


def test_nothing_is_written_before_something_was_published(bound: Settings, crm: HubSpotCompanies) -> None:
    with pytest.raises(SnapshotError):
        write_back(bound)
    assert crm.api.requests == []


def test_newer_values_take_the_place_of_those_that_could_not_be_written(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    crm.api.next_answers = [Answer(status=503)]
    publish(DAYS[0], [account("A1", "low")])
    assert write_back(bound).pending == 1
    publish(DAYS[1], [account("A1", "high")])
    outcome = write_back(bound)
    assert (outcome.written, outcome.pending) == (1, 0)
    assert crm.companies["A1"]["churn_risk_level"] == "high"


def test_values_that_are_what_the_target_holds_again_are_not_written(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    publish(DAYS[0], [account("A1", "low")])
    write_back(bound)
    crm.api.next_answers = [Answer(status=503)]
    publish(DAYS[1], [account("A1", "high")])
    write_back(bound)
    publish(DAYS[2], [account("A1", "low")])
    assert write_back(bound).pending == 0
    assert crm.companies["A1"]["churn_risk_level"] == "low"
    publish(DAYS[3], [account("A1", "high")])  # and back again
    write_back(bound)
    assert crm.companies["A1"]["churn_risk_level"] == "high"


def test_what_a_killed_write_back_was_writing_is_written_again_with_what_came_after(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    crm.api.next_answers = [Answer(status=503)]
    publish(DAYS[0], [account("A1", "low")])
    write_back(bound)
    for _ in range(3):  # killed three times
        with WriteBackOutbox.opened(store_of(bound)) as outbox, outbox.transaction():
            outbox.recover()
            assert outbox.claim([one.id for one in outbox.pending()], datetime.now(UTC))
    publish(DAYS[1], [account("A1", "high")])
    outcome = write_back(bound)
    assert (outcome.pending, outcome.failures) == (0, [])
    assert crm.companies["A1"]["churn_risk_level"] == "high"
    assert written(crm) == [["A1"], ["A1"]]  # none has two values of one account
    publish(DAYS[2], [account("A1", "high")])
    assert write_back(bound).changes == []


def test_company_that_is_gone_is_dead_alone_until_it_is_retried(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    del crm.companies["A2"]
    publish(DAYS[0], [account("A1"), account("A2"), account("A3")])
    outcome = write_back(bound)
    assert (outcome.written, [one.account_id for one in outcome.dead]) == (2, ["A2"])
    assert write_back(bound).changes == []  # not again and again
    crm.companies["A2"] = {}
    assert write_due(bound, is_retry=True).written == 1
    assert crm.companies["A2"]["health_score"] == "50"


def test_value_that_the_crm_does_not_take_is_dead_alone(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    crm.refused = {"critical": "critical was not one of the allowed options"}
    publish(DAYS[0], [account("A1"), account("A2", "critical"), account("A3")])
    outcome = write_back(bound)
    assert outcome.written == 2
    (dead,) = outcome.dead
    assert dead.account_id == "A2"
    assert "was not one of the allowed options" in str(dead.failure)


def test_target_that_is_down_keeps_no_other_waiting(
    crm: HubSpotCompanies, with_targets: WithTargets, publish: Publish, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("DWH_URL", f"sqlite:///{tmp_path}/dwh.sqlite")
    bound = with_targets(
        crm={"hubspot": "env:HUBSPOT_TOKEN", "url": crm.api.url}, dwh={"database": "env:DWH_URL", "table": "health"}
    )
    publish(DAYS[0], [account("A1")])
    crm.api.next_answers = [Answer(status=500)]
    outcome = write_back(bound)
    assert (outcome.written, outcome.pending, outcome.failures) == (1, 1, ["crm: HTTP 500"])
    assert work_left(bound, datetime.now(UTC) + timedelta(hours=2)) == 1
    assert write_due(bound).written == 1


def test_variable_that_is_not_set_keeps_the_values_pending(
    bound: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBSPOT_TOKEN")
    publish(DAYS[0], [account("A1")])
    outcome = write_back(bound)
    assert (outcome.pending, outcome.failures) == (1, ["crm: HUBSPOT_TOKEN is not set"])


def test_dry_run_shows_what_would_be_written_and_writes_and_saves_nothing(
    bound: Settings, publish: Publish, crm: HubSpotCompanies
) -> None:
    publish(DAYS[0], [account("A1")])
    (change,) = to_be_written(bound)
    assert change.differences()["health_score"] == (None, 50.0)
    assert (crm.api.requests, store_of(bound).exists()) == ([], False)


def test_command_line_shows_writes_lists_and_retries(
    bound: Settings, publish: Publish, crm: HubSpotCompanies, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(bound.warehouse.with_name("settings.yml"))
    del crm.companies["A2"]
    publish(DAYS[0], [account("A1"), account("A2")])
    assert "2 rows would be written" in said_by("write-back", "--settings", file, "--dry-run").output
    said = said_by("write-back", "--settings", file)
    assert said.exit_code == 1
    assert "1 row written, 0 pending, 1 rejected" in said.output
    assert "OBJECT_NOT_FOUND" in said_by("write-back", "--settings", file, "--list").output
    crm.companies["A2"] = {}
    again = said_by("write-back", "--settings", file, "--retry")
    assert (again.exit_code, again.output) == (0, "1 row written, 0 pending, 0 rejected\n")
    assert "0 rows not written" in said_by("write-back", "--settings", file, "--list").output


def test_doctor_says_what_is_not_set_and_what_is_not_written(
    bound: Settings, publish: Publish, crm: HubSpotCompanies, monkeypatch: pytest.MonkeyPatch
) -> None:
    del crm.companies["A2"]
    publish(DAYS[0], [account("A1"), account("A2")])
    write_back(bound)
    found = [(one.subject, one.status.value, one.message) for one in findings(bound)]
    assert found[0][:2] == ("write_back.crm", "good")
    assert found[1][2].startswith("1 account not written (target crm: OBJECT_NOT_FOUND")
    monkeypatch.delenv("HUBSPOT_TOKEN")
    assert next(iter(findings(bound))).message == "HUBSPOT_TOKEN is not set"


def test_job_writes_after_a_snapshot_and_reports_what_was_rejected_once(
    bound: Settings, publish: Publish, crm: HubSpotCompanies, posted: Slack
) -> None:
    sensor = write_back_sensor(bound)
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance)
        assert isinstance(sensor(context), dg.SkipReason)  # nothing was published
        del crm.companies["A2"]
        publish(DAYS[0], [account("A1"), account("A2")])
        assert isinstance(sensor(context), dg.RunRequest)
        assert not write_back_job(bound).execute_in_process(instance=instance, raise_on_error=False).success
        assert isinstance(sensor(context), dg.SkipReason)  # the same snapshot, and nothing is due
    (message,) = posted.accepted
    assert "1 account not written to crm" in message["text"]
    assert "A2: OBJECT_NOT_FOUND" in json.dumps(message["blocks"])


def test_erased_account_is_not_kept(bound: Settings, publish: Publish, crm: HubSpotCompanies) -> None:
    publish(DAYS[0], [account("A1", company_name="Acme"), account("A2")])
    write_back(bound)
    with WriteBackOutbox.opened(store_of(bound)) as outbox:
        with outbox.transaction():
            assert outbox.erase(["A1"]) == 1
        assert {one.account_id for one in outbox.entries(State.delivered)} == {"A2"}
        assert outbox.connection.execute("select account_id from written").fetchall() == [("A2",)]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({}, "needs exactly one of hubspot, salesforce, database and webhook"),
        ({"hubspot": "pat-eu1-1"}, "give env:NAME of an environment variable"),
        ({"salesforce": "env:A", "secret": "env:B"}, "url: give the address of your Salesforce"),
        ({"salesforce": "env:A", "url": "https://a.example"}, "secret: give env:NAME of the client secret"),
        ({"database": "env:A"}, "table: name the table of the database"),
        ({"database": "env:A", "table": "a; drop table b"}, "must be a table, or a schema and a table"),
        ({"hubspot": "env:A", "fields": {"health_scor": "x"}}, "did you mean 'health_score'?"),
        ({"hubspot": "env:A", "fields": {"health_score": "a b"}}, "'a b' is no name of a property"),
    ],
)
def test_target_that_cannot_work_is_refused(with_targets: WithTargets, target: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        with_targets(crm=target)
    assert message in str(refused.value)
