from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from health_assets.settings import load
from health_assets_tests.conftest import Said, said_by
from health_assets_tests.frames import written
from health_assets_tests.inline_company import made
from health_assets_tests.sources.presets.exports import json_export
from health_assets_tests.sources.presets.test_stripe import as_the_api_answers

pytestmark = pytest.mark.slow

CUSTOMERS = (
    "Kundennummer;Firma;Kunde seit;Zustand;Mitarbeiter;Betreuer\n"
    "K0001;Müller & Söhne;31.01.2024;Aktiv;120;Jörg\nK0002;Zwei;15.02.2024;Gekündigt;8;Jörg\n"
)
CONTRACTS = (
    "Vertrag;Kunde;Beginn;Ende;Monatspreis;Status\n"
    "V1;K0001;01.02.2024;;1.249,50;laufend\nV2;K0002;01.03.2024;30.04.2024;99,00;beendet\n"
)
TICKETS = (
    "Ticket #,Org,Opened (PT),Solved (PT),Prio,State,Stars,Colour\n"
    "7,1,02/28/2024 07:46 AM,02/28/2024 03:16 PM,Urgent,Solved,10,red\n8,2,03/17/2024 11:00 PM,,Low,Open,,blue\n"
)


def initialised(folder: Path, *options: str) -> tuple[Said, dict[str, Any]]:
    said = said_by("init", str(folder), *options)
    file = folder / "settings.yml"
    return said, yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}


def german_company(folder: Path) -> None:
    written(folder, "kundenliste.csv", CUSTOMERS.encode("windows-1252"))
    written(folder, "vertraege.csv", CONTRACTS)
    written(folder, "tickets.csv", TICKETS)
    (folder / "events").mkdir()
    for month, day in (("2024-02", "2024-02-10T10:00:00Z"), ("2024-03", "2024-03-11T10:00:00Z")):
        row = f'{{"id": "e{month}", "ts": "{day}", "org_id": 1, "who": "u1", "action": "scan"}}\n'
        written(folder / "events", f"{month}.jsonl", row)


def test_german_files_need_no_edit(tmp_path: Path) -> None:
    german_company(tmp_path)
    said, guessed = initialised(tmp_path)
    assert said.exit_code == 0, said.output
    settings = load(tmp_path / "settings.yml")
    assert settings.as_of == date(2024, 3, 18)  # 23:00 in Los Angeles on the 17th
    assert guessed["history_start"] == date(2024, 2, 1)
    subscriptions = made("staged_subscriptions", settings).collect().sort("subscription_id")
    assert subscriptions.select("account_id", "mrr_amount", "end_date", "status").rows() == [
        ("1", 1249.5, None, "active"),
        ("2", 99.0, date(2024, 4, 30), "cancelled"),
    ]
    accounts = made("staged_accounts", settings).collect().sort("account_id")
    assert accounts.select("company_name", "status", "employee_count").rows() == [
        ("Müller & Söhne", "active", 120),
        ("Zwei", "churned", 8),
    ]
    tickets = made("staged_support_tickets", settings).collect().sort("ticket_id")
    assert [str(moment) for moment in tickets["created_at"]] == ["2024-02-28 15:46:00", "2024-03-18 06:00:00"]
    assert tickets.select("account_id", "priority", "satisfaction_score").rows() == [
        ("1", "p1", 5.0),
        ("2", "p4", None),
    ]
    assert made("staged_usage_events", settings).collect()["event_name"].to_list() == ["scan", "scan"]


@pytest.mark.slow
def test_settings_say_what_was_read_and_what_was_not(tmp_path: Path) -> None:
    german_company(tmp_path)
    written(tmp_path, "notes.csv", "a,b\n1,2\n")
    written(tmp_path, "broken.parquet", b"PAR1 and no more")
    said, _ = initialised(tmp_path)
    text = (tmp_path / "settings.yml").read_text(encoding="utf-8")
    assert "vertraege.csv, 2 of 2 rows kept" in said.output
    assert "subscriptions:  # 2 rows read, 2 kept" in text
    assert "# not read: Colour" in text
    assert "# satisfaction_score: values up to 10; read as a scale of 1 to 10" in text
    assert "# to check: notes.csv: no source fits its columns a, b" in text
    assert "# to check: broken.parquet: cannot be read" in text


@pytest.mark.parametrize(
    ("customers", "status"),
    [
        (
            "Numéro client;Raison sociale;Date création;Statut\n1;Un;31/12/2024;Résilié\n2;Deux;01/11/2024;actif\n",
            "churned",
        ),
        (
            "Codice cliente;Ragione sociale;Data iscrizione;Stato\n1;Uno;31/12/2024;Cessato\n2;Due;01/11/2024;attivo\n",
            "churned",
        ),
        ("Número cliente;Razón social;Fecha alta;Estado\n1;Uno;31/12/2024;baja\n2;Dos;01/11/2024;activo\n", "churned"),
        (
            "Klantnummer;Bedrijfsnaam;Klant sinds;Status\n1;Een;31-12-2024;opgezegd\n2;Twee;01-11-2024;actief\n",
            "churned",
        ),
    ],
)
def test_names_and_words_of_other_languages(tmp_path: Path, customers: str, status: str) -> None:
    written(tmp_path, "export.csv", customers)
    said, _ = initialised(tmp_path)
    assert said.exit_code == 0, said.output
    accounts = made("staged_accounts", load(tmp_path / "settings.yml")).collect().sort("account_id")
    assert accounts.select("account_id", "signup_date", "status").rows() == [
        ("1", date(2024, 12, 31), status),
        ("2", date(2024, 11, 1), "active"),
    ]


@pytest.mark.slow
def test_source_that_could_not_be_published_is_a_comment_with_the_reason(tmp_path: Path) -> None:
    german_company(tmp_path)
    rows = "".join(f"F{n},K{n}999,2024-02-0{n},9\n" for n in range(1, 5))
    written(tmp_path, "feedback.csv", f"feedback_id,account_id,feedback_date,nps_score\n{rows}")
    said, guessed = initialised(tmp_path)
    assert said.exit_code == 0, said.output
    assert "feedback" not in guessed["sources"]
    assert "not connected feedback: feedback.csv" in said.output
    assert "  # feedback:" in (tmp_path / "settings.yml").read_text(encoding="utf-8")


def test_export_of_a_vendor_is_read_by_its_preset(tmp_path: Path) -> None:
    as_the_api_answers(tmp_path)
    _, guessed = initialised(tmp_path)
    assert guessed["sources"] == {
        "accounts": {"preset": "stripe", "path": "."},
        "invoices": {"preset": "stripe", "path": "."},
        "subscriptions": {"preset": "stripe", "path": ".", "changes": "new_period"},
    }


def test_rows_in_a_currency_without_a_rate_and_older_tables_of_a_vendor(tmp_path: Path) -> None:
    as_the_api_answers(tmp_path)
    written(tmp_path, "plans.csv", "id,amount,currency,interval\np1,1250,usd,month\n")
    written(tmp_path, "prices.csv", "id,unit_amount,currency\np1,1250,usd\n")
    said, _ = initialised(tmp_path)
    assert "1 row quarantined: currency__unknown; give the rate of JPY in fx_rates" in said.output
    assert "# 1 row quarantined: currency__unknown" in (tmp_path / "settings.yml").read_text(encoding="utf-8")
    assert "plans" not in said.output
    examined = said_by("check", "--settings", str(tmp_path / "settings.yml"))
    assert "not read" not in examined.output


@pytest.mark.slow
def test_other_files_next_to_an_export_are_read_as_they_are(tmp_path: Path) -> None:
    as_the_api_answers(tmp_path)
    json_export(tmp_path, {"nps": [{"response": "1", "customer_id": "cus_1", "date": "2024-03-01", "nps": 9}]})
    _, guessed = initialised(tmp_path)
    assert guessed["sources"]["feedback"]["columns"] == {
        "customer_id": "account_id",
        "date": "feedback_date",
        "nps": "nps_score",
    }


@pytest.mark.slow
def test_tables_of_a_database_are_queries_and_events_are_by_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as database:
        database.execute(
            "create table customers as select 'A1' as id, 'One' as name, timestamp '2024-01-01 10:00' as created_at"
        )
        database.execute(
            "create table events as select 'E1' as id, 'A1' as customer_id, 'login' as event, timestamp '2024-02-01 10:00' as occurred_at"
        )
    monkeypatch.setenv("CRM_URL", f"duckdb:///{tmp_path}/crm.duckdb")
    monkeypatch.chdir(tmp_path)
    said = said_by("init", "env:CRM_URL")
    assert said.exit_code == 0, said.output
    sources = yaml.safe_load((tmp_path / "settings.yml").read_text(encoding="utf-8"))["sources"]
    assert sources["accounts"]["query"] == 'select * from "main"."customers"'
    assert (
        sources["usage_events"]["query"]
        == 'select * from "main"."events" where occurred_at >= :since and occurred_at < :until'
    )
    assert sources["usage_events"]["connection"] == "env:CRM_URL"
    assert said_by("check", "--settings", "settings.yml").exit_code == 0


def test_existing_settings_are_kept_and_a_url_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "settings.yml", "company: Kept\n")
    assert "exists; write to another file with --output, or over it with --force" in " ".join(
        said_by("init", str(tmp_path)).output.split()
    )
    refused = said_by("init", "postgresql://me:s3cret@host/db", "--output", str(tmp_path / "other.yml"))
    assert "give the URL in an environment variable" in " ".join(refused.output.split())
    assert "s3cret" not in refused.output


def test_folder_without_accounts_says_what_they_need(tmp_path: Path) -> None:
    written(tmp_path, "tickets.csv", TICKETS)
    said = said_by("init", str(tmp_path))
    assert said.exit_code == 1
    assert "no accounts found, without which nothing can be computed (found: support_tickets)" in " ".join(
        said.output.split()
    )
    assert not (tmp_path / "settings.yml").exists()


def test_folder_without_files_is_said_to_be_so(tmp_path: Path) -> None:
    said = said_by("init", str(tmp_path))
    assert said.exit_code == 1
    assert "there is nothing to read; give a folder with CSV, Excel, Parquet or JSON files" in " ".join(
        said.output.split()
    )


def test_other_currencies_of_the_files_are_named_for_their_rates(tmp_path: Path) -> None:
    written(tmp_path, "customers.csv", "account_id,company_name,signup_date\nA,Acme,2024-01-01\nB,Bell,2024-01-01\n")
    rows = "S1,A,10,EUR\nS2,A,20,eur\nS3,B,30,GBP\n".replace("\n", ",2024-01-01,active\n")
    header = "subscription_id,account_id,mrr_amount,currency,start_date,status\n"
    written(tmp_path, "subscriptions.csv", header + rows)
    _, guessed = initialised(tmp_path)
    assert guessed["reporting_currency"] == "EUR"
    assert "# fx_rates: {GBP: ?}  # EUR for one" in (tmp_path / "settings.yml").read_text(encoding="utf-8")


def test_accounts_without_a_status_are_taken_as_active_and_this_is_said(tmp_path: Path) -> None:
    written(tmp_path, "customers.csv", "id,name,created\n1,One,2024-01-31\n2,Two,2024-02-01\n")
    said, guessed = initialised(tmp_path)
    assert guessed["sources"]["accounts"]["defaults"] == {"status": "active"}
    assert "all accounts are taken as active" in said.output
    assert made("dim_account", load(tmp_path / "settings.yml")).collect()["is_active"].to_list() == [True, True]


def test_rows_without_an_account_name_the_condition_that_leaves_them_out(tmp_path: Path) -> None:
    written(tmp_path, "customers.csv", "id,name,created\n1,One,2024-01-31\n2,Two,2024-02-01\n")
    written(tmp_path, "orders.csv", "number,customer_id,date,total\n7,1,2024-03-01,5\n8,,2024-03-02,6\n")
    said = " ".join(initialised(tmp_path)[0].output.split())
    assert "50.0% of its rows are kept, fewer than rows_kept (90%)" in said
    assert "leave such rows out with `where` of the source" in said
