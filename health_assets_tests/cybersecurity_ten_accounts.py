"""Ten hand-made accounts of a security provider, with the totals that its document prints.

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
SUSPENDED = KEYS[:2]
ESCALATED = [*SUSPENDED, *SUSPENDED]  # two tickets each

CUSTOMERS = [
    {"customer_id": key, "company_name": f"Company {key}", "contract_start_date": "2024-01-01",
     "status": "suspended" if key in SUSPENDED else "active"}
    for key in KEYS
]  # fmt: skip

CONTRACTS = [
    {"subscription_id": f"SUB-{key}", "account_id": key, "mrr_amount": mrr, "start_date": "2024-01-01",
     "renewal_date": "2025-07-01", "status": "active"}
    for key, mrr in zip(KEYS, MRR, strict=True)
]  # fmt: skip

SUPPORT_TICKETS = [
    {"ticket_id": f"T{number}", "account_id": account, "created_date": "2025-01-10", "priority": "High",
     "status": "Resolved" if number < len(HOURS) else "Open", "escalated": "TRUE" if number < len(ESCALATED) else "FALSE",
     "resolution_time_hours": HOURS[number] if number < len(HOURS) else None}
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

FILES = {
    "accounts": CUSTOMERS,
    "subscriptions": CONTRACTS,
    "support_tickets": SUPPORT_TICKETS,
    "security_incidents": SECURITY_INCIDENTS,
    "feedback": CUSTOMER_FEEDBACK,
}
SPELLINGS = {
    "accounts": {"columns": {"customer_id": "account_id", "contract_start_date": "signup_date"}},
    "support_tickets": {
        "columns": {"created_date": "created_at", "escalated": "is_escalated"},
        "values": {"priority": {"High": "p2"}},
    },
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
Average NPS Score: 7.2 (mean rating 0-10 of 365 days; NPS +0.0)
High Renewal Likelihood: 6 (60.0%)
"""
