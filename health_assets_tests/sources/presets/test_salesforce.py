"""A CRM as Fivetran loads it (snake case) and as the API names its fields; its figures are worked out by hand."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from health_assets_tests.sources.presets.exports import csv_export, of_preset, staged


def as_the_api_names_it(row: dict[str, Any]) -> dict[str, Any]:
    return {"".join(word.capitalize() for word in name.split("_")): value for name, value in row.items()}


def export(folder: Path, is_api: bool) -> None:
    opportunity = {
        "account_id": "001A",
        "close_date": "2024-10-31",
        "amount": 5000,
        "is_won": "true",
        "is_closed": "true",
    }
    case = {
        "account_id": "001A",
        "created_date": "2024-10-01T08:00:00.000+0000",
        "is_closed": "false",
        "is_escalated": "false",
    }
    tables = {
        "account": [
            {
                "id": "001A",
                "name": "One",
                "created_date": "2024-01-01T23:30:00.000+0000",
                "number_of_employees": 900,
                "owner_id": "005U",
            },
            {"id": "001B", "name": "Gone", "created_date": "2024-01-01T00:00:00.000+0000", "is_deleted": "true"},
        ],
        "user": [{"id": "005U", "name": "Ann Lee"}],
        "opportunity": [
            opportunity | {"id": "006A", "type": "New Customer"},
            opportunity | {"id": "006B", "type": "Existing Customer - Upgrade"},
            opportunity | {"id": "006C", "type": "Existing Customer - Downgrade"},
            opportunity | {"id": "006D", "type": "Renewal"},
            opportunity | {"id": "006E", "type": "Renewal", "is_won": "false"},
            opportunity | {"id": "006F", "type": "New Customer", "is_won": "false"},
        ],
        "case": [
            case
            | {
                "id": "500A",
                "status": "Closed",
                "is_closed": "true",
                "closed_date": "2024-10-03T08:00:00.000+0000",
                "priority": "High",
            },
            case | {"id": "500B", "status": "Escalated", "is_escalated": "true", "priority": "Low"},
            case | {"id": "500C", "status": "Working", "is_deleted": "true"},
        ],
        "case_comment": [
            {
                "id": "00aA",
                "parent_id": "500A",
                "created_date": "2024-10-01T09:00:00.000+0000",
                "is_published": "false",
            },
            {"id": "00aB", "parent_id": "500A", "created_date": "2024-10-01T10:00:00.000+0000", "is_published": "true"},
        ],
        "task": [
            {
                "id": "00TA",
                "account_id": "001A",
                "activity_date": "2024-10-07",
                "is_closed": "true",
                "task_subtype": "Call",
            },
            {
                "id": "00TB",
                "account_id": "001A",
                "activity_date": "2024-10-08",
                "is_closed": "false",
                "task_subtype": "Call",
            },
        ],
    }
    named = {name: [as_the_api_names_it(row) if is_api else row for row in rows] for name, rows in tables.items()}
    csv_export(folder, named)


@pytest.mark.parametrize("is_api", [False, True])
def test_accounts_opportunities_cases_and_tasks(tmp_path: Path, is_api: bool) -> None:
    export(tmp_path / "export", is_api)
    sources = "accounts", "contract_events", "support_tickets", "touchpoints"
    settings = of_preset(tmp_path, "salesforce", *sources, timezone="Europe/Berlin")
    accounts = staged("staged_accounts", settings).select(
        "account_id", "signup_date", "employee_count", "account_owner"
    )
    assert accounts.rows() == [("001A", date(2024, 1, 2), 900, "Ann Lee")]  # half past midnight in Berlin
    events = (
        staged("staged_contract_events", settings).sort("event_id").select("event_id", "event_type", "revenue_impact")
    )
    assert events.rows() == [
        ("006A", "signed", 5000.0),
        ("006B", "upgraded", 5000.0),
        ("006C", "downgraded", 5000.0),
        ("006D", "renewed", 5000.0),
        ("006E", "cancelled", -5000.0),
    ]
    assert set(staged("staged_contract_events", settings)["event_date"]) == {date(2024, 10, 31)}
    tickets = staged("staged_support_tickets", settings).sort("ticket_id")
    assert tickets.select("ticket_id", "status", "priority", "is_escalated").rows() == [
        ("500A", "closed", "p2", False),
        ("500B", "escalated", "p4", True),
    ]
    assert [str(moment) for moment in tickets.select("first_response_at", "resolved_at").row(0)] == [
        "2024-10-01 10:00:00",
        "2024-10-03 08:00:00",
    ]
    touchpoints = staged("staged_touchpoints", settings).select("touchpoint_id", "kind")
    assert touchpoints.rows() == [("task-00TA", "call")]
