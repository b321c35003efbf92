"""What is written of each account: its values in the published snapshot, under the names of a target."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from health_assets.alerts.account_alert import REASONS
from health_assets.alerts.accounts import Account
from health_assets.alerts.rules import HEALTH_RULE, RISK_RULE
from health_assets.alerts.wording import plain
from health_assets.settings.write_back import Target

Value = str | float | None


@dataclass(frozen=True)
class Values:
    """The values of one account for one target; null clears what is there."""

    account_id: str
    as_of_date: date
    by_name: dict[str, Value]  # the names of the target

    def to_json(self) -> str:
        """For the outbox."""
        return json.dumps({"account_id": self.account_id, "day": self.as_of_date.isoformat(), "values": self.by_name})

    @classmethod
    def from_json(cls, text: str) -> "Values":
        """From the outbox."""
        stored = json.loads(text)
        return cls(stored["account_id"], date.fromisoformat(stored["day"]), stored["values"])


def values_of(accounts: Sequence[Account], target: Target, as_of_date: date) -> list[Values]:
    """The values of all accounts, in the order of their ids."""
    found = []
    for account in sorted(accounts, key=lambda one: one.account_id):
        fields = _fields(account)
        by_name = {theirs: fields[ours] for ours, theirs in target.names.items()}
        found.append(Values(account.account_id, as_of_date, by_name))
    return found


def is_empty(by_name: Mapping[str, Value]) -> bool:
    """Whether nothing is known of an account."""
    return all(value is None for value in by_name.values())


def _fields(account: Account) -> dict[str, Value]:
    levels = {name.split(" ")[0]: reading for name, reading in account.readings.items()}
    health, risk = levels.get(HEALTH_RULE), levels.get(RISK_RULE)
    reasons = list(dict.fromkeys(plain(sentence) for _, sentence in account.reasons))[:REASONS]
    rank = account.attention.rank if account.attention else None
    return {
        "health_score": _rounded(account.health_score),
        "health_band": health.level if health else None,
        "trend_30d": _rounded(account.trend_30d),
        "risk_level": risk.level if risk else None,
        "churn_risk_score": _rounded(risk.value if risk else None),
        "reasons": "; ".join(reasons) or None,
        "next_step": account.attention.next_step if account.attention else None,
        "attention_rank": None if rank is None else float(rank),
        "mrr": None if account.mrr is None else round(account.mrr, 2),
        "days_to_renewal": None if account.days_to_renewal is None else float(account.days_to_renewal),
    }


def _rounded(value: float | None) -> float | None:
    """To one decimal, as people read it: smaller moves write nothing."""
    return None if value is None else round(value, 1)
