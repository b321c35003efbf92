"""Tell who got worse and why: published snapshot -> changes against what is remembered -> outbox -> Slack.

Every change is told at least once, and twice only when Slack's answer got lost. Nothing but the snapshot is read.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from health_assets.alerts.outbox import AlertError, Outbox
from health_assets.alerts.rules import Account, Kind, rules_of
from health_assets.alerts.slack import Message, Webhook, digest
from health_assets.publish import SnapshotError, snapshot
from health_assets.settings import Settings

__all__ = ["WEBHOOK_VARIABLE", "AlertError", "AlertOutcome", "alert"]

WEBHOOK_VARIABLE = "SLACK_WEBHOOK_URL"


@dataclass(frozen=True)
class AlertOutcome:
    """What an alert run found and told."""

    as_of_date: date
    is_first: bool  # levels were only remembered, nobody was told
    entered: int
    worsened: int
    left: int
    told: int  # changes, those of earlier runs included
    untold: int  # changes that wait in the outbox for the next run
    text: str  # the messages as plain text; empty when there is nothing to tell
    trouble: str | None = None  # why something could not be delivered
    has_webhook: bool = False  # without one the text is what is told: print it

    def summary(self) -> str:
        """One sentence for a log."""
        if self.is_first:
            return f"As of {self.as_of_date}: levels remembered for the first time, nobody is told"
        said = (
            f"As of {self.as_of_date}: {self.entered} entered, {self.worsened} worsened, {self.left} left; "
            f"{self.told} told, {self.untold} waiting"
        )
        return f"{said} ({self.trouble})" if self.trouble else said


def alert(settings: Settings, *, dry_run: bool = False, store: Path | None = None) -> AlertOutcome:
    """Find what changed since the last as-of day, and tell it together with whatever could not be told before.

    Args:
        settings: the company's; the snapshot is the one it publishes.
        dry_run: show what would be told; nothing is told or remembered.
        store: the SQLite file of state and outbox; `alerts.sqlite` beside the warehouse when not given.

    Raises:
        SnapshotError: nothing has been published yet, or by an older version.
        AlertError: the state file or the webhook's address cannot be used.
    """
    webhook = None if dry_run else _webhook()
    as_of_date, accounts = _published_accounts(settings)
    with Outbox.opened(store or settings.warehouse.with_name("alerts.sqlite"), dry_run=dry_run) as outbox:
        with outbox.transaction(keep=not dry_run):
            is_first = outbox.remembered() == 0
            found = outbox.notice(rules_of(settings), accounts, as_of_date)
            untold = outbox.untold()
        messages = digest(untold, settings.company, settings.reporting_currency)
        told, trouble = (0, None) if dry_run else _tell(outbox, messages, webhook)
    kinds = [move.kind for move in found]
    return AlertOutcome(
        as_of_date=as_of_date,
        is_first=is_first,
        entered=kinds.count(Kind.entered),
        worsened=kinds.count(Kind.worsened),
        left=kinds.count(Kind.left),
        told=told,
        untold=len(untold) - told,
        text="\n\n".join(message.text for message in messages),
        trouble=trouble,
        has_webhook=webhook is not None,
    )


def _tell(outbox: Outbox, messages: list[Message], webhook: Webhook | None) -> tuple[int, str | None]:
    """Post message by message, each in a transaction that also marks it: two alert runs never post the same."""
    told, trouble = 0, None
    for message in messages:
        with outbox.transaction():
            if outbox.are_untold(message.moves):
                refusal = webhook.post(message) if webhook else None
                trouble = trouble or refusal
                if refusal == "HTTP 400":
                    continue  # this message is not understood, the next may be
                if refusal:
                    break
                outbox.told(message.moves)
            told += len(message.moves)
    return told, trouble


def _webhook() -> Webhook | None:
    url = os.environ.get(WEBHOOK_VARIABLE, "").strip()
    if not url:
        return None
    if not url.startswith(("https://", "http://")):
        raise AlertError(f"{WEBHOOK_VARIABLE}: is not a web address; give the URL of the incoming webhook, https://...")
    return Webhook(url)


def _published_accounts(settings: Settings) -> tuple[date, list[Account]]:
    with snapshot(settings.published) as connection:
        try:
            as_of_date = connection.sql("select as_of_date from about").fetchall()[0][0]
            rows = connection.sql(
                """
                select account_id, coalesce(company_name, account_id), account_owner,
                       coalesce(health.mrr, risk.mrr)::double, health_score::double, trend_30d::double,
                       health_band, risk_level, factors
                from mart.customer_health as health
                full join mart.churn_risk as risk using (account_id)
                left join dim.account as account using (account_id)
                order by account_id
                """
            ).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise SnapshotError(
                f"{settings.published}: lacks what alerts read ({str(error).splitlines()[0]}); "
                "publish it anew (health-assets run)"
            ) from None
    return as_of_date, [
        Account(
            account_id=str(account_id),
            name=name,
            owner=owner,
            mrr=mrr,
            health_score=score,
            trend_30d=trend,
            levels={"health_band": band, "risk_level": level},
            reasons=[factor["sentence"] for factor in sorted(factors or [], key=_weightiest_first)],
        )
        for account_id, name, owner, mrr, score, trend, band, level, factors in rows
    ]


def _weightiest_first(factor: dict[str, Any]) -> tuple[float, str]:
    return -(factor["points"] or 0.0), factor["factor"]
