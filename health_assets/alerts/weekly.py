"""The weekly digest: for each owner the accounts to contact, and for the head of customer success those of everybody.

It says where things stand; what changed from day to day is in account_alert.py. The accounts are those of mart.attention_list.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from health_assets.alerts.wording import plain
from health_assets.reporting.formatting import counted, day_and_month, money, next_step, since_in_words
from health_assets.reporting.reader import Row, row, rows
from health_assets.settings import Settings
from health_assets.settings.alerts import WEEKDAYS

LISTED = """
    select account_id::varchar as account_id, company_name, account_owner, mrr::double as mrr, reason, since_date, next_step,
           next_step_owner_role, next_step_days, held_days
    from mart.attention_list where account_owner is not distinct from coalesce(?, account_owner) order by attention_rank
"""
WEEK = """
    select
        (select count(*) from mart.churned_accounts where churn_date between ? and ?
            and account_owner is not distinct from coalesce(?, account_owner)) as churned,
        (select coalesce(sum(mrr_lost), 0)::double from mart.churned_accounts where churn_date between ? and ?
            and account_owner is not distinct from coalesce(?, account_owner)) as mrr_lost,
        (select count(distinct account_id) from mart.renewal_pipeline where days_to_renewal <= ?
            and account_owner is not distinct from coalesce(?, account_owner)) as renewing,
        (select coalesce(sum(renewing_mrr), 0)::double from mart.renewal_pipeline where days_to_renewal <= ?
            and account_owner is not distinct from coalesce(?, account_owner)) as renewing_mrr
"""
RENEWAL_DAYS = 30
LATE_DAYS = 2


@dataclass(frozen=True)
class Item:
    """One account to contact."""

    account_id: str
    name: str
    owner: str | None
    mrr: float | None
    news: str
    next_step: str


@dataclass(frozen=True)
class Digest:
    """A week of one owner, or of everybody; complete in itself."""

    owner: str | None  # None = everybody's, for the head of customer success
    due_date: date  # the weekday of the settings
    as_of_date: date
    title: str
    lines: list[str]
    items: list[Item]

    @property
    def id(self) -> str:
        """One digest a week, however often the week is looked at."""
        return hashlib.sha256(json.dumps(["digest", self.owner, self.due_date.isoformat()]).encode()).hexdigest()

    def to_json(self) -> str:
        """For the outbox."""
        days = {"due_date": self.due_date.isoformat(), "as_of_date": self.as_of_date.isoformat()}
        return json.dumps({"digest": asdict(self) | days})

    @classmethod
    def from_json(cls, text: str) -> "Digest":
        """From the outbox."""
        stored = json.loads(text)["digest"]
        items = [Item(**item) for item in stored["items"]]
        days = {name: date.fromisoformat(stored[name]) for name in ("due_date", "as_of_date")}
        return cls(**stored | days | {"items": items})


def digests(connection: duckdb.DuckDBPyConnection, settings: Settings, as_of_date: date) -> list[tuple[Digest, str]]:
    """The digests that are due on a day, each with its channel.

    They are due on the weekday of the settings, and for some days after it, so that a day without a run misses no digest.
    """
    weekly = settings.alerts.weekly
    late = (as_of_date.weekday() - WEEKDAYS.index(weekly.weekday)) % 7
    if late > LATE_DAYS:
        return []
    due_date = as_of_date - timedelta(days=late)
    receivers: Mapping[str | None, str] = weekly.owners | ({None: weekly.head} if weekly.head else {})
    return [
        (_digest(connection, owner, settings, due_date, as_of_date), channel) for owner, channel in receivers.items()
    ]


def _digest(
    connection: duckdb.DuckDBPyConnection, owner: str | None, settings: Settings, due_date: date, as_of_date: date
) -> Digest:
    listed = rows(connection, LISTED, [owner])
    first = as_of_date - timedelta(days=6)
    week = row(connection, WEEK, [first, as_of_date, owner, first, as_of_date, owner, *[RENEWAL_DAYS, owner] * 2])
    verb = "needs" if len(listed) == 1 else "need"
    amount = money(sum(one["mrr"] or 0.0 for one in listed), settings.reporting_currency)
    whose = "The week" if owner is None else "Your week"
    title = f"{whose}: {counted(len(listed), 'account')} {verb} attention, {amount} MRR"
    return Digest(
        owner, due_date, as_of_date, title, _lines(week, listed, owner, settings), [_item(one) for one in listed]
    )


def _lines(week: Row, listed: Sequence[Row], owner: str | None, settings: Settings) -> list[str]:
    currency = settings.reporting_currency
    found = []
    if week["churned"]:
        found.append(
            f"{counted(week['churned'], 'account')} churned this week, {money(week['mrr_lost'], currency)} MRR"
        )
    if week["renewing"]:
        renew = "renews" if week["renewing"] == 1 else "renew"
        amount = money(week["renewing_mrr"], currency)
        found.append(f"{counted(week['renewing'], 'account')} {renew} within {RENEWAL_DAYS} days, {amount} MRR")
    if owner is None:
        by_owner: dict[str, list[Row]] = {}
        for one in listed:
            by_owner.setdefault(one["account_owner"] or "no owner", []).append(one)
        for name, theirs in sorted(by_owner.items(), key=lambda entry: (-len(entry[1]), entry[0])):
            amount = money(sum(one["mrr"] or 0.0 for one in theirs), currency)
            found.append(f"{name}: {counted(len(theirs), 'account')}, {amount} MRR")
    return found


def _item(listed: Mapping[str, Any]) -> Item:
    return Item(
        account_id=listed["account_id"],
        name=listed["company_name"] or listed["account_id"],
        owner=listed["account_owner"],
        mrr=listed["mrr"],
        news=_since(listed["since_date"], listed["held_days"]) + plain(listed["reason"]),
        next_step=next_step(listed["next_step"], listed["next_step_owner_role"], listed["next_step_days"]),
    )


def _since(first_day: date | None, days: int | None) -> str:
    if first_day:
        return f"Since {day_and_month(first_day)}: "
    since = since_in_words(None, days)
    return f"{since.capitalize()}: " if since else ""
