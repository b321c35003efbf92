"""A help desk as Fivetran loads it and as the API answers; its figures are worked out by hand."""

from pathlib import Path
from typing import Any

from health_assets.sources.load_warnings import load_warnings
from health_assets.sources.presets.opened import missing_tables
from health_assets.tables import TABLES
from health_assets_tests.sources.presets.exports import answered, csv_export, json_export, of_preset, staged

ORGANIZATION = {"id": 7, "name": "Seven", "created_at": "2024-01-01T00:00:00Z", "external_id": "CRM-7"}
AGENT = {"id": 1, "role": "agent", "organization_id": None}
CUSTOMER = {"id": 2, "role": "end-user", "organization_id": 7}


def ticket(key: int, status: str, **given: Any) -> dict[str, Any]:
    row = {"id": key, "organization_id": 7, "requester_id": 2, "created_at": "2024-10-01T08:00:00Z", "status": status}
    return row | {"priority": "high", "type": "problem", "via_channel": "email"} | given


def change(ticket_id: int, hour: int, value: str, field: str = "status") -> dict[str, Any]:
    return {"ticket_id": ticket_id, "field_name": field, "value": value, "updated": f"2024-10-01T{hour:02}:00:00Z"}


def fivetran(folder: Path) -> None:
    tables = {
        "organization": [ORGANIZATION, ORGANIZATION | {"id": 8, "_fivetran_deleted": "true"}],
        "user": [AGENT, CUSTOMER],
        "ticket": [
            ticket(11, "closed"),
            ticket(12, "open"),
            ticket(13, "solved", organization_id=None),
            ticket(14, "deleted"),
            ticket(15, "closed"),
            ticket(16, "solved", _fivetran_deleted="true"),
        ],
        "ticket_field_history": [
            change(11, 8, "new"),
            change(11, 10, "solved"),
            change(11, 12, "open"),
            change(11, 15, "solved"),
            change(11, 23, "closed"),
            change(11, 16, "bad", "satisfaction_score"),
            change(11, 18, "good", "satisfaction_score"),
            change(12, 9, "solved"),
            change(12, 11, "open"),
            change(13, 9, "solved"),
            change(13, 10, "offered", "satisfaction_score"),
        ],
        "ticket_comment": [
            {"id": 1, "ticket_id": 11, "user_id": 2, "public": "true", "created": "2024-10-01 08:00:00"},
            {"id": 2, "ticket_id": 11, "user_id": 1, "public": "false", "created": "2024-10-01 08:20:00"},
            {"id": 3, "ticket_id": 11, "user_id": 1, "public": "true", "created": "2024-10-01 08:30:00"},
        ],
        "ticket_tag": [{"ticket_id": 15, "tag": "closed_by_merge"}],
    }
    csv_export(folder, tables)


def test_history_of_a_ticket_gives_its_last_solution_its_first_answer_and_its_latest_rating(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    settings = of_preset(tmp_path, "zendesk", "accounts", "support_tickets")
    columns = "ticket_id", "account_id", "priority", "status", "satisfaction_score"
    rows = staged("staged_support_tickets", settings).sort("ticket_id")
    assert rows.select(columns).rows() == [
        ("11", "7", "p2", "closed", 5.0),
        ("12", "7", "p2", "open", None),
        (
            "13",
            "7",
            "p2",
            "resolved",
            None,
        ),  # of the organisation of its requester; deleted and merged tickets are left out
    ]
    hours = [None if moment is None else f"{moment:%H:%M}" for moment in rows["resolved_at"]]
    assert hours == ["15:00", "09:00", "09:00"]  # solved again at 15; of the open one the first solution
    assert [f"{moment:%H:%M}" for moment in rows["first_response_at"].drop_nulls()] == ["08:30"]
    assert answered("support_tickets", settings)["reopened_count"].to_list() == [1, 1, 0]


def test_deleted_organisations_are_no_accounts(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    settings = of_preset(tmp_path, "zendesk", "accounts")
    assert staged("staged_accounts", settings).select("account_id", "company_name").rows() == [("7", "Seven")]


def test_without_a_history_the_metrics_and_the_rating_of_the_ticket_count(tmp_path: Path) -> None:
    tables = {
        "organizations": [ORGANIZATION],
        "tickets": [
            ticket(21, "solved", satisfaction_rating={"score": "bad"}, via={"channel": "web"}, tags=["billing"]),
            ticket(22, "closed", tags=["closed_by_merge"], satisfaction_rating=None),
            ticket(23, "solved", satisfaction_rating={"score": "unoffered"}),
        ],
        "ticket_metrics": [
            {
                "ticket_id": 21,
                "solved_at": "2024-10-02T08:00:00Z",
                "reply_time_in_minutes": {"calendar": 45, "business": 5},
            }
        ],
    }
    json_export(tmp_path / "export", tables)
    settings = of_preset(tmp_path, "zendesk", "accounts", "support_tickets")
    columns = "ticket_id", "resolved_at", "first_response_at", "satisfaction_score"
    first, second = staged("staged_support_tickets", settings).sort("ticket_id").select(columns).rows()
    assert (first[0], f"{first[1]:%d %H:%M}", f"{first[2]:%d %H:%M}", first[3]) == ("21", "02 08:00", "01 08:45", 1.0)
    assert second == ("23", None, None, None)  # when it was solved is not in the data


def test_run_warns_of_tables_that_are_not_there(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    for table in ("ticket_field_history", "ticket_tag"):
        (tmp_path / "export" / f"{table}.csv").unlink()
    settings = of_preset(tmp_path, "zendesk", "accounts", "support_tickets")
    of_tickets = load_warnings("support_tickets", TABLES["raw_support_tickets"].rows, settings)
    assert of_tickets == [
        "sources.support_tickets: tables of zendesk that are not there: satisfaction_rating, ticket_field_history, ticket_metric, "
        "ticket_tag; the rows are made without them"
    ]
    assert load_warnings("accounts", TABLES["raw_accounts"].rows, settings) == []


def test_nobody_misses_a_table_of_which_another_says_more(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    settings = of_preset(tmp_path, "zendesk", "accounts", "support_tickets")
    assert missing_tables("support_tickets", settings) == ""  # the history holds the metrics and the ratings


def test_tickets_join_the_accounts_of_a_crm_by_the_external_id(tmp_path: Path) -> None:
    fivetran(tmp_path / "export")
    settings = of_preset(tmp_path, "zendesk", "accounts", accounts={"columns": {"external_id": "account_id"}})
    assert staged("staged_accounts", settings)["account_id"].to_list() == ["CRM-7"]
