"""The help desk and the surveys of the demo company: support tickets and feedback."""

import numpy as np
import polars as pl

from health_assets.demo.calendar import SECOND, later, working_hours
from health_assets.demo.lifecycles import Lifecycles
from health_assets.demo.naming import account_keys, keys

PRIORITIES, TARGET_HOURS = np.array(["p1", "p2", "p3", "p4"]), np.array([4.0, 12.0, 48.0, 120.0])
PRIORITY_SHARE, BAD_PRIORITY_SHARE = (0.05, 0.15, 0.43, 0.37), (0.10, 0.25, 0.40, 0.25)
CATEGORIES, CATEGORY_SHARE = (
    ("bug", "how_to", "billing", "feature_request", "onboarding", "performance"),
    (0.25, 0.19, 0.16, 0.16, 0.13, 0.11),
)
SPEED = 0.28  # median share of the target that a good ticket takes
LATE_BY, STUCK_SHARE, STUCK_TIMES = 0.55, 0.06, 8  # a bad ticket takes 1 + lognormal targets, a stuck one 8 times that
ESCALATED_SHARE, ESCALATED_SHARE_IN_TARGET = 0.42, 0.015
RATED_SHARE, GOOD_RATING, BAD_RATING = 0.68, 4.35, 2.3
CLOSED_SHARE, BY_CUSTOMER_SHARE = 0.4, 0.85
OUTAGE_SHARE, OUTAGE_HOURS = 0.03, (60, 200)  # an outage on the last days, which leaves urgent tickets open
SURVEY_WEEKS, SURVEYED_AFTER_WEEKS, ANSWER_SHARE = 13, 4, 0.62
NPS, NPS_OF_MOOD, NPS_NOISE = 8.8, 1.8, 1.0  # of a content account
STARS, STARS_OF_MOOD, STARS_NOISE = 4.2, 0.7, 0.5


def support_tickets(lifecycles: Lifecycles) -> pl.DataFrame:
    """Good tickets are resolved within the target of their priority, bad ones after it, if at all."""
    chance, calendar = lifecycles.chance("support_tickets"), lifecycles.calendar
    account, day, is_bad, is_outage = _written(lifecycles, chance)
    count = len(day)
    usual, worse = chance.choice(4, count, p=PRIORITY_SHARE), chance.choice(4, count, p=BAD_PRIORITY_SHARE)
    priority = np.where(is_bad, worse, usual)
    priority[is_outage] = 0
    target = TARGET_HOURS[priority]
    late = (1.02 + chance.lognormal(-0.3, LATE_BY, count)) * np.where(
        chance.random(count) < STUCK_SHARE, STUCK_TIMES, 1
    )
    hours = target * np.where(is_bad, late, np.minimum(chance.lognormal(np.log(SPEED), 0.7, count), 0.98))
    hours[is_outage] = chance.uniform(*OUTAGE_HOURS, is_outage.sum())
    created = calendar.at(day, working_hours(chance, count))
    left = calendar.midnight(lifecycles.on(lifecycles.left_on, day, account))
    resolved = np.minimum(later(created, hours), left - SECOND)
    is_resolved = resolved < calendar.midnight_after
    responded = later(created, np.minimum(hours * chance.beta(1.2, 6, count), target))
    escalated = later(created, np.minimum(hours * 0.6, target))
    share = np.where(is_bad, ESCALATED_SHARE, ESCALATED_SHARE_IN_TARGET)
    known = np.minimum(resolved, calendar.midnight_after - SECOND)
    is_escalated = (chance.random(count) < share) & (escalated < known)
    rating = np.where(is_bad, BAD_RATING - 0.5 * is_escalated, GOOD_RATING) + chance.normal(0, 0.55, count)
    is_rated = is_resolved & (chance.random(count) < RATED_SHARE)
    work = np.where(responded <= known, "in_progress", "open")
    closed = np.where(chance.random(count) < CLOSED_SHARE, "closed", "resolved")
    return pl.DataFrame(
        {
            "ticket_id": keys("TKT", count, 5),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "created_at": created,
            "first_response_at": _where(responded <= known, responded),
            "resolved_at": _where(is_resolved, resolved),
            "resolution_time_hours": _where(is_resolved, np.round((resolved - created) / np.timedelta64(1, "h"), 2)),
            "priority": PRIORITIES[priority],
            "category": np.where(is_outage, "performance", chance.choice(CATEGORIES, count, p=CATEGORY_SHARE)),
            "status": np.select([is_resolved, is_escalated], [closed, "escalated"], work),
            "is_escalated": is_escalated,
            "escalated_at": _where(is_escalated, escalated),
            "ticket_type": np.where(chance.random(count) < BY_CUSTOMER_SHARE, "customer", "monitoring"),
            "satisfaction_score": _where(is_rated, np.round(np.clip(rating, 1, 5), 1)),
        }
    )


def _written(lifecycles: Lifecycles, chance: np.random.Generator) -> tuple[np.ndarray, ...]:
    """(account, day, is bad, belongs to the outage) of every ticket, ordered by day."""
    bad = lifecycles.scatter(lifecycles.bad_tickets, chance)
    good = lifecycles.scatter(lifecycles.tickets - lifecycles.bad_tickets, chance)
    hit = np.flatnonzero(lifecycles.at_end(lifecycles.present & (lifecycles.tickets.sum(axis=0) > 0)))
    hit = np.sort(chance.choice(hit, int(np.ceil(OUTAGE_SHARE * len(hit))), replace=False))
    outage_day = np.full(len(hit), max(lifecycles.calendar.last_day - 1, 0))
    hit = hit[lifecycles.on(lifecycles.present, outage_day, hit)]
    outage = hit, outage_day[: len(hit)]
    account, day = (np.concatenate(parts) for parts in zip(bad, good, outage, strict=True))
    kind = np.repeat([0, 1, 2], [len(bad[0]), len(good[0]), len(hit)])
    order = np.argsort(day, kind="stable")
    return account[order], day[order], kind[order] != 1, kind[order] == 2


def _where(holds: np.ndarray, values: np.ndarray) -> pl.Series:
    """The values where the condition holds, else null."""
    return pl.select(pl.when(pl.Series(holds)).then(pl.Series(values))).to_series()


def feedback(lifecycles: Lifecycles) -> pl.DataFrame:
    """A quarterly survey that some accounts answer, according to their mood."""
    chance = lifecycles.chance("feedback")
    week, account = np.indices(lifecycles.present.shape)
    knows_us = lifecycles.present & (week - lifecycles.arrived_in >= SURVEYED_AFTER_WEEKS)
    answers = knows_us & ((week - account) % SURVEY_WEEKS == 0) & (chance.random(week.shape) < ANSWER_SHARE)
    account, day = lifecycles.scatter(answers.astype(np.int8), chance)
    mood = lifecycles.on(lifecycles.satisfaction, day, account)
    nps = np.clip(np.round(NPS + NPS_OF_MOOD * mood + chance.normal(0, NPS_NOISE, len(day))), 0, 10).astype(int)
    stars = STARS + STARS_OF_MOOD * mood + chance.normal(0, STARS_NOISE, len(day))
    return pl.DataFrame(
        {
            "feedback_id": keys("FB", len(day), 5),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "feedback_date": lifecycles.calendar.date(day),
            "nps_score": nps,
            "satisfaction_score": np.clip(np.round(stars), 1, 5).astype(int),
            "likelihood_to_renew": np.select([nps >= 8, nps >= 6], ["high", "medium"], "low"),
        }
    )
