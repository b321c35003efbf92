from datetime import UTC, date, datetime

import duckdb
import pytest

from health_assets import settings
from health_assets.alerts.entry import body_from_json
from health_assets.alerts.message import Context, messages
from health_assets.alerts.routing import digest_entries
from health_assets.alerts.weekly import Digest, _item, digests
from health_assets.settings import Settings
from health_assets.settings.alerts import Weekly

SUNDAY = date(2025, 1, 26)
WEEKLY = Weekly(weekday="sunday", head="default", owners={"Lena": "default"}, report=False)
TABLES = """
    create schema mart;
    create table mart.attention_list (account_id varchar, company_name varchar, account_owner varchar, mrr double,
        reason varchar, since_date date, next_step varchar, next_step_owner_role varchar, next_step_days bigint, attention_rank bigint,
        held_days bigint);
    create table mart.churned_accounts (account_id varchar, account_owner varchar, churn_date date, mrr_lost double);
    create table mart.renewal_pipeline (account_id varchar, account_owner varchar, days_to_renewal bigint,
        renewing_mrr double);
    insert into mart.attention_list values
        ('A1', 'Zeta', 'Lena', 900, 'Usage halved (threshold: 50%)', '2025-01-20', 'Call', 'Manager', 1, 2, 7),
        ('A2', 'Beta', 'Max', 100, 'No login', '2025-01-10', 'Write', 'Manager', 5, 1, 17);
    insert into mart.churned_accounts values ('A3', 'Lena', '2025-01-20', 50), ('A4', 'Lena', '2025-01-19', 70);
    insert into mart.renewal_pipeline values ('A1', 'Lena', 30, 900), ('A2', 'Max', 31, 100);
"""


@pytest.fixture
def company() -> Settings:
    loaded = settings.load()
    return loaded.model_copy(update={"alerts": loaded.alerts.model_copy(update={"weekly": WEEKLY})})


def due(company: Settings, day: date) -> dict[str | None, Digest]:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        return {digest.owner: digest for digest, _ in digests(connection, company, day)}


def test_an_owner_gets_her_accounts_and_the_head_those_of_everybody(company: Settings) -> None:
    found = due(company, SUNDAY)
    assert [item.name for item in found["Lena"].items] == ["Zeta"]
    assert [item.name for item in found[None].items] == ["Beta", "Zeta"]  # by rank
    assert found["Lena"].title == "Your week: 1 account needs attention, USD 900 MRR"
    assert found[None].title == "The week: 2 accounts need attention, USD 1,000 MRR"


@pytest.mark.parametrize(("held_days", "words"), [(91, "For more than 90 days: No login"), (None, "No login")])
def test_a_reason_without_a_known_first_day_has_no_date(held_days: int | None, words: str) -> None:
    listed = {"account_id": "A1", "company_name": None, "account_owner": None, "mrr": None, "reason": "No login",
              "next_step": "Call", "next_step_owner_role": "Manager", "next_step_days": 1}  # fmt: skip
    assert _item(listed | {"since_date": None, "held_days": held_days}).news == words


def test_churn_of_the_last_seven_days_and_renewals_within_30_days_are_counted(company: Settings) -> None:
    found = due(company, SUNDAY)
    assert found["Lena"].lines == [
        "1 account churned this week, USD 50 MRR",
        "1 account renews within 30 days, USD 900 MRR",
    ]
    assert found[None].lines[2:] == ["Lena: 1 account, USD 900 MRR", "Max: 1 account, USD 100 MRR"]


@pytest.mark.parametrize(("day", "count"), [(25, 0), (26, 2), (27, 2), (28, 2), (29, 0)])
def test_digests_are_due_on_the_weekday_and_two_days_after_it(company: Settings, day: int, count: int) -> None:
    assert len(due(company, date(2025, 1, day))) == count


def test_a_week_has_one_digest_whatever_the_day_on_which_it_is_made(company: Settings) -> None:
    days = [due(company, date(2025, 1, day))["Lena"].id for day in (26, 27, 28)]
    assert len({*days, due(company, date(2025, 2, 2))["Lena"].id}) == 2


def test_the_message_names_each_account_with_its_reason_and_next_step(company: Settings) -> None:
    digest = due(company, SUNDAY)[None]
    assert body_from_json(digest.to_json()) == digest
    entries = digest_entries([(digest, "default")], company, datetime(2025, 1, 26, tzinfo=UTC))
    (message,) = messages(entries, Context("Acme", "USD"))
    assert message.blocks[0]["text"]["text"] == digest.title
    lines, beta, zeta = (block["text"]["text"] for block in message.blocks if block["type"] == "section")
    assert lines.startswith("1 account churned this week")
    assert beta.split("\n") == [
        "*Beta* · USD 100 MRR",
        "Since 10 January: No login",
        "*Next step:* Write (Manager, within 5 days)",
        "Owner: Max",
    ]
    assert zeta.split("\n")[1] == "Since 20 January: Usage halved"
    assert "Beta · USD 100 MRR" in message.text


def test_without_receivers_there_is_no_digest() -> None:
    assert due(settings.load(), SUNDAY) == {}
