"""A CRM as Fivetran loads it and as the API answers; its figures are worked out by hand."""

from datetime import date
from pathlib import Path
from typing import Any

from health_assets_tests.sources.presets.exports import csv_export, json_export, of_preset, staged

OWNER = {"owner_id": 5, "first_name": "Ann", "last_name": "Lee", "email": "ann@own.example"}


def fivetran(folder: Path) -> None:
    company = {
        "id": 1,
        "property_name": "One",
        "property_createdate": "2024-01-01 09:00:00",
        "property_industry": "RETAIL",
    }
    more = {"property_numberofemployees": 120, "property_country": "France", "property_hubspot_owner_id": 5}

    def ticket(key: int, stage: str, **given: Any) -> dict[str, Any]:
        row = {"id": key, "property_createdate": "2024-10-01 08:00:00", "property_hs_pipeline_stage": stage}
        return row | {"property_hs_ticket_priority": "URGENT", "property_hs_ticket_category": "BILLING_ISSUE"} | given

    def deal(key: int, stage: str, **given: Any) -> dict[str, Any]:
        row = {
            "deal_id": key,
            "deal_pipeline_stage_id": stage,
            "property_closedate": "2024-10-31 23:30:00",
            "property_amount": 1200,
        }
        return row | {"property_dealtype": "newbusiness"} | given

    tables = {
        "company": [company | more, company | {"id": 2, "is_deleted": "true", "_fivetran_deleted": "true"}],
        "owner": [OWNER],
        "ticket": [
            ticket(
                11,
                "s_done",
                property_closed_date="2024-10-01 12:00:00",
                property_first_agent_reply_date="2024-10-01 08:10:00",
            ),
            ticket(12, "s_wait"),
            ticket(13, "s_done", _fivetran_deleted="true"),
        ],
        "ticket_company": [
            {"ticket_id": 11, "company_id": 1},
            {"ticket_id": 11, "company_id": 9},
            {"ticket_id": 12, "company_id": 1},
        ],
        "ticket_pipeline_stage": [
            {"stage_id": "s_done", "label": "Finished", "is_closed": "true"},
            {"stage_id": "s_wait", "label": "Waiting on contact", "is_closed": "false"},
        ],
        "deal": [
            deal(31, "d_won"),
            deal(32, "d_won", property_dealtype="existingbusiness"),
            deal(33, "d_lost", deal_pipeline_id="p_renewals"),
            deal(34, "d_lost"),
            deal(35, "d_open"),
        ],
        "deal_company": [{"deal_id": key, "company_id": 1} for key in (31, 32, 33, 34, 35)],
        "deal_pipeline": [{"pipeline_id": "p_renewals", "label": "Renewals"}],
        "deal_pipeline_stage": [
            {"stage_id": "d_won", "closed_won": "true", "is_closed": "true"},
            {"stage_id": "d_lost", "closed_won": "false", "is_closed": "true"},
            {"stage_id": "d_open", "closed_won": "false", "is_closed": "false"},
        ],
        "engagement_call": [
            {"engagement_id": 41, "property_hs_timestamp": "2024-10-05 10:00:00", "property_hubspot_owner_id": 5}
        ],
        "engagement_company": [{"engagement_id": 41, "company_id": 1}],
    }
    csv_export(folder, tables)


def test_companies_with_owner_and_size(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    columns = "account_id", "company_name", "signup_date", "employee_count", "region", "account_owner"
    rows = staged("staged_accounts", of_preset(tmp_path, "hubspot", "accounts")).select(columns).rows()
    assert rows == [("1", "One", date(2024, 1, 1), 120, "France", "Ann Lee")]


def test_stage_of_a_ticket_says_whether_it_is_closed(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    columns = "ticket_id", "account_id", "status", "priority", "category"
    rows = staged("staged_support_tickets", of_preset(tmp_path, "hubspot", "accounts", "support_tickets")).sort(
        "ticket_id"
    )
    assert rows.select(columns).rows() == [
        ("11", "1", "closed", "p1", "BILLING_ISSUE"),
        ("12", "1", "pending", "p1", "BILLING_ISSUE"),
    ]
    assert [str(moment) for moment in rows.select("first_response_at", "resolved_at").row(0)] == [
        "2024-10-01 08:10:00",
        "2024-10-01 12:00:00",
    ]


def test_closed_deals_are_contract_events(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    settings = of_preset(tmp_path, "hubspot", "accounts", "contract_events", timezone="Europe/Berlin")
    columns = "event_id", "event_type", "revenue_impact", "event_date"
    november = date(2024, 11, 1)  # half past midnight in Berlin
    assert staged("staged_contract_events", settings).sort("event_id").select(columns).rows() == [
        ("31", "signed", 1200.0, november),
        ("32", "upgraded", 1200.0, november),
        ("33", "cancelled", -1200.0, november),
    ]


def test_logged_calls_are_touchpoints(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    rows = staged("staged_touchpoints", of_preset(tmp_path, "hubspot", "accounts", "touchpoints"))
    assert rows.select("touchpoint_id", "account_id", "kind", "owner").rows() == [("call-41", "1", "call", "Ann Lee")]


def test_objects_of_the_api_have_properties_and_associations(tmp_path: Path) -> None:
    tables = {
        "companies": [
            {"id": "1", "archived": False, "properties": {"name": "One", "createdate": "2024-01-01T09:00:00.000Z"}}
        ],
        "tickets": [
            {
                "id": "11",
                "companies": ["2", "1"],
                "properties": {
                    "createdate": "2024-10-01T08:00:00.000Z",
                    "hs_pipeline_stage": "4",
                    "hs_ticket_priority": "LOW",
                },
            }
        ],
        "deals": [
            {
                "id": "31",
                "associations": {"companies": {"results": [{"id": "1", "type": "deal_to_company"}]}},
                "properties": {
                    "dealname": "Renewal 2025",
                    "dealstage": "closedwon",
                    "closedate": "2024-10-31T10:00:00Z",
                    "amount": "99",
                },
            }
        ],
    }
    json_export(tmp_path / "export", tables)
    settings = of_preset(tmp_path, "hubspot", "accounts", "support_tickets", "contract_events")
    tickets = staged("staged_support_tickets", settings).select("ticket_id", "account_id", "status", "priority")
    assert tickets.rows() == [("11", "1", "closed", "p4")]
    events = staged("staged_contract_events", settings).select("event_id", "account_id", "event_type", "revenue_impact")
    assert events.rows() == [("31", "1", "renewed", 99.0)]
