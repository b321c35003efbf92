"""Ten hand-made accounts in NovaCRM's shape, and the score that each must get on 2025-01-31.

Every branch of the `novacrm` scorecard of metrics.md stands here with its arithmetic written out, to be checked with a
pocket calculator. Dates are ISO text as in a file. No expectation was copied from what the pipeline computes.
"""

from collections.abc import Iterator

AS_OF = "2025-01-31"  # the window of the scorecard is AS_OF - 30 ... AS_OF: 2025-01-01 ... 2025-01-31, 31 days

# What each account shows, dimension by dimension (usage | support | revenue | engagement):
#   TEN-01  80.0 exactly      | CSAT 4.0 exactly, old open ticket outside | expanded         | middle
#   TEN-02  loses both ties   | one open, CSAT below 3                    | -49 %            | tie with TEN-03
#   TEN-03  60.0 exactly      | resolved, nobody rated (missing 5)        | -10 %            | most names
#   TEN-04  40.0 exactly      | two open, nobody rated (missing 3)        | -50 % exactly    | middle
#   TEN-05  critical          | six open                                  | -80 %            | least
#   TEN-06  no usage; 20.0    | three open, though CSAT is 5              | flat over a gap  | no usage
#   TEN-07  champion          | none open, CSAT 3.9, one in_progress      | first paid month | most names
#   TEN-08  highest mean      | one open, CSAT 3.0 with a late rating     | flat as a sum    | third
#   TEN-09  all on D-30       | no ticket in the window                   | never paid       | least
#   TEN-10  churned in the CRM, still uses the product: takes places in both quartiles, is not scored

_ACCOUNTS = [  # account_id, employee_count, plan_tier, signup_date, status
    ("TEN-01", 700, "enterprise", "2023-03-01", "active"),
    ("TEN-02", 30, "starter", "2024-02-01", "active"),
    ("TEN-03", 80, "growth", "2024-03-01", "active"),
    ("TEN-04", 20, "starter", "2024-04-01", "active"),
    ("TEN-05", 60, "starter", "2023-05-01", "active"),
    ("TEN-06", 40, "growth", "2024-06-01", "active"),
    ("TEN-07", 900, "enterprise", "2025-01-02", "active"),
    ("TEN-08", 120, "growth", "2024-08-01", "active"),
    ("TEN-09", 10, "starter", "2024-12-01", "active"),
    ("TEN-10", 200, "growth", "2023-10-01", "churned"),
]

ACCOUNTS = [
    {"account_id": account, "company_name": f"Company {account}", "industry": "technology", "employee_count": employees,
     "plan_tier": tier, "account_owner": "Ada Owner", "region": "europe", "signup_date": signup, "status": status}
    for account, employees, tier, signup, status in _ACCOUNTS
]  # fmt: skip

# One flat contract each: the revenue dimension reads the paid invoices below, whatever the contract says.
SUBSCRIPTIONS = [
    {"subscription_id": f"SUB-{account}", "account_id": account, "product_name": "novacrm_platform", "plan_tier": tier,
     "mrr_amount": 100, "start_date": signup, "end_date": "2024-12-15" if status == "churned" else None,
     "status": "cancelled" if status == "churned" else "active"}
    for account, _, tier, signup, status in _ACCOUNTS
]  # fmt: skip

_INVOICES = [  # account_id, invoice_date, amount, status
    ("TEN-01", "2024-12-05", 100, "paid"),
    ("TEN-01", "2025-01-05", 149, "paid"),
    ("TEN-02", "2024-11-05", 200, "paid"),
    ("TEN-02", "2024-12-05", 102, "paid"),
    ("TEN-02", "2025-01-05", 500, "overdue"),  # not paid: December stays the latest paid month
    ("TEN-03", "2024-12-05", 100, "paid"),
    ("TEN-03", "2025-01-05", 90, "paid"),
    ("TEN-03", "2025-02-05", 500, "paid"),  # after AS_OF: nothing dated after it counts
    ("TEN-04", "2024-12-05", 100, "paid"),
    ("TEN-04", "2025-01-05", 50, "paid"),
    ("TEN-05", "2024-12-05", 200, "paid"),
    ("TEN-05", "2025-01-05", 40, "paid"),
    ("TEN-06", "2024-10-05", 80, "paid"),
    ("TEN-06", "2024-11-05", 80, "overdue"),  # November and December have no paid invoice: October is the month before
    ("TEN-06", "2025-01-05", 80, "paid"),
    ("TEN-07", "2025-01-05", 499, "paid"),
    ("TEN-08", "2024-12-05", 60, "paid"),  # December is 60 + 40 = 100
    ("TEN-08", "2024-12-20", 40, "paid"),
    ("TEN-08", "2025-01-05", 100, "paid"),
    ("TEN-09", "2024-12-05", 100, "overdue"),
    ("TEN-09", "2025-01-05", 100, "void"),
    ("TEN-10", "2024-10-05", 100, "paid"),
    ("TEN-10", "2024-11-05", 100, "paid"),
]

INVOICES = [
    {"invoice_id": f"INV-{number:03}", "account_id": account, "invoice_date": day, "amount": amount, "currency": "USD",
     "status": status, "line_items": "novacrm_platform"}
    for number, (account, day, amount, status) in enumerate(_INVOICES, start=1)
]  # fmt: skip

_TICKETS = [  # account_id, created, resolved, status, satisfaction_score
    ("TEN-01", "2025-01-10", "2025-01-11", "resolved", 3.0),
    ("TEN-01", "2025-01-12", "2025-01-13", "resolved", 5.0),
    ("TEN-01", "2024-12-31", None, "open", None),  # D-31: outside
    ("TEN-02", "2025-01-10", "2025-01-11", "resolved", 2.9),
    ("TEN-02", "2025-01-20", None, "open", None),
    ("TEN-03", "2025-01-01", "2025-01-02", "resolved", None),  # D-30: inside
    ("TEN-03", "2025-01-30", "2025-02-03", "resolved", None),  # the file says resolved, so it is not open
    ("TEN-04", "2025-01-15", None, "open", None),
    ("TEN-04", "2025-01-16", None, "escalated", None),  # escalated is open
    *[("TEN-05", f"2025-01-{day}", None, "open", None) for day in (10, 11, 12, 13)],
    *[("TEN-05", f"2025-01-{day}", None, "escalated", None) for day in (14, 15)],
    ("TEN-05", "2025-01-05", "2025-01-06", "resolved", 5.0),
    *[("TEN-06", f"2025-01-{day}", None, "open", None) for day in (10, 11, 12)],
    ("TEN-06", "2025-01-05", "2025-01-06", "resolved", 5.0),
    ("TEN-07", "2025-01-10", "2025-01-11", "resolved", 3.9),
    ("TEN-07", "2025-01-20", None, "in_progress", None),  # only open and escalated count as open
    ("TEN-08", "2025-01-10", "2025-01-11", "resolved", 1.0),
    ("TEN-08", "2025-01-29", "2025-02-02", "resolved", 5.0),  # resolved after AS_OF; its rating counts all the same
    ("TEN-08", "2025-01-20", None, "open", None),
    ("TEN-09", "2024-12-20", None, "open", None),
]

SUPPORT_TICKETS = [
    {"ticket_id": f"TKT-{number:03}", "account_id": account, "created_at": f"{created}T09:00:00",
     "resolved_at": resolved and f"{resolved}T09:00:00", "priority": "p3", "category": "bug", "status": status,
     "satisfaction_score": rating}
    for number, (account, created, resolved, status, rating) in enumerate(_TICKETS, start=1)
]  # fmt: skip

_USAGE = [  # account_id, event_name, day, count
    ("TEN-01", "dashboard_viewed", "2025-01-14", 8),  # 8 and 4 events: mean 6 a day, 3 names
    ("TEN-01", "report_created", "2025-01-15", 3),
    ("TEN-01", "deal_updated", "2025-01-15", 1),
    ("TEN-02", "dashboard_viewed", "2025-01-14", 1),  # 3 and 3: mean 3, 5 names
    ("TEN-02", "contact_added", "2025-01-14", 1),
    ("TEN-02", "email_sent", "2025-01-14", 1),
    ("TEN-02", "api_call", "2025-01-20", 2),
    ("TEN-02", "note_added", "2025-01-20", 1),
    ("TEN-03", "dashboard_viewed", "2025-01-14", 1),  # 2, 2 and 2: mean 2, 5 names
    ("TEN-03", "contact_added", "2025-01-14", 1),
    ("TEN-03", "email_sent", "2025-01-20", 1),
    ("TEN-03", "api_call", "2025-01-20", 1),
    ("TEN-03", "note_added", "2025-01-31", 2),  # D itself is inside
    ("TEN-04", "dashboard_viewed", "2025-01-14", 4),  # 4 and 4: mean 4, 3 names
    ("TEN-04", "report_created", "2025-01-15", 2),
    ("TEN-04", "deal_updated", "2025-01-15", 2),
    *[("TEN-05", "api_call", f"2025-01-{day}", 1) for day in range(10, 30)],  # 20 events, the most, and a mean of 1
    ("TEN-05", "email_sent", "2025-02-01", 50),  # after AS_OF: else the busiest of all
    ("TEN-06", "dashboard_viewed", "2024-12-31", 9),  # D-31: outside, so its usage is missing
    ("TEN-07", "dashboard_viewed", "2025-01-14", 4),  # 12 on one day: mean 12, 6 names
    ("TEN-07", "contact_added", "2025-01-14", 3),
    ("TEN-07", "email_sent", "2025-01-14", 2),
    ("TEN-07", "api_call", "2025-01-14", 1),
    ("TEN-07", "note_added", "2025-01-14", 1),
    ("TEN-07", "task_completed", "2025-01-14", 1),
    ("TEN-08", "dashboard_viewed", "2025-01-14", 3),  # 9 on one day: mean 9, 4 names
    ("TEN-08", "contact_added", "2025-01-14", 2),
    ("TEN-08", "email_sent", "2025-01-14", 2),
    ("TEN-08", "api_call", "2025-01-14", 2),
    ("TEN-09", "dashboard_viewed", "2025-01-01", 3),  # D-30: inside, mean 3, 1 name
    ("TEN-10", "dashboard_viewed", "2025-01-14", 4),  # mean 5, 2 names
    ("TEN-10", "report_created", "2025-01-14", 1),
]


def _events() -> Iterator[dict[str, str | None]]:
    """Each event of `_USAGE` as a row of usage_events, one a minute from noon on."""
    number = 0
    for account, event_name, day, count in _USAGE:
        for minute in range(count):
            number += 1
            yield {
                "event_id": f"EVT-{number:04}",
                "account_id": account,
                "user_id": f"{account}-U01",
                "event_name": event_name,
                "event_timestamp": f"{day}T12:{minute:02}:00",
                "properties": None,
            }


USAGE_EVENTS = list(_events())

# Usage: ntile(4) over the nine accounts with an event in the window (not TEN-06, but TEN-10), so 3, 2, 2, 2 of them.
#   events per active day, ascending, ties by account_id:
#   TEN-05 1 | TEN-03 2 | TEN-02 3  ->  25     TEN-09 3 | TEN-04 4  ->  50
#   TEN-10 5 | TEN-01 6             ->  75     TEN-08 9 | TEN-07 12 -> 100
#   02 and 09 tie across the cut: the lower id takes the lower place.
# Engagement: the same over distinct event names:
#   TEN-05 1 | TEN-09 1 | TEN-10 2  ->  25     TEN-01 3 | TEN-04 3  ->  50
#   TEN-08 4 | TEN-02 5             ->  75     TEN-03 5 | TEN-07 6  -> 100
#   02 and 03 tie across the cut.
# Total = 0.30 usage + 0.20 support + 0.25 revenue + 0.25 engagement, rounded half up to 1 digit, then banded.

DIMENSIONS = ("usage", "support", "revenue", "engagement")

EXPECTED = {  # account_id: (usage, support, revenue, engagement, score, band)
    # none open, CSAT (3.0 + 5.0) / 2 = 4.0 >= 4 -> 100; 149 > 100 -> 100
    # 22.5 + 20 + 25 + 12.5 = 80.0, and 80 is champion
    "TEN-01": (75, 100, 100, 50, 80.0, "champion"),
    # 1 open, CSAT 2.9 < 3 -> not 50; 1 <= 5 -> 25; (102 - 200) / 200 = -49 % > -50 -> 30
    # 7.5 + 5 + 7.5 + 18.75 = 38.75 -> 38.8
    "TEN-02": (25, 25, 30, 75, 38.8, "at_risk"),
    # none open, no rating: 5 >= 4 -> 100; (90 - 100) / 100 = -10 % -> 30
    # 7.5 + 20 + 7.5 + 25 = 60.0, and 60 is healthy
    "TEN-03": (25, 100, 30, 100, 60.0, "healthy"),
    # 2 open, no rating: 3 >= 3 -> 50; (50 - 100) / 100 = -50 %, not > -50 -> 10
    # 15 + 10 + 2.5 + 12.5 = 40.0, and 40 is neutral
    "TEN-04": (50, 50, 10, 50, 40.0, "neutral"),
    # 4 open + 2 escalated = 6 > 5 -> 10; (40 - 200) / 200 = -80 % -> 10
    # 7.5 + 2 + 2.5 + 6.25 = 18.25 -> 18.3
    "TEN-05": (25, 10, 10, 25, 18.3, "critical"),
    # 3 open > 2 -> not 50 in spite of CSAT 5.0; 3 <= 5 -> 25; January 80 against October 80 = 0 % -> 60
    # 0 + 5 + 15 + 0 = 20.0, and 20 is at_risk
    "TEN-06": (0, 25, 60, 0, 20.0, "at_risk"),
    # none open (in_progress is not), CSAT 3.9 < 4 -> 75; a first month counts as > 0 -> 100
    # 30 + 15 + 25 + 25 = 95.0
    "TEN-07": (100, 75, 100, 100, 95.0, "champion"),
    # 1 open, CSAT (1.0 + 5.0) / 2 = 3.0 >= 3 -> 50; January 100 against 60 + 40 = 0 % -> 60
    # 30 + 10 + 15 + 18.75 = 73.75 -> 73.8
    "TEN-08": (100, 50, 60, 75, 73.8, "healthy"),
    # no ticket in the window -> 50; no paid invoice -> 50
    # 15 + 10 + 12.5 + 6.25 = 43.75 -> 43.8
    "TEN-09": (50, 50, 50, 25, 43.8, "neutral"),
    # TEN-10 is churned in the CRM: no row
}
