import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from health_assets import settings
from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import Body
from health_assets.alerts.message import Context, Message, messages
from health_assets.alerts.routing import entries_of
from health_assets.settings.alerts import Person

DAY = date(2025, 1, 31)
CRM = "https://crm.example.com/accounts/{account_id}"
ACME = Context(
    "Acme & Sons", "USD", CRM, "https://health.example.com/accounts", {"Lena Fischer": Person(slack="U0123")}
)
RISE = AccountAlert(
    account_id="A1",
    rule="risk_level",
    severity="critical",
    kind="entered",
    before="medium",
    now="high",
    as_of_date=DAY,
    is_good_news=False,
    name="Zeta",
    owner="Lena Fischer",
    segment="smb",
    tier="key",
    region="emea",
    mrr=1200.0,
    news="Churn risk is now high, was medium until 30 January",
    reasons=["Usage fell 60% compared with the previous 30 days, from 100 to 40 events"],
    next_step="Call the account (Customer Success Manager, within 1 day)",
    rank=1,
    listed_count=9,
)
FAULT = DataAlert(["x"], DAY, "2 blocking checks failed", ["grain__unique · 3"], "Correct the source, then run again.")


def alert(account_id: str = "A1", **given: object) -> AccountAlert:
    return replace(RISE, account_id=account_id, **given)  # type: ignore[arg-type]


def churned(account_id: str, **given: object) -> AccountAlert:
    return alert(
        account_id, **{"rule": "churned", "news": "Churned on 30 January", "reasons": [], "rank": None} | given
    )


def recovered(account_id: str, **given: object) -> AccountAlert:
    news = "Recovered: health is 71 (neutral), churn risk is low"
    good = {"rule": "recovered", "severity": "info", "is_good_news": True, "rank": None, "next_step": None}
    return alert(account_id, **{"news": news, "reasons": []} | good | given)


def made(*bodies: Body, context: Context = ACME) -> Message:
    (message,) = messages(entries_of(bodies, settings.load(), datetime(2025, 1, 31, 12, tzinfo=UTC)), context)
    return message


def sections(message: Message) -> list[str]:
    return [block["text"]["text"] for block in message.blocks if block["type"] == "section"]


# -- what one account shows -------------------------------------------------------------------------------------------


def test_an_account_shows_its_link_money_change_reason_next_step_and_owner() -> None:
    message = made(RISE)
    assert message.blocks[0]["text"]["text"] == "1 account changed, USD 1,200 MRR"
    assert sections(message)[0].split("\n") == [
        ":red_circle: *<https://crm.example.com/accounts/A1|Zeta>* · USD 1,200 MRR",
        "Churn risk is now high, was medium until 30 January",
        "• Usage fell 60% compared with the previous 30 days, from 100 to 40 events",
        "*Next step:* Call the account (Customer Success Manager, within 1 day)",
        "Owner: <@U0123>",
    ]
    assert message.blocks[-1]["elements"][0]["text"] == (
        "Acme &amp; Sons · as of 31 January · 9 accounts on the attention list, this one is number 1"
    )


def test_the_plain_text_says_the_same_without_markup() -> None:
    assert made(RISE).text.split("\n") == [
        "1 account changed, USD 1,200 MRR",
        "",
        "- Zeta (https://crm.example.com/accounts/A1) · USD 1,200 MRR",
        "Churn risk is now high, was medium until 30 January",
        "• Usage fell 60% compared with the previous 30 days, from 100 to 40 events",
        "Next step: Call the account (Customer Success Manager, within 1 day)",
        "Owner: Lena Fischer",
        "",
        "Acme & Sons · as of 31 January · 9 accounts on the attention list, this one is number 1",
    ]


def test_without_links_and_people_names_are_shown() -> None:
    section = sections(made(RISE, context=Context("Acme", "USD")))[0]
    assert section.startswith(":red_circle: *Zeta* · USD 1,200 MRR")
    assert section.endswith("Owner: Lena Fischer")


def test_an_account_without_an_owner_says_so() -> None:
    assert sections(made(alert(owner=None)))[0].endswith("Owner: none")


def test_a_churned_account_shows_what_it_paid() -> None:
    first = sections(made(churned("A1", mrr=3750.0)))[0].split("\n")[0]
    assert first.endswith("· paid USD 3,750 MRR")
    assert sections(made(churned("A1", mrr=None)))[0].split("\n")[0].endswith("· MRR unknown")


def test_changes_of_earlier_days_follow_the_latest() -> None:
    before = alert(as_of_date=date(2025, 1, 29), news="Health is now at risk (52)", kind="x")
    message = made(RISE, before)
    assert message.account_ids == ("A1",)
    lines = sections(message)[0].split("\n")
    assert lines[1] == "Churn risk is now high, was medium until 30 January"
    assert "29 January: Health is now at risk (52)" in lines


# -- the headline -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bodies", "headline"),
    [
        ([alert("A1"), alert("A2", mrr=300.0)], "2 accounts changed, USD 1,500 MRR"),
        ([alert("A1"), churned("A2")], "2 accounts changed (1 churned), USD 2,400 MRR"),
        ([churned("A1")], "1 account churned, USD 1,200 MRR"),
        ([alert("A1"), recovered("A2")], "2 accounts changed (1 recovered), USD 2,400 MRR"),
        ([recovered("A1")], "1 account recovered, USD 1,200 MRR"),
        (
            [churned("A1"), recovered("A2"), recovered("A3", rule="renewed")],
            "3 accounts changed (1 churned, 1 recovered, 1 renewed), USD 3,600 MRR",
        ),
        ([alert("A1", mrr=None)], "1 account changed"),
    ],
)
def test_the_headline_is_what_a_person_would_say(bodies: list[AccountAlert], headline: str) -> None:
    assert made(*bodies).blocks[0]["text"]["text"] == headline


def test_the_notification_names_the_first_three_accounts() -> None:
    names = ["Arbor Learning", "Cobalt Partners", "Delta Trading", "Ember", "Fjord"]
    message = made(*(alert(f"A{place}", name=name, rank=place + 1) for place, name in enumerate(names)))
    assert message.notification == (
        "5 accounts changed, USD 6,000 MRR: Arbor Learning, Cobalt Partners, Delta Trading and 2 more"
    )


@pytest.mark.parametrize(
    ("bodies", "listed"),
    [
        ([alert("A1"), alert("A2", rank=2), alert("A3", rank=None)], "9 accounts on the attention list, 2 of these 3"),
        ([alert("A1"), alert("A2", rank=2)], "9 accounts on the attention list, all of these 2"),
        ([alert("A1", rank=None), churned("A2")], "9 accounts on the attention list, none of these 2"),
        ([alert("A1", rank=None)], "9 accounts on the attention list, this one is not"),
        ([recovered("A1", listed_count=0)], "0 accounts on the attention list"),
        (
            [alert("A1", listed_count=7, as_of_date=DAY - timedelta(days=1)), alert("A2")],
            "9 accounts on the attention list, this one is number 1",
        ),
    ],
)
def test_a_message_says_how_many_are_on_the_attention_list_whether_they_have_news_or_not(
    bodies: list[AccountAlert], listed: str
) -> None:
    assert made(*bodies).text.endswith(f"as of 31 January · {listed}")


def test_an_alert_that_an_earlier_version_stored_says_nothing_of_the_list() -> None:
    assert made(alert(listed_count=None)).text.endswith("as of 31 January")


def test_the_order_is_that_of_the_attention_list_then_the_money_then_good_news() -> None:
    bodies = [
        recovered("A1", mrr=9e6),
        alert("A2", rank=2, mrr=1.0),
        alert("A3", rank=1, mrr=5.0),
        alert("A4", rank=None, mrr=50.0),
        alert("A5", rank=None, mrr=None),
        churned("A6"),
    ]
    assert made(*bodies).account_ids == ("A6", "A3", "A2", "A4", "A5", "A1")


# -- many accounts ----------------------------------------------------------------------------------------------------


def test_accounts_beyond_the_limit_are_counted_and_linked() -> None:
    bodies = [alert(f"A{place:03}", name=f"Company {place}", rank=place) for place in range(1, 501)]
    message = made(*bodies)
    *shown, more = sections(message)
    assert len(shown) == 10
    assert more.startswith("*and 490 more*: Company 11, Company 12")
    assert more.endswith("Company 20 and 480 others · <https://health.example.com/accounts|see the list>")
    assert len(message.alerts) == 500


def test_the_longest_texts_stay_within_the_limits() -> None:
    awful = "<!channel> `code` *bold* _it_ & \n\u202eabc\U0001f600" * 400
    bodies = [
        alert(f"A{place:03}", name=awful, owner=awful, reasons=[awful] * 3, news=awful, next_step=awful)
        for place in range(50)
    ]
    message = made(*bodies, context=replace(ACME, company=awful, currency=awful))
    assert len(json.dumps(message.blocks, ensure_ascii=False)) < 10_000
    assert max(map(len, sections(message))) < 3000
    assert len(message.blocks[0]["text"]["text"]) <= 150
    assert len(message.blocks) <= 50
    assert len(message.alerts) == 50


def test_a_section_is_never_cut_within_a_mention_however_many_changes_were_not_delivered() -> None:
    long = "& < > " * 300
    earlier = [alert("A1", name=long, news=long, as_of_date=DAY - timedelta(days=back)) for back in (3, 2, 1)]
    bodies = [*earlier, alert("A1", name=long, news=long, reasons=[long] * 3, next_step=long, owner="Lena Fischer")]
    link = "https://crm.example.com/{account_id}?" + "a&" * 200
    people = {"Lena Fischer": Person(slack="U0123ABCD")}
    (section,) = sections(made(*bodies, context=replace(ACME, account_link=link, people=people)))
    assert section.endswith("Owner: <@U0123ABCD>")
    assert len(section) < 3000


# -- what names can hold ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<!channel> A&B", "&lt;!channel&gt; A&amp;B"),
        ("two\nlines\u2028and\r\nmore", "two lines and more"),
        ("`code` and *bold*", "'code' and ∗bold∗"),
        ("_private_ snake_case", "＿private＿ snake_case"),
        ("Fire :fire: sale", "Fire ∶fire: sale"),
        ("A|B", "A∣B"),
        ("\u202egnp.exe", "gnp.exe"),
        ("שלום", "\u2068שלום\u2069"),
        ("Smile \U0001f600", "Smile \U0001f600"),
    ],
)
def test_a_name_is_shown_as_it_is_and_does_nothing_else(name: str, shown: str) -> None:
    message = made(alert(name=name))
    assert sections(message)[0].split("\n")[0] == (
        f":red_circle: *<https://crm.example.com/accounts/A1|{shown}>* · USD 1,200 MRR"
    )
    assert all(block["text"]["verbatim"] for block in message.blocks if block["type"] == "section")


def test_an_account_id_cannot_leave_its_place_in_the_link() -> None:
    section = sections(made(alert("a/b?c=<x>|d")))[0]
    assert "<https://crm.example.com/accounts/a%2Fb%3Fc%3D%3Cx%3E%7Cd|Zeta>" in section


# -- data alerts and repeats ------------------------------------------------------------------------------------------


def test_a_data_alert_is_a_message_of_its_own_with_what_to_do() -> None:
    message = made(FAULT)
    assert (message.account_ids, message.blocks[0]["text"]["text"]) == ((), "2 blocking checks failed")
    assert sections(message) == ["• grain__unique · 3\nCorrect the source, then run again."]
    assert message.blocks[-1]["elements"][0]["text"] == "Data alert · Acme &amp; Sons · as of 31 January"


def test_a_message_that_may_be_a_repeat_says_so() -> None:
    entries = [replace(one, possibly_repeated=True) for one in entries_of([RISE], settings.load(), datetime.now(UTC))]
    (message,) = messages(entries, ACME)
    assert "possibly a repeat of an earlier message" in message.blocks[-1]["elements"][0]["text"]
    assert "possibly a repeat" in message.text


def test_each_channel_gets_its_own_message() -> None:
    entries = entries_of([RISE, FAULT], settings.load(), datetime(2025, 1, 31, 12, tzinfo=UTC))
    other = [replace(one, channel="security") for one in entries]
    found = messages([*entries, *other], ACME)
    assert [(one.channel, len(one.alerts)) for one in found] == [
        ("default", 1),
        ("default", 1),
        ("security", 1),
        ("security", 1),
    ]
