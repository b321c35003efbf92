"""Chargebee, Recurly, Intercom, Pipedrive and Jira: one small account each, its figures worked out by hand."""

from datetime import date
from pathlib import Path
from typing import Any

from health_assets_tests.sources.presets.exports import csv_export, json_export, of_preset, staged

JANUARY, JULY = 1704103200, 1719828000  # 10:00 UTC on the 1st, in 2024


def test_chargebee_prices_states_and_invoices(tmp_path: Path) -> None:
    def subscription(key: str, status: str, **given: Any) -> dict[str, Any]:
        return {"id": key, "customer_id": "c1", "status": status, "currency_code": "USD", "started_at": JANUARY} | given

    items = [
        {"item_price_id": "seat-yearly", "item_type": "plan", "unit_price": 6000, "quantity": 2, "amount": 12000},
        {"item_price_id": "setup", "item_type": "charge", "amount": 99900},
    ]
    plan = {"plan_unit_price": 2500, "plan_quantity": 2, "billing_period": 1, "billing_period_unit": "month"}
    tables = {
        "customers": [
            {"id": "c1", "company": "One", "created_at": JANUARY},
            {"id": "c2", "company": "Gone", "deleted": True},
        ],
        "subscriptions": [
            subscription("s1", "active", mrr=4550, next_billing_at=JULY),
            subscription("s2", "active", subscription_items=items, billing_period=1, billing_period_unit="year"),
            subscription("s3", "cancelled", mrr=1000, cancelled_at=JULY),
            subscription("s4", "non_renewing", mrr=1000, current_term_end=JULY),
            subscription("s5", "in_trial", mrr=1000, trial_end=JULY),
            subscription("s6", "paused", mrr=1000, pause_date=JULY),
            subscription("s7", "active", mrr=980, currency_code="JPY"),
            subscription("s8", "cancelled", mrr=0, cancelled_at=JULY, **plan),
            subscription("s9", "active", mrr=0, **plan),
        ],
        "invoices": [
            {
                "id": "i1",
                "customer_id": "c1",
                "date": JANUARY,
                "due_date": JULY,
                "status": "payment_due",
                "total": 4550,
                "currency_code": "USD",
            }
        ],
    }
    json_export(tmp_path / "export", tables)
    settings = of_preset(tmp_path, "chargebee", "accounts", "subscriptions", "invoices", fx_rates={"JPY": 0.01})
    rows = staged("staged_subscriptions", settings).sort("subscription_id")
    july = date(2024, 7, 1)
    assert rows.select("subscription_id", "mrr_amount", "end_date", "status").rows() == [
        ("s1", 45.5, None, "active"),
        ("s2", 10.0, None, "active"),  # 120.00 a year; the one-off charge is no price
        ("s3", 10.0, july, "cancelled"),
        ("s4", 10.0, july, "active"),
        ("s5", 10.0, None, "trial"),
        ("s6", 10.0, None, "paused"),
        ("s7", 9.8, None, "active"),
        ("s8", 50.0, july, "cancelled"),  # the MRR of now is 0, the price is what was paid
        ("s9", 0.0, None, "active"),  # free
    ]
    assert rows["first_paid_date"].to_list()[4] == july
    assert staged("staged_invoices", settings).select("amount", "status", "due_date").rows() == [(45.5, "open", july)]
    assert staged("staged_accounts", settings)["account_id"].to_list() == ["c1"]


def test_recurly_cancelled_subscription_is_paid_until_it_expires(tmp_path: Path) -> None:
    def subscription(key: str, state: str, **given: Any) -> dict[str, Any]:
        row = {
            "id": key,
            "account_id": "a1",
            "plan_id": "p1",
            "state": state,
            "currency": "USD",
            "unit_amount": 300,
            "quantity": 2,
        }
        return row | {"activated_at": "2024-01-01 10:00:00", "updated_at": "2024-02-01 10:00:00"} | given

    older = subscription("s1", "active", unit_amount=1, updated_at="2024-01-01 10:00:00")
    tables = {
        "account_history": [{"id": "a1", "company": "One", "created_at": "2024-01-01 10:00:00", "updated_at": "2024-01-01"}],
        "subscription_history": [
            older,
            subscription("s1", "active", add_ons_total=60),
            subscription("s2", "canceled", expires_at="2024-07-01 10:00:00"),
            subscription("s3", "expired", expires_at="2024-07-01 10:00:00"),
        ],
        "plan_history": [{"id": "p1", "name": "Pro", "interval_unit": "months", "interval_length": 3, "updated_at": "2024-01-01"}],
        "invoice_history": [
            {"id": "i1", "account_id": "a1", "type": "charge", "state": "paid", "total": 660, "currency": "USD",
             "created_at": "2024-01-01 10:00:00", "closed_at": "2024-01-02 10:00:00", "updated_at": "2024-01-02"},
            {"id": "i2", "account_id": "a1", "type": "credit", "state": "closed", "total": 20, "currency": "USD",
             "created_at": "2024-01-03 10:00:00", "updated_at": "2024-01-03"},
        ],
    }  # fmt: skip
    csv_export(tmp_path / "export", tables)
    settings = of_preset(tmp_path, "recurly", "accounts", "subscriptions", "invoices")
    rows = staged("staged_subscriptions", settings).sort("subscription_id")
    july = date(2024, 7, 1)
    assert rows.select("subscription_id", "mrr_amount", "end_date", "status").rows() == [
        ("s1", 220.0, None, "active"),  # 2 x 300 + 60 a quarter
        ("s2", 200.0, july, "active"),
        ("s3", 200.0, july, "cancelled"),
    ]
    invoices = staged("staged_invoices", settings).sort("invoice_id").select("amount", "status", "paid_date")
    assert invoices.rows() == [(660.0, "paid", date(2024, 1, 2)), (-20.0, "credited", None)]


def test_intercom_conversations_of_the_api_and_of_fivetran(tmp_path: Path) -> None:
    conversation = {"id": "11", "created_at": JANUARY, "state": "closed", "priority": "priority"}
    answered = {
        "statistics": {"first_admin_reply_at": JANUARY + 600, "last_close_at": JANUARY + 7200},
        "conversation_rating": {"rating": 4},
    }
    tables = {
        "companies": [{"id": "c1", "name": "One", "created_at": JANUARY, "size": 12, "plan": {"name": "Pro"}}],
        "contacts": [{"id": "u1", "companies": {"data": [{"id": "c1", "type": "company"}]}}],
        "conversations": [conversation | answered | {"contacts": {"contacts": [{"id": "u1", "type": "contact"}]}}],
    }
    json_export(tmp_path / "api", tables)
    loaded = {
        "company_history": [{"id": "c1", "name": "One", "created_at": "2024-01-01 10:00:00", "_fivetran_active": "true"}],
        "contact_company_history": [{"contact_id": "u1", "company_id": "c1", "_fivetran_active": "true"}],
        "conversation_history": [
            {"id": "11", "created_at": "2024-01-01 10:00:00", "state": "closed", "priority": "priority",
             "conversation_rating_value": 4, "_fivetran_active": "true"},
            {"id": "11", "created_at": "2024-01-01 10:00:00", "state": "open", "_fivetran_active": "false"},
        ],
        "conversation_contact_history": [{"conversation_id": "11", "contact_id": "u1", "_fivetran_active": "true"}],
        "conversation_part_history": [
            {"conversation_id": "11", "part_type": "comment", "author_type": "user", "created_at": "2024-01-01 10:05:00"},
            {"conversation_id": "11", "part_type": "comment", "author_type": "admin", "created_at": "2024-01-01 10:10:00"},
            {"conversation_id": "11", "part_type": "close", "author_type": "admin", "created_at": "2024-01-01 12:00:00"},
        ],
    }  # fmt: skip
    csv_export(tmp_path / "fivetran", loaded)
    for export in ("api", "fivetran"):
        settings = of_preset(tmp_path, "intercom", "accounts", "support_tickets", export=export)
        rows = staged("staged_support_tickets", settings)
        assert rows.select("ticket_id", "account_id", "status", "priority", "satisfaction_score").rows() == [
            ("11", "c1", "closed", "p2", 4.0)
        ]
        assert [f"{moment:%H:%M}" for moment in rows.select("first_response_at", "resolved_at").row(0)] == [
            "10:10",
            "12:00",
        ]


def test_pipedrive_deals_and_activities(tmp_path: Path) -> None:
    deal = {"org_id": {"value": 1, "name": "One"}, "value": 1200, "won_time": None, "lost_time": None, "title": "Pilot"}
    tables = {
        "organizations": [
            {"id": 1, "name": "One", "add_time": "2024-01-01 10:00:00", "owner_name": "Ann", "active_flag": True}
        ],
        "deals": [
            deal | {"id": 1, "status": "won", "won_time": "2024-02-01 10:00:00"},
            deal | {"id": 2, "status": "won", "won_time": "2024-03-01 10:00:00", "title": "Renewal 2025"},
            deal | {"id": 3, "status": "lost", "lost_time": "2024-04-01 10:00:00", "title": "Renewal 2026"},
            deal | {"id": 4, "status": "lost", "lost_time": "2024-04-01 10:00:00"},
            deal | {"id": 5, "status": "open"},
        ],
        "activities": [
            {
                "id": 1,
                "org_id": 1,
                "type": "call",
                "done": True,
                "marked_as_done_time": "2024-02-01 10:00:00",
                "owner_name": "Ann",
            },
            {"id": 2, "org_id": 1, "type": "call", "done": False, "due_date": "2024-02-02"},
        ],
    }
    json_export(tmp_path / "export", tables)
    settings = of_preset(tmp_path, "pipedrive", "accounts", "contract_events", "touchpoints")
    events = (
        staged("staged_contract_events", settings)
        .sort("event_id")
        .select("event_id", "event_type", "revenue_impact", "event_date")
    )
    assert events.rows() == [
        ("1", "signed", 1200.0, date(2024, 2, 1)),
        ("2", "renewed", 1200.0, date(2024, 3, 1)),
        ("3", "cancelled", -1200.0, date(2024, 4, 1)),
    ]
    assert staged("staged_touchpoints", settings).select("touchpoint_id", "account_id", "kind", "owner").rows() == [
        ("1", "1", "call", "Ann")
    ]


def test_jira_requests_of_the_api_and_of_fivetran(tmp_path: Path) -> None:
    fields = {
        "created": "2024-01-01T10:00:00.000+0000",
        "resolutiondate": "2024-01-01T13:00:00.000+0100",
        "priority": {"id": "2", "name": "High"},
        "status": {"id": "5", "name": "Fixed it", "statusCategory": {"key": "done"}},
        "issuetype": {"id": "7", "name": "Incident"},
        "customfield_10002": [{"id": "9", "name": "One"}],
        "project": {"key": "SUP"},
    }
    json_export(tmp_path / "api", {"issues": [{"id": "100", "key": "SUP-1", "fields": fields}]})
    loaded = {
        "issue": [{"id": 100, "key": "SUP-1", "created": "2024-01-01 10:00:00", "resolved": "2024-01-01 12:00:00", "priority": 2,
                   "status": 5, "issue_type": 7, "project": 3, "organization": "9"}],
        "priority": [{"id": 2, "name": "High"}],
        "status": [{"id": 5, "name": "Fixed it", "status_category_id": 3}],
        "status_category": [{"id": 3, "name": "Done"}],
        "issue_type": [{"id": 7, "name": "Incident"}],
    }  # fmt: skip
    csv_export(tmp_path / "fivetran", loaded)
    for export in ("api", "fivetran"):
        accounts = tmp_path / "accounts.csv"
        accounts.write_text("account_id,company_name,signup_date\n9,One,2024-01-01\n")
        described = {"path": "accounts.csv", "preset": None}
        settings = of_preset(tmp_path, "jira", "accounts", "support_tickets", export=export, accounts=described)
        rows = staged("staged_support_tickets", settings)
        assert rows.select("ticket_id", "account_id", "status", "priority", "category").rows() == [
            ("SUP-1", "9", "resolved", "p2", "Incident")
        ]
        assert f"{rows['resolved_at'][0]:%H:%M}" == "12:00"
