"""A signed webhook and the services of apprise, each posted to on loopback."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from health_assets.alerts.apprise_channel import AppriseChannel
from health_assets.alerts.channel_kinds import channel_of
from health_assets.alerts.channels import Status
from health_assets.alerts.delivery import Delivered, deliver
from health_assets.alerts.entry import Entry
from health_assets.alerts.message import Message, context_of
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.routing import digest_entries
from health_assets.alerts.signed_webhook import SignedWebhook
from health_assets.alerts.state_file import AlertError
from health_assets.alerts.weekly import digests
from health_assets.cli.report import write_report
from health_assets.reporting.reader import published
from health_assets.reporting.scope import Scope
from health_assets.settings import Settings
from health_assets.settings.alerts import Channel, Weekly
from health_assets.warehouse.sql import literal
from health_assets_tests.conftest import WholeCompany
from health_assets_tests.frames import settings_of
from health_assets_tests.loopback_slack import SECRET, Slack

MESSAGE = Message("key 1", "default", ("A1",), ("id",), "1 account", [{"type": "divider"}], "Müller needs a call <&>")


def test_webhook_gets_the_message_as_json_and_any_2xx_is_a_yes(posted: Slack) -> None:
    webhook = SignedWebhook(posted.url, None, 5)
    for status in (200, 201, 202, 204):
        posted.answers = [(status, {})]
        assert webhook.post(MESSAGE).status == Status.delivered
    assert posted.posts[0] == {
        "key": "key 1",
        "channel": "default",
        "account_ids": ["A1"],
        "notification": "1 account",
        "text": "Müller needs a call <&>",
        "blocks": [{"type": "divider"}],
    }
    assert "X-Health-Assets-Signature" not in posted.headers[0]


def test_webhook_is_signed_over_timestamp_and_body(posted: Slack) -> None:
    SignedWebhook(posted.url, "the key", 5).post(MESSAGE)
    (headers,) = posted.headers
    moment, body = headers["X-Health-Assets-Timestamp"], headers[""]
    code = hmac.new(b"the key", f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    assert headers["X-Health-Assets-Signature"] == f"sha256={code}"
    assert abs(int(moment) - time.time()) < 60
    assert json.loads(body)["key"] == "key 1"


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        *((301, Status.retry), (400, Status.dead), (410, Status.dead), (429, Status.retry), (500, Status.retry)),
        *(("hang", Status.unknown), ("cut", Status.unknown)),
    ],
)
def test_other_answers_of_a_webhook_mean_what_they_mean_of_slack(
    posted: Slack, status: int | str, becomes: Status
) -> None:
    posted.answers = [(status, {"Location": posted.url} if status == 301 else {})]
    assert SignedWebhook(posted.url, "the key", 0.4).post(MESSAGE).status == becomes
    assert len(posted.posts) == 1


class Mailbox:
    """Keeps what is delivered; refuses it while it is full."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.is_full = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.is_full:
            return "452 mailbox full"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    address = f"mailto://127.0.0.1:{port}?from=alerts@acme.example&to=lena@acme.example&mode=insecure"
    monkeypatch.setenv("MAIL_URL", address)
    yield box
    server.stop()


def test_message_is_sent_as_email(mailbox: Mailbox, tmp_path) -> None:
    company = settings_of(tmp_path, alerts={"channels": {"mail": {"apprise": "env:MAIL_URL"}}})
    assert channel_of("mail", company).post(MESSAGE).status == Status.delivered
    (mail,) = mailbox.mails
    assert (mail["subject"], mail["to"]) == ("1 account", "lena@acme.example")
    assert "Müller needs a call <&>" in mail.get_body(("plain",)).get_content()


def digest_by_mail(whole: WholeCompany, folder: Path, **changed: Any) -> tuple[Settings, str, list[Entry]]:
    """A company whose digest for one owner is due and goes by e-mail; the owner; the digest."""
    ((owner,),) = whole.rows("select min(account_owner) from mart.attention_list")
    weekly = Weekly(weekday="friday", head=None, owners={owner: "mail"}, report=True)
    channels = {"mail": Channel(apprise="env:MAIL_URL")}
    alerts = whole.settings.alerts.model_copy(
        update={"weekly": weekly, "channels": channels, "default_channel": "mail"} | changed
    )
    company = whole.settings.model_copy(update={"alerts": alerts, "warehouse": folder / "warehouse.duckdb"})
    with published(company) as connection:
        due = digests(connection, company, date(2025, 1, 17))
    return company, owner, digest_entries(due, company, datetime.now(UTC))


def delivered(company: Settings, entries: list[Entry]) -> Delivered:
    with Outbox.of(company) as outbox:
        with outbox.transaction():
            outbox.add(entries)
        return deliver(company, outbox, context_of(company))


def test_weekly_digest_by_email_carries_the_report_of_the_accounts_of_its_owner(
    mailbox: Mailbox, whole_company: WholeCompany, tmp_path: Path
) -> None:
    company, owner, entries = digest_by_mail(whole_company, tmp_path)
    assert delivered(company, entries).failures == []
    (mail,) = mailbox.mails
    assert "Your week" in mail["subject"]
    (report,) = mail.iter_attachments()
    assert (report.get_filename(), report.get_content_type()) == ("customer-health-2025-01-17.html", "text/html")
    expected = write_report(company, Scope(owner=owner), tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.get_payload(decode=True).decode() == expected
    others = whole_company.rows(f"select company_name from mart.attention_list where account_owner > {literal(owner)}")
    assert others
    assert not [name for (name,) in others if name in expected]


def test_weekly_digest_comes_without_a_report_unless_it_is_wanted(
    mailbox: Mailbox, whole_company: WholeCompany, tmp_path: Path
) -> None:
    weekly = Weekly(weekday="friday", head="mail", owners={}, report=False)
    company, _, entries = digest_by_mail(whole_company, tmp_path, weekly=weekly)
    delivered(company, entries)
    (mail,) = mailbox.mails
    assert list(mail.iter_attachments()) == []


def test_weekly_digest_is_delivered_where_its_report_cannot_be_made(
    mailbox: Mailbox, whole_company: WholeCompany, tmp_path: Path
) -> None:
    company, _, entries = digest_by_mail(whole_company, tmp_path)
    unpublished = company.model_copy(update={"published": tmp_path / "published.duckdb"})
    assert len(delivered(unpublished, entries).delivered) == 1
    (mail,) = mailbox.mails
    assert "The report could not be attached: " in mail.get_body(("plain",)).get_content()


def test_email_that_is_not_accepted_is_sent_again_later(mailbox: Mailbox, tmp_path) -> None:
    company = settings_of(tmp_path, alerts={"channels": {"mail": {"apprise": "env:MAIL_URL"}}})
    mailbox.is_full = True
    answer = channel_of("mail", company).post(MESSAGE)
    assert (answer.status, mailbox.mails) == (Status.retry, [])


def test_address_that_apprise_does_not_know_is_not_repeated() -> None:
    with pytest.raises(AlertError, match="MAIL_URL: is not an address that apprise knows") as refused:
        AppriseChannel("MAIL_URL", f"nonsense://{SECRET}", 5)
    assert SECRET not in str(refused.value)


def test_password_of_an_address_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    channel = AppriseChannel(
        "MAIL_URL", f"mailto://lena:{SECRET}@127.0.0.1:1?from=a@acme.example&to=b@acme.example&mode=insecure", 2
    )
    answer = channel.post(MESSAGE)
    assert answer.status == Status.retry
    assert SECRET not in caplog.text + repr(channel) + str(answer.reason)
