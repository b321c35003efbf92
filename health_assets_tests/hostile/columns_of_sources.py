"""Which columns of the simulated company's files a mutation can harm: money, dates, words, booleans, keys."""

MONEY = {
    "subscriptions": "mrr_amount",
    "invoices": "amount",
    "orders": "total_amount",
    "payments": "amount_paid",
}
FIRST_DATE = {
    "accounts": "signup_date",
    "subscriptions": "start_date",
    "invoices": "invoice_date",
    "orders": "order_date",
    "payments": "payment_due_date",
    "support_tickets": "created_at",
    "security_incidents": "detected_at",
    "feedback": "feedback_date",
    "contract_events": "event_date",
    "usage_snapshots": "snapshot_date",
    "workflow_items": "started_at",
    "outcomes": "outcome_date",
    "usage_events": "event_timestamp",
}
SECOND_DATE = {
    "subscriptions": "end_date",
    "invoices": "paid_date",
    "payments": "payment_date",
    "support_tickets": "resolved_at",
    "security_incidents": "responded_at",
    "workflow_items": "completed_at",
}
MOMENTS = ("support_tickets", "security_incidents", "workflow_items", "usage_events")  # with a time of day
WORDS = {
    "accounts": "status",
    "subscriptions": "status",
    "invoices": "status",
    "support_tickets": "status",
    "security_incidents": "severity",
    "outcomes": "result",
    "contract_events": "event_type",
    "feedback": "likelihood_to_renew",
}
BOOLEANS = {
    "support_tickets": "is_escalated",
    "security_incidents": "is_false_positive",
    "workflow_items": "has_data_error",
}
KEYS = {
    "accounts": "account_id",
    "subscriptions": "subscription_id",
    "invoices": "invoice_id",
    "orders": "order_id",
    "payments": "payment_id",
    "support_tickets": "ticket_id",
    "security_incidents": "incident_id",
    "feedback": "feedback_id",
    "contract_events": "event_id",
    "workflow_items": "item_id",
    "outcomes": "outcome_id",
    "usage_events": "event_id",
}
RATIOS = {
    "usage_snapshots": "feature_adoption_score",
    "support_tickets": "satisfaction_score",
    "feedback": "nps_score",
}
EVERY = tuple(FIRST_DATE)
OF_ACCOUNTS = tuple(name for name in EVERY if name not in ("accounts", "outcomes"))
