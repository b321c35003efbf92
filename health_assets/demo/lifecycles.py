"""The lifecycles of the demo company's accounts: what happens to each of them, week by week, and whether it leaves.

State -> hazard -> draw: an account leaves because of what has happened to it, never because it was marked to leave.
The other modules derive the rows of the sources from these lifecycles.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from health_assets.demo.calendar import Calendar, first_day, stream, week_of

TIERS = ("starter", "growth", "enterprise")
PRODUCTS = ("novacrm_platform", "api_access", "advanced_analytics", "priority_support")

# The accounts. Tuples have one value per tier.
TIER_SHARE = (0.43, 0.36, 0.21)
SEATS = ((2, 5), (4, 10), (9, 23))
SEAT_PRICE = np.array([29.0, 75.0, 150.0])  # a month
ADD_ON_PRICE = np.array([29.0, 79.0, 59.0])  # a month, times 1, 2, 4 by tier
EMPLOYEES = (25, 140, 900)  # medians
LAUNCH_SHARE, LAUNCH_WEEKS = (
    0.45,
    13,
)  # share that signs up in the launch quarter; the others follow evenly until the end
TRIAL_SHARE, TRIAL_WEEKS, CONVERSION = 0.35, 4, 0.8

# Spells of problems: weekly probability that one begins, mean duration in weeks.
SUPPORT, PAYMENT, QUALITY, CHAMPION, SECURITY, DRIFT = range(6)
SPELL_BEGINS = np.array([[0.0065], [0.0040], [0.0050], [0.0045], [0.0040], [0.0045]])
SPELL_WEEKS = np.array([[18], [17], [14], [22], [8], [24]])
SUSPENDED_AFTER_WEEKS = 11  # of payment problems

TICKETS_A_WEEK = np.array([0.10, 0.17, 0.34])
TICKETS_IN_TROUBLE = 3.5  # factor during a spell of support problems
BAD_TICKET, BAD_TICKET_IN_TROUBLE = 0.10, 0.52  # answered late, often escalated
TOLERANCE = np.array([0.9, 1.1, 1.7])  # bad tickets that hurt as much as one does on average
PAIN_KEPT, WORST_PAIN = 0.93, 4  # share of last week's pain that remains; pain beyond the worst makes no difference
QUIET_SHARE = 0.08  # accounts that never contact support
INCIDENTS_A_WEEK, INCIDENTS_IN_TROUBLE = 0.07, 0.7
TOUCH, TOUCH_IN_PAIN, RELIEF = (
    0.025,
    0.12,
    0.8,
)  # weekly probability that the owner calls; share of the pain left after a call

# What drives activity (natural log of the usual level) and what drives leaving (log of the hazard).
USAGE_PULL, USAGE_NOISE, HABIT_PULL = 0.22, 0.11, 0.03
USAGE_OF_FIT, USAGE_OF_PAIN, USAGE_ON_NOTICE, USAGE_WHILE_ONBOARDING = 0.30, -0.16, -1.6, -0.7
USAGE_OF_TROUBLE = np.array([[0.0], [-0.15], [-0.25], [-0.75], [-0.05], [-0.95]])
ONBOARDING_WEEKS = 5
MOOD_OF_FIT, MOOD_OF_PAIN, MOOD_OF_PRICE, MOOD_OF_TROUBLE = 0.6, -0.7, -0.5, -0.5
LEAVES = 0.00042 * np.array([1.35, 1.0, 0.62])  # per week, for an account without problems
LEAVES_OF_FIT, LEAVES_OF_PAIN, LEAVES_OF_USAGE, LEAVES_OF_DROP, LEAVES_OF_PRICE = -0.4, 0.95, -1.2, 1.2, 1.6
LEAVES_OF_TROUBLE = np.array([[0.3], [2.2], [0.9], [1.0], [0.7], [0.7]])
RENEWAL_WEEKS, LEAVES_AT_RENEWAL = 52, 3.5
NO_NOTICE_SHARE, NOTICE_WEEKS = 0.2, (6, 15)  # share that leaves in the week after the decision
RETURNS, AWAY_WEEKS = 0.004, 8  # weekly probability of coming back after this many weeks

# What accounts buy.
EXPANDS, EXPANDS_OF_USAGE, EXPANDS_OF_PAIN = 0.0175, 0.7, -0.7
SHRINKS, SHRINKS_OF_USAGE, SHRINKS_OF_PAIN = 0.0030, -0.8, 0.35
BUYS_ADD_ON = 0.0016
UPGRADE_SEATS, UPGRADES = np.array([6, 14, 10_000]), 0.10  # seats from which the next plan pays off, weekly probability
PRICE_RISE_SHARE, PRICE_RISE = 0.45, (0.03, 0.12)  # at a renewal
PRICE_SHOCK_KEPT, SHOCK_OF_RISE = 0.92, 9.0


@dataclass(frozen=True)
class Lifecycles:
    """What happened. Vectors have one value per account, matrices one per week and account."""

    calendar: Calendar
    seed: int
    weekday: np.ndarray  # 0-6, on which the account's weeks begin
    joins: np.ndarray  # week
    employees: np.ndarray
    fit: np.ndarray  # how well the product suits the account, standard normal
    present: np.ndarray
    on_trial: np.ndarray
    tier: np.ndarray
    seats: np.ndarray
    price_index: np.ndarray  # 1 = the list price
    add_ons: np.ndarray  # week x add-on x account
    usage: np.ndarray  # activity per seat, 1 = usual
    satisfaction: np.ndarray  # about -4 to 2, 0 = content
    trouble: np.ndarray  # week x kind of problem x account
    suspended: np.ndarray
    champions_gone: np.ndarray  # number of the account's first users who have left by then
    tickets: np.ndarray
    bad_tickets: np.ndarray
    incidents: np.ndarray
    touches: np.ndarray

    @property
    def accounts(self) -> int:
        return len(self.joins)

    def chance(self, purpose: str) -> np.random.Generator:
        """Each purpose has random numbers of its own, so that leaving out one source changes no other."""
        return stream(self.seed, purpose)

    @property
    def is_paying(self) -> np.ndarray:
        return self.present & ~self.on_trial

    @cached_property
    def mrr(self) -> np.ndarray:
        """Product x week x account, 0 while the product is not paid for."""
        platform = self.seats * SEAT_PRICE[self.tier] * self.price_index
        add_ons = self.add_ons * ADD_ON_PRICE[:, None] * (2.0**self.tier * self.price_index)[:, None, :]
        return np.round(np.vstack([platform[None], add_ons.transpose(1, 0, 2)]) * self.is_paying, 2)

    @property
    def this_week(self) -> np.ndarray:
        """The week of each account that contains `end`."""
        return week_of(self.calendar.last_day, self.weekday)

    def at_end(self, history: np.ndarray) -> np.ndarray:
        """The value of a matrix on the last day."""
        return history[self.this_week, np.arange(self.accounts)]

    def on(self, history: np.ndarray, day: np.ndarray, account: np.ndarray) -> np.ndarray:
        """The values of a matrix for an account and day each."""
        return history[week_of(day, self.weekday[account]), account]

    @cached_property
    def left_on(self) -> np.ndarray:
        """Week x account: the first day after the stay that the week belongs to; later than `end` if it continues."""
        return first_day(next_week(~self.present), self.weekday)

    @cached_property
    def arrived_in(self) -> np.ndarray:
        """Week x account: the week in which the stay that the week belongs to began."""
        arrives = self.present & ~np.roll(self.present, 1, axis=0)
        return np.maximum.accumulate(np.where(arrives, np.arange(len(arrives))[:, None], 0))

    def scatter(self, counts: np.ndarray, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(account, day) of events that happen `counts` times in an account's week, ordered by day."""
        cell = np.repeat(np.flatnonzero(counts), counts[counts > 0])
        week, account = np.divmod(cell, self.accounts)
        day = first_day(week, self.weekday[account]) + chance.integers(0, 7, len(cell))
        known = np.flatnonzero((day >= 0) & (day < self.calendar.days))
        known = known[np.argsort(day[known], kind="stable")]
        return account[known], day[known]


def next_week(breaks: np.ndarray) -> np.ndarray:
    """Week x account: the next week in which `breaks` is true; one past the last where there is none."""
    weeks = len(breaks)
    upcoming = np.where(breaks, np.arange(weeks)[:, None], weeks)
    later = np.minimum.accumulate(upcoming[::-1])[::-1]
    return np.vstack([later[1:], np.full((1, breaks.shape[1]), weeks)])


class _Fleet:
    """The state of every account in the current week; each private method is one part of a week."""

    def __init__(self, accounts: int, calendar: Calendar, chance: np.random.Generator):
        self.chance, self.accounts = chance, accounts
        launched = chance.random(accounts) < LAUNCH_SHARE
        joins = np.where(
            launched,
            chance.integers(0, min(LAUNCH_WEEKS, calendar.weeks), accounts),
            chance.integers(0, calendar.weeks, accounts),
        )
        self.joins = np.sort(joins)
        self.weekday = chance.integers(0, 7, accounts)
        self.joins += first_day(self.joins, self.weekday) < 0  # a signup is on the first day of a week
        self.joins -= first_day(self.joins, self.weekday) > calendar.last_day
        self.tier = chance.choice(3, accounts, p=TIER_SHARE).astype(np.int8)
        self.seats = chance.integers(*np.array(SEATS).T[:, self.tier]).astype(np.int16)
        self.employees = np.ceil(np.array(EMPLOYEES)[self.tier] * chance.lognormal(0, 0.8, accounts)).astype(int)
        self.fit = chance.normal(size=accounts)
        self.is_quiet = chance.random(accounts) < QUIET_SHARE
        self.wants_trial = chance.random(accounts) < TRIAL_SHARE
        self.price_index = np.ones(accounts)
        self.usage, self.habit, self.pain, self.shock = np.zeros((4, accounts))
        self.present, self.on_trial, self.suspended = np.zeros((3, accounts), bool)
        self.trouble = np.zeros((6, accounts), bool)
        self.add_ons = np.zeros((3, accounts), bool)
        self.age, self.away, self.unpaid_weeks, self.notice = np.zeros((4, accounts), int)
        self.champions_gone = np.zeros(accounts, np.int8)

    @property
    def hurt(self) -> np.ndarray:
        return np.minimum(self.pain, WORST_PAIN)

    def advance(self, week: int) -> None:
        self._leave()
        self._arrive(week)
        self._begin_and_end_problems()
        self._contact()
        self._update_mood()
        self._purchase()
        self._decide_to_leave()

    def _happens(self, probability: np.ndarray | float) -> np.ndarray:
        return self.present & (self.chance.random(self.accounts) < probability)

    def _leave(self) -> None:
        trial_is_over = self.on_trial & (self.age >= TRIAL_WEEKS)
        converts = self._happens(CONVERSION * np.exp(np.minimum(self.usage - USAGE_WHILE_ONBOARDING, 0)))
        leaves = (self.notice == 1) | (trial_is_over & ~converts)
        self.on_trial &= ~trial_is_over
        self.present &= ~leaves
        self.notice = np.where(leaves, 0, np.maximum(self.notice - 1, 0))
        self.away = np.where(self.present, 0, self.away + 1)

    def _arrive(self, week: int) -> None:
        returns = (
            ~self.present
            & (self.age > TRIAL_WEEKS)
            & (self.away > AWAY_WEEKS)
            & (self.chance.random(self.accounts) < RETURNS)
        )
        joins = self.joins == week
        arrives = joins | returns
        self.present |= arrives
        self.on_trial |= joins & self.wants_trial
        self.trouble &= self.present & ~arrives
        self.add_ons &= self.present & ~arrives
        self.age = np.where(arrives, 0, self.age + self.present)
        for feeling in (self.pain, self.shock, self.habit):
            feeling[arrives] = 0
        self.usage[arrives] = USAGE_WHILE_ONBOARDING

    def _begin_and_end_problems(self) -> None:
        draw = self.chance.random(self.trouble.shape)
        begins = self.present & (draw < SPELL_BEGINS) & ~self.trouble
        begins[PAYMENT] &= ~self.on_trial
        self.trouble = self.present & (begins | (self.trouble & (draw > 1 / SPELL_WEEKS)))
        self.champions_gone += begins[CHAMPION]
        self.unpaid_weeks = np.where(self.trouble[PAYMENT], self.unpaid_weeks + 1, 0)
        self.suspended = self.unpaid_weeks > SUSPENDED_AFTER_WEEKS

    def _contact(self) -> None:
        in_trouble = self.trouble[SUPPORT]
        rate = TICKETS_A_WEEK[self.tier] * np.where(in_trouble, TICKETS_IN_TROUBLE, 1)
        self.tickets = self.chance.poisson(rate * (self.present & ~self.is_quiet)).astype(np.int8)
        worse = np.where(in_trouble, BAD_TICKET_IN_TROUBLE, BAD_TICKET)
        self.bad_tickets = self.chance.binomial(self.tickets, worse).astype(np.int8)
        rate = np.where(self.trouble[SECURITY], INCIDENTS_IN_TROUBLE, INCIDENTS_A_WEEK) * (1 + self.tier) / 2
        self.incidents = self.chance.poisson(rate * self.present).astype(np.int8)
        self.touches = self._happens(np.where(self.pain > 1, TOUCH_IN_PAIN, TOUCH))

    def _update_mood(self) -> None:
        self.pain = PAIN_KEPT * self.pain * np.where(self.touches, RELIEF, 1) + self.bad_tickets / TOLERANCE[self.tier]
        self.shock *= PRICE_SHOCK_KEPT
        usual = (
            USAGE_OF_FIT * self.fit
            + USAGE_OF_PAIN * self.hurt
            + (USAGE_OF_TROUBLE * self.trouble).sum(axis=0)
            + USAGE_ON_NOTICE * (self.notice > 0)
            + USAGE_WHILE_ONBOARDING * (self.age < ONBOARDING_WEEKS)
        )
        self.usage += USAGE_PULL * (usual - self.usage) + self.chance.normal(0, USAGE_NOISE, self.accounts)
        self.habit += HABIT_PULL * (self.usage - self.habit)
        felt = self.trouble[[QUALITY, CHAMPION, SECURITY, DRIFT]].sum(axis=0)
        self.satisfaction = (
            MOOD_OF_FIT * self.fit
            + MOOD_OF_PAIN * self.hurt
            + MOOD_OF_TROUBLE * felt
            + MOOD_OF_PRICE * np.minimum(self.shock, 1)
        )

    def _purchase(self) -> None:
        is_renewal = self.present & (self.age > 0) & (self.age % RENEWAL_WEEKS == 0)
        rise = self.chance.uniform(*PRICE_RISE, self.accounts) * (is_renewal & self._happens(PRICE_RISE_SHARE))
        self.price_index *= 1 + rise
        self.shock += SHOCK_OF_RISE * rise
        settled = self.present & ~self.on_trial & ~self.trouble[PAYMENT] & (self.notice == 0) & (self.age > 1)
        grows = settled & self._happens(EXPANDS * np.exp(EXPANDS_OF_USAGE * self.usage + EXPANDS_OF_PAIN * self.hurt))
        shrinks = (
            settled
            & ~grows
            & self._happens(SHRINKS * np.exp(SHRINKS_OF_USAGE * self.usage + SHRINKS_OF_PAIN * self.hurt))
        )
        step = np.ceil(self.seats * self.chance.uniform(0.08, 0.30, self.accounts)).astype(np.int16)
        self.seats = np.clip(self.seats + np.where(grows, step, 0) - np.where(shrinks, step, 0), 1, 400)
        self.tier += settled & (self.seats >= UPGRADE_SEATS[self.tier]) & self._happens(UPGRADES)
        self.tier -= settled & is_renewal & shrinks & (self.tier > 0)
        buys = self.chance.random(self.add_ons.shape) < BUYS_ADD_ON * np.exp(self.usage)
        self.add_ons |= settled & buys
        self.is_renewal = is_renewal

    def _decide_to_leave(self) -> None:
        hazard = (
            LEAVES[self.tier]
            * np.exp(
                LEAVES_OF_FIT * self.fit
                + LEAVES_OF_PAIN * self.hurt
                + LEAVES_OF_DROP * np.clip(self.habit - self.usage, 0, 2)
                + LEAVES_OF_USAGE * self.usage
                + LEAVES_OF_PRICE * self.shock
                + (LEAVES_OF_TROUBLE * self.trouble).sum(axis=0)
            )
            * np.where(self.is_renewal, LEAVES_AT_RENEWAL, 1)
        )
        decides = self._happens(hazard) & ~self.on_trial & (self.notice == 0)
        warns = self.chance.random(self.accounts) >= NO_NOTICE_SHARE
        notice = np.where(warns, self.chance.integers(*NOTICE_WEEKS, self.accounts), 1)
        self.notice = np.where(decides, notice, self.notice)


HISTORY = (
    "present",
    "on_trial",
    "tier",
    "seats",
    "price_index",
    "add_ons",
    "usage",
    "satisfaction",
    "trouble",
    "suspended",
    "champions_gone",
    "tickets",
    "bad_tickets",
    "incidents",
    "touches",
)


def simulate(accounts: int, calendar: Calendar, seed: int) -> Lifecycles:
    """The lifecycles of `accounts` accounts; the same seed and calendar give the same lifecycles."""
    fleet = _Fleet(accounts, calendar, stream(seed, "lives"))
    weeks = []
    for week in range(calendar.weeks):
        fleet.advance(week)
        weeks.append({name: np.array(getattr(fleet, name)) for name in HISTORY})
    history = {name: np.array([week[name] for week in weeks]) for name in HISTORY}
    history["usage"] = np.where(history["suspended"], 0, np.exp(history["usage"])) * history["present"]
    return Lifecycles(calendar, seed, fleet.weekday, fleet.joins, fleet.employees, fleet.fit, **history)
