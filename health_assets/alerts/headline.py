"""The title of a message about accounts, and what it says of the attention list: a message is about what is new."""

from collections import Counter
from collections.abc import Sequence

from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.markup import clipped
from health_assets.alerts.rules import CHURNED, CONSEQUENCES
from health_assets.reporting.formatting import counted, money

ENDS = (CHURNED, *CONSEQUENCES)  # rules that a headline names


def headline(latest: Sequence[AccountAlert], currency: str) -> str:
    """What a person would say, e.g. "3 accounts changed (1 churned), USD 8,940 MRR"."""
    ends = Counter(one.rule for one in latest if one.rule in ENDS)
    amount = _sum(latest, currency)
    if len(ends) == 1 and ends.total() == len(latest):
        return f"{counted(len(latest), 'account')} {next(iter(ends))}{amount}"
    parts = [f"{ends[end]} {end}" for end in ENDS if end in ends]
    ended = f" ({', '.join(parts)})" if parts else ""
    return f"{counted(len(latest), 'account')} changed{ended}{amount}"


def _sum(alerts: Sequence[AccountAlert], currency: str) -> str:
    known = [one.mrr for one in alerts if one.mrr is not None]
    return f", {money(sum(known), clipped(currency, 10))} MRR" if known else ""


def on_the_list(latest: Sequence[AccountAlert]) -> str:
    """How many accounts are on the attention list, and how many of those in the message."""
    if not latest or (listed := latest[0].listed_count) is None:
        return ""
    here = sum(one.rank is not None for one in latest)
    if len(latest) == 1:
        shown = f"this one is number {latest[0].rank}" if here else "this one is not"
    else:
        shown = f"{'all' if here == len(latest) else here or 'none'} of these {len(latest)}"
    return f" · {counted(listed, 'account')} on the attention list{f', {shown}' if listed else ''}"
