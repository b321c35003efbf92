"""Ten hand-made accounts of a security provider, with the totals that its document prints and the score of each.

246,000 MRR; 10 tickets, 8 resolved in 16.7 hours on average (133.6 / 8), 4 escalated; 10 incidents, 2 critical, 2 false
positives; ratings of 7.2 on average (72 / 10), of which 3 promote and 3 detract; 6 mean to renew.
SEC-01 and SEC-02 are high risk: suspended 40 + two escalations 15 + rating up to 6 15 = 70 points; SEC-10, with a
rating of 6, has 15.
"""

AS_OF = "2025-01-31"
KEYS = [f"SEC-{number:02}" for number in range(1, 11)]
MRR = [12000, 15000, 18000, 20000, 22000, 25000, 28000, 30000, 36000, 40000]
RATINGS = [3, 4, 10, 9, 9, 8, 8, 8, 7, 6]
RENEWAL = ["Low", "Low", "High", "High", "High", "High", "High", "High", "Medium", "Medium"]
HOURS = [4, 8, 12, 16, 20, 24, 24, 25.6]
CSAT = [2, 3, 1, None, 5, 4, 3, None, None, None]  # of the tickets; those of SEC-01 are rated 2 and 1
ADOPTION = [0.2, 0.4, 1.0, 0.8, 0.6, 0.5, 0.9, 0.7, None, 0.3]  # SEC-09 has no snapshot
UTILIZATION = [0.3, 0.2, 0.9, 0.8, 0.5, 0.7, 1.0, 0.6, 0.4, None]
SUSPENDED = KEYS[:2]
ESCALATED = [*SUSPENDED, *SUSPENDED]  # two tickets each

CUSTOMERS = [
    {"customer_id": key, "company_name": f"Company {key}", "contract_start_date": "2024-01-01",
     "status": "suspended" if key in SUSPENDED else "active", "license_utilization": utilization}
    for key, utilization in zip(KEYS, UTILIZATION, strict=True)
]  # fmt: skip

CONTRACTS = [
    {"subscription_id": f"SUB-{key}", "account_id": key, "mrr_amount": mrr, "start_date": "2024-01-01",
     "renewal_date": "2025-07-01", "status": "active"}
    for key, mrr in zip(KEYS, MRR, strict=True)
]  # fmt: skip

SUPPORT_TICKETS = [
    {"ticket_id": f"T{number}", "account_id": account, "created_date": "2025-01-10", "priority": "High",
     "status": "Resolved" if number < len(HOURS) else "Open", "escalated": "TRUE" if number < len(ESCALATED) else "FALSE",
     "resolution_time_hours": HOURS[number] if number < len(HOURS) else None, "satisfaction_score": CSAT[number]}
    for number, account in enumerate([*ESCALATED, *KEYS[2:8]])
]  # fmt: skip

SECURITY_INCIDENTS = [
    {"incident_id": f"I{number}", "account_id": account, "detected_at": "2025-01-05 08:00:00",
     "severity": "Critical" if number < 2 else "Medium", "is_false_positive": number >= 8}
    for number, account in enumerate(reversed(KEYS))
]  # fmt: skip

CUSTOMER_FEEDBACK = [
    {"account_id": key, "feedback_date": "2025-01-15", "nps_score": rating, "likelihood_to_renew": likelihood}
    for key, rating, likelihood in zip(KEYS, RATINGS, RENEWAL, strict=True)
]  # fmt: skip

PRODUCT_USAGE = [
    {"account_id": key, "feature_adoption_score": adoption, "last_login_date": "2025-01-30"}
    for key, adoption in zip(KEYS, ADOPTION, strict=True)
    if adoption is not None
]

CONTRACT_EVENTS = [  # with keys of another spelling, and types that the product does not know
    {"event_id": "E1", "customer_id": "SEC03", "event_date": "2025-01-05", "event_type": "Contract Renewal",
     "revenue_impact": 15000},
    {"event_id": "E2", "customer_id": "SEC03", "event_date": "2025-01-20", "event_type": "Budget Approval",
     "revenue_impact": 0},
    {"event_id": "E3", "customer_id": "SEC04", "event_date": "2025-01-10", "event_type": "Downgrade",
     "revenue_impact": -5000},
]  # fmt: skip

FILES = {
    "accounts": CUSTOMERS,
    "subscriptions": CONTRACTS,
    "support_tickets": SUPPORT_TICKETS,
    "security_incidents": SECURITY_INCIDENTS,
    "feedback": CUSTOMER_FEEDBACK,
    "usage_snapshots": PRODUCT_USAGE,
    "contract_events": CONTRACT_EVENTS,
}
SPELLINGS = {
    "accounts": {"columns": {"customer_id": "account_id", "contract_start_date": "signup_date"}},
    "support_tickets": {
        "columns": {"created_date": "created_at", "escalated": "is_escalated"},
        "values": {"priority": {"High": "p2"}},
    },
    "contract_events": {
        "columns": {"customer_id": "account_id"},
        "keys": {"account_id": {"match": r"^SEC(\d+)$", "replace": r"SEC-\1"}},
        "values": {"event_type": {"Contract Renewal": "renewed", "Downgrade": "downgraded"}},
    },
}

# usage = 50 x adoption + 50 x utilization; support = 20 x mean CSAT - 5 x escalated, 100 without tickets; security =
# 100 - 5 x incidents - 2 x false positives; satisfaction = 10 x rating; .30, .25, .25, .20 of these
SCORES = {
    "SEC-01": (25, 20, 93, 30, 41.75, "healthy"),  # CSAT 1.5, two escalated; 7.5 + 5 + 23.25 + 6
    "SEC-02": (30, 50, 93, 40, 52.75, "healthy"),  # CSAT 3 of one rating, two escalated; 9 + 12.5 + 23.25 + 8
    "SEC-03": (95, 100, 95, 100, 97.25, "champion"),  # 28.5 + 25 + 23.75 + 20
    "SEC-04": (80, 80, 95, 90, 85.75, "champion"),  # 24 + 20 + 23.75 + 18
    "SEC-05": (55, 60, 95, 90, 73.25, "champion"),  # 16.5 + 15 + 23.75 + 18
    "SEC-06": (60, 0, 95, 80, 57.75, "healthy"),  # resolved and not rated: CSAT counts 0; 18 + 0 + 23.75 + 16
    "SEC-07": (95, 0, 95, 80, 68.25, "healthy"),  # open, so not rated; 28.5 + 0 + 23.75 + 16
    "SEC-08": (65, 0, 95, 80, 59.25, "healthy"),  # 19.5 + 0 + 23.75 + 16
    "SEC-09": (20, 100, 95, 70, 68.75, "healthy"),  # no snapshot, no ticket; 6 + 25 + 23.75 + 14
    "SEC-10": (15, 100, 95, 60, 65.25, "healthy"),  # utilization not known, no ticket; 4.5 + 25 + 23.75 + 12
}

PRINTED = """
CYBERSECURITY CUSTOMER HEALTH DASHBOARD

CUSTOMER OVERVIEW
Total Customers: 10
High Risk Customers: 2 (20.0%)
Total MRR: $246,000

SUPPORT PERFORMANCE
Total Tickets: 10
Resolved: 8 (80.0%)
Average Resolution Time: 16.7 hours
Escalated: 4 (40.0%)

SECURITY OPERATIONS
Total Incidents: 10
Critical Incidents: 2 (20.0%)
False Positives: 2 (20.0%)

CUSTOMER SATISFACTION
Average NPS Score: 7.2 (mean rating 0-10 over 365 days; NPS +0.0)
High Renewal Likelihood: 6 (60.0%)
"""
