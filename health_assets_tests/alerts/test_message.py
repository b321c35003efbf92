from datetime import date

from health_assets.alerts.entry import entries_of
from health_assets.alerts.message import BLOCKS, MESSAGE_CHARACTERS, Context, Message, clipped, messages
from health_assets.alerts.rules import Attention, Kind, Transition


def move(account_id: str = "A1", kind: Kind = Kind.entered, **given: object) -> Transition:
    fields = {
        "account_id": account_id,
        "rule": "risk_level",
        "label": "Churn risk",
        "kind": kind,
        "before": "low",
        "now": "high",
        "as_of_date": date(2025, 1, 31),
        "name": "Zeta",
        "owner": "Ada",
        "mrr": 1200.0,
        "health_score": 38.0,
        "trend_30d": -12.0,
        "is_alarming": True,
        "reasons": ["Usage halved"],
    }
    return Transition(**fields | given)  # type: ignore[arg-type]


def digest(moves: list[Transition], company: str, currency: str, attention: dict | None = None) -> list[Message]:
    return messages(entries_of(moves), Context(company, currency, attention or {}))


def test_a_section_has_name_mrr_change_score_reasons_and_owner() -> None:
    (message,) = digest([move()], "Acme", "USD")
    assert message.blocks[0]["text"]["text"] == "Acme: 1 account got worse, 0 improved"
    assert message.blocks[1]["elements"][0]["text"] == ("As of 2025-01-31 · USD 1,200 MRR in accounts that got worse")
    assert message.blocks[2]["text"]["text"].split("\n") == [
        "*Zeta* (A1) · USD 1,200 MRR",
        ":red_circle: Churn risk: low → high (2025-01-31)",
        "Health score 38.0, -12.0 in 30 days",
        "• Usage halved",
        "Owner: Ada",
    ]


def test_worse_accounts_come_first_and_the_most_money_before_the_less() -> None:
    moves = [move("A1", Kind.left, mrr=9e6), move("A2", mrr=1.0), move("A3", mrr=5.0), move("A4", mrr=None)]
    (message,) = digest(moves, "Acme", "USD")
    assert list(message.account_ids) == ["A3", "A2", "A4", "A1"]


def attention(rank: int) -> Attention:
    return Attention(rank, "Usage halved", "Call the account", "Customer Success Manager", 1, date(2025, 1, 30))


def test_accounts_that_got_worse_are_in_the_order_of_the_attention_list_then_those_not_on_it() -> None:
    moves = [
        move("A1", mrr=50.0),
        move("A2", mrr=1.0),
        move("A3", mrr=9e6),
        move("A4", Kind.left, before="critical", now="low", mrr=9e6),
    ]
    (message,) = digest(moves, "Acme", "USD", {"A2": attention(1), "A1": attention(2), "A4": attention(3)})
    assert list(message.account_ids) == ["A2", "A1", "A3", "A4"]


def test_the_next_step_of_the_attention_list_is_shown_for_an_account_that_got_worse() -> None:
    (message,) = digest([move()], "Acme", "USD", {"A1": attention(1)})
    assert "Next step: Call the account (Customer Success Manager, within 1 day)\nOwner: Ada" in message.text
    (message,) = digest([move(kind=Kind.left, before="high", now="low")], "Acme", "USD", {"A1": attention(1)})
    assert "Next step" not in message.text


def test_an_improved_account_shows_the_reasons_that_remain() -> None:
    (message,) = digest([move(kind=Kind.left, before="critical", now="high")], "Acme", "USD")
    lines = message.blocks[2]["text"]["text"].split("\n")
    assert lines[1] == ":large_green_circle: Churn risk: critical → high (2025-01-31)"
    assert lines[3] == "• still: Usage halved"


def test_the_reasons_of_an_account_that_also_got_worse_are_not_marked_as_remaining() -> None:
    better = move(kind=Kind.left, before="critical", now="high")
    (message,) = digest([better, move(rule="health_band", now="at_risk")], "Acme", "USD")
    assert "• Usage halved" in message.blocks[2]["text"]["text"]


def test_the_notification_names_the_first_three_accounts() -> None:
    names = ["Arbor Learning", "Cobalt Partners", "Delta Trading", "Ember", "Fjord"]
    moves = [move(f"A{number}", name=name) for number, name in enumerate(names)]
    assert digest(moves, "Acme", "USD")[0].notification == (
        "Acme: 5 accounts got worse, 0 improved: Arbor Learning, Cobalt Partners, Delta Trading and 2 more"
    )


def test_an_account_without_a_name_is_not_named_twice() -> None:
    (message,) = digest([move(name="A1")], "Acme", "USD")
    assert message.blocks[2]["text"]["text"].startswith("*A1* · USD")


def test_a_flag_has_a_milder_sign_than_a_level_of_risk() -> None:
    (message,) = digest([move(rule="shop", label="Payments", before="calm", now="high_risk")], "Acme", "USD")
    assert ":large_orange_circle: Payments: calm → flagged" in message.blocks[2]["text"]["text"]
    assert "! Payments: calm → flagged" in message.text


def test_two_moves_of_an_account_share_a_section() -> None:
    (message,) = digest([move(), move(rule="health_band", label="Health", before="neutral", now="at_risk")], "A", "USD")
    assert len(message.blocks) == 3
    assert "Health: neutral → at risk" in message.blocks[2]["text"]["text"]


def test_markup_in_names_is_escaped_and_mentions_do_not_work() -> None:
    (message,) = digest([move(name="<!channel> A&B\n<script>")], "A<B", "USD")
    assert message.blocks[2]["text"]["text"].startswith("*&lt;!channel&gt; A&amp;B &lt;script&gt;* (A1) · ")
    assert message.blocks[2]["text"]["verbatim"]
    assert message.notification.startswith("A&lt;B: ")
    assert "<!channel> A&B <script>" in message.text


def test_a_text_is_never_cut_within_an_escape() -> None:
    assert clipped("a&&&", 8) == "a&amp;…"
    assert clipped("abc", 8) == "abc"


def test_a_large_digest_is_split_within_the_limits_and_loses_no_account() -> None:
    awkward = {"name": "&" * 5000, "owner": "<" * 5000, "reasons": ["&" * 5000] * 9, "before": "<" * 999}
    moves = [move(f"A{n:03}", rule=f"rule {k}", **awkward) for n in range(20) for k in range(9)]
    moves += [move(f"B{n:03}") for n in range(120)]
    parts = digest(moves, "&" * 999, "USD")
    assert len(parts) > 3
    for message in parts:
        assert len(message.blocks) <= BLOCKS
        assert len(message.blocks[0]["text"]["text"]) <= 150
        texts = [block["text"]["text"] for block in message.blocks[2:]]
        assert max(map(len, texts)) <= 3000
        assert sum(map(len, texts)) <= MESSAGE_CHARACTERS
    assert sorted(key for message in parts for key in message.alerts) == sorted(one.id for one in moves)
