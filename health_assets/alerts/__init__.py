"""Tell who got worse and why: published snapshot -> changes against what is remembered -> outbox -> Slack.

Every change is told at least once, and twice only when Slack's answer got lost. Nothing but the snapshot is read;
a data alert of a failed run does not need even that.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from health_assets.alerts.data_alerts import DataAlert, of_stale_sources
from health_assets.alerts.levels import QUERIES, levels_by_account
from health_assets.alerts.outbox import AlertError, Outbox
from health_assets.alerts.rules import Account, Kind, Transition, rules_of
from health_assets.alerts.slack import Message, Webhook, data_messages, digest
from health_assets.settings import Settings
from health_assets.warehouse.snapshot import SnapshotError, snapshot

__all__ = [
    "WEBHOOK_VARIABLE",
    "AlertError",
    "AlertOutcome",
    "alert",
    "notify_failure",
    "notify_without_settings",
    "store_of",
]

WEBHOOK_VARIABLE = "SLACK_WEBHOOK_URL"
NOT_KNOWN = (None, None)


@dataclass(frozen=True)
class AlertOutcome:
    """What an alert run found and told."""

    as_of_date: date
    is_first: bool  # levels were only remembered, nobody was told
    entered: int
    worsened: int
    left: int
    told: int  # changes, those of earlier runs included
    pending: int  # changes that wait in the outbox for the next run
    text: str  # the messages as plain text; empty when there is nothing to tell
    data_alerts: int = 0  # told, those of earlier runs included
    trouble: str | None = None  # why something could not be delivered
    has_webhook: bool = False  # without one the text is what is told: print it

    def summary(self) -> str:
        """One sentence for a log."""
        if self.is_first:
            said = f"As of {self.as_of_date}: levels remembered for the first time, nobody is told of them"
        else:
            said = (
                f"As of {self.as_of_date}: {self.entered} entered, {self.worsened} worsened, {self.left} left; "
                f"{self.told} told, {self.pending} waiting"
            )
        if self.data_alerts:
            said += f"; {self.data_alerts} data alert{'' if self.data_alerts == 1 else 's'} told"
        return f"{said} ({self.trouble})" if self.trouble else said


def alert(settings: Settings, *, dry_run: bool = False, store: Path | None = None) -> AlertOutcome:
    """Find what changed since the last as-of day, and tell it together with whatever could not be told before.

    Args:
        settings: the company's; the snapshot is the one it publishes.
        dry_run: show what would be told; nothing is told or remembered.
        store: the SQLite file of state and outbox; see `store_of` when not given.

    Raises:
        SnapshotError: nothing has been published yet, or by an older version.
        AlertError: the state file or the webhook's address cannot be used.
    """
    webhook = None if dry_run else _webhook()
    published = _published(settings)
    with Outbox.opened(store or store_of(settings), dry_run=dry_run) as outbox:
        with outbox.transaction(keep=not dry_run):
            is_first = outbox.remembered() == 0
            rules = rules_of(settings, published.rule_versions)
            found = outbox.notice(rules, published.accounts, published.as_of_date)
            outbox.add(of_stale_sources(published.sources, published.as_of_date))
            pending, faults = outbox.pending(), outbox.pending_data_alerts()
        alarms = data_messages(faults, settings.company)
        messages = digest(pending, settings.company, settings.reporting_currency)
        news, trouble = ([], None) if dry_run else _tell(outbox, [*alarms, *messages], webhook)
    told = sum(isinstance(one, Transition) for one in news)
    kinds = [move.kind for move in found]
    return AlertOutcome(
        as_of_date=published.as_of_date,
        is_first=is_first,
        entered=kinds.count(Kind.entered),
        worsened=kinds.count(Kind.worsened),
        left=kinds.count(Kind.left),
        told=told,
        pending=len(pending) - told,
        text="\n\n".join(message.text for message in [*alarms, *messages]),
        data_alerts=len(news) - told,
        trouble=trouble,
        has_webhook=webhook is not None,
    )


def notify_failure(settings: Settings, fault: DataAlert) -> tuple[str, str | None]:
    """Tell a data alert, and those that could not be told before. It needs no snapshot.

    Returns the text, empty when it has been told before, and why it could not be delivered.
    """
    webhook = _webhook()
    with Outbox.opened(store_of(settings)) as outbox:
        with outbox.transaction():
            outbox.add([fault])
            pending = outbox.pending_data_alerts()
        messages = data_messages(pending, settings.company)
        _, trouble = _tell(outbox, messages, webhook)
    return "\n\n".join(message.text for message in messages), trouble


def notify_without_settings(fault: DataAlert) -> str | None:
    """Tell a data alert where the settings cannot be read, and so no outbox is known. Returns why it could not be delivered."""
    webhook = _webhook()
    (message,) = data_messages([fault], "health-assets")
    return webhook.post(message) if webhook else None


def store_of(settings: Settings) -> Path:
    """The SQLite file of state and outbox."""
    return settings.warehouse.with_name("alerts.sqlite")


def _tell(
    outbox: Outbox, messages: list[Message], webhook: Webhook | None
) -> tuple[list[Transition | DataAlert], str | None]:
    """Post message by message, each in a transaction that also marks it: two alert runs never post the same."""
    told: list[Transition | DataAlert] = []
    trouble = None
    for message in messages:
        with outbox.transaction():
            if outbox.are_pending(message.moves):
                refusal = webhook.post(message) if webhook else None
                trouble = trouble or refusal
                if refusal == "HTTP 400":
                    continue  # this message is not understood, the next may be
                if refusal:
                    break
                outbox.told(message.moves)
            told += message.moves
    return told, trouble


def _webhook() -> Webhook | None:
    url = os.environ.get(WEBHOOK_VARIABLE, "").strip()
    if not url:
        return None
    if not url.startswith(("https://", "http://")):
        raise AlertError(f"{WEBHOOK_VARIABLE}: is not a web address; give the URL of the incoming webhook, https://...")
    return Webhook(url)


@dataclass(frozen=True)
class Published:
    """What alerts read of a snapshot."""

    as_of_date: date
    accounts: list[Account]
    rule_versions: dict[str, str]
    sources: list[tuple[str, date | None, int | None]]  # name, last day with a row, days after which it is stale


def _published(settings: Settings) -> Published:
    with snapshot(settings.published) as connection:
        try:
            as_of_date = connection.sql("select as_of_date from about").fetchall()[0][0]
            versions = dict(connection.sql("select rule, version from rule_versions").fetchall())
            sources = connection.sql("select source, last_day, stale_after_days from sources").fetchall()
            others = levels_by_account(connection)
            rows = connection.sql(
                """
                select account_id, coalesce(account.company_name, account_id), account.account_owner,
                       coalesce(health.mrr, risk.mrr, account.mrr)::double, health_score::double, trend_30d::double,
                       health_band, risk_level, factors, coalesce(account_status = 'churned', false)
                from mart.customer_health as health
                full join mart.churn_risk as risk using (account_id)
                full join dim.account as account using (account_id)
                order by account_id
                """
            ).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise SnapshotError(
                f"{settings.published}: lacks what alerts read ({str(error).splitlines()[0]}); "
                "publish it anew (health-assets run)"
            ) from None
    accounts = [
        Account(
            account_id=str(account_id),
            name=name,
            owner=owner,
            mrr=mrr,
            health_score=score,
            trend_30d=trend,
            levels={"health_band": band, "risk_level": level}
            | {rule: others.get(str(account_id), {}).get(rule, NOT_KNOWN)[0] for rule in QUERIES},
            sentences={rule: sentence for rule, (_, sentence) in others.get(str(account_id), {}).items() if sentence},
            reasons=[factor["sentence"] for factor in sorted(factors or [], key=_weightiest_first)],
            is_churned=is_churned,
        )
        for account_id, name, owner, mrr, score, trend, band, level, factors, is_churned in rows
    ]
    return Published(as_of_date, accounts, versions, sources)


def _weightiest_first(factor: dict[str, Any]) -> tuple[float, str]:
    return -(factor["points"] or 0.0), factor["factor"]
