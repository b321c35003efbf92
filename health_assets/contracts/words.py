"""Words that common systems export and that are understood without `values` in the settings: theirs -> ours.

Compared as `normalized` leaves them; None means blank. The words of the contract itself need no entry. What a company maps in its
settings comes first.
"""

import polars as pl

Words = dict[str, str | None]

BLANK_WORDS = [
    "", "nan", "nat", "null", "none", "nil", "n/a", "na", "#n/a", "undefined", "unknown", "not set", "(blank)",
    "(null)", "<null>", "\\n", "-", "--", "—", "–", "?", "0000-00-00", "0000-00-00 00:00:00",
]  # of every column that is not text  # fmt: skip

SUBSCRIPTION_STATUS: Words = {
    "trialing": "trial", "trialling": "trial", "in_trial": "trial", "free_trial": "trial", "trial_period": "trial",
    "activated": "active", "live": "active", "current": "active", "running": "active", "renewed": "active",
    "non_renewing": "active", "future": "active", "pending_cancellation": "active", "cancels_soon": "active",
    "pastdue": "past_due", "overdue": "past_due", "delinquent": "past_due", "dunning": "past_due",
    "on_hold": "paused", "suspended": "paused", "frozen": "paused",
    "incomplete_expired": "incomplete", "pending": "incomplete", "draft": "incomplete", "in_approval_process": "incomplete",
    "canceled": "cancelled", "expired": "cancelled", "ended": "cancelled", "terminated": "cancelled",
    "churned": "cancelled", "inactive": "cancelled", "closed": "cancelled", "deactivated": "cancelled",
}  # fmt: skip

INVOICE_STATUS: Words = {
    "pending": "draft", "unbilled": "draft",
    "posted": "open", "sent": "open", "issued": "open", "authorised": "open", "authorized": "open", "unpaid": "open",
    "outstanding": "open", "awaiting_payment": "open", "submitted": "open", "viewed": "open", "due": "open",
    "partially_paid": "open", "partial": "open",
    "succeeded": "paid", "settled": "paid", "complete": "paid", "completed": "paid", "partially_refunded": "paid",
    "auto_paid": "paid", "paid_out": "paid", "confirmed": "paid",
    "past_due": "overdue", "payment_due": "overdue", "late": "overdue",
    "processor_declined": "failed", "charged_back": "refunded",
    "not_paid": "failed", "payment_failed": "failed", "declined": "failed",
    "written_off": "uncollectible", "uncollectable": "uncollectible", "bad_debt": "uncollectible",
    "marked_uncollectible": "uncollectible",
    "voided": "void", "cancelled": "void", "canceled": "void", "deleted": "void",
    "credit": "credited", "credit_note": "credited",
    "refund": "refunded",
}  # fmt: skip

ORDER_STATUS: Words = {
    "complete": "paid", "completed": "paid", "fulfilled": "paid", "shipped": "paid", "delivered": "paid",
    "processing": "paid", "closed": "paid", "succeeded": "paid", "partially_refunded": "paid",
    "new": "pending", "open": "pending", "authorized": "pending", "pending_payment": "pending", "on_hold": "pending",
    "unpaid": "pending", "invoiced": "pending", "partially_paid": "pending", "draft": "pending",
    "canceled": "cancelled", "voided": "cancelled", "void": "cancelled", "failed": "cancelled", "expired": "cancelled",
    "returned": "refunded", "refund": "refunded",
    "unshipped": "paid", "partially_shipped": "paid", "awaiting_fulfillment": "paid", "awaiting_shipment": "paid",
    "awaiting_pickup": "paid", "approved": "paid", "created": "pending", "awaiting_payment": "pending",
    "payment_review": "pending", "holded": "pending", "suspected_fraud": "pending", "manual_verification_required": "pending",
    "disputed": "pending", "declined": "cancelled", "incomplete": "cancelled", "unavailable": "cancelled",
    "wc_completed": "paid", "wc_processing": "paid", "wc_on_hold": "pending", "wc_pending": "pending",
    "wc_cancelled": "cancelled", "wc_failed": "cancelled", "wc_checkout_draft": "cancelled", "checkout_draft": "cancelled",
    "wc_refunded": "refunded",
    "settled": "paid", "settling": "paid", "submitted_for_settlement": "paid", "processor_declined": "cancelled",
    "gateway_rejected": "cancelled", "settlement_declined": "cancelled", "authorization_expired": "cancelled",
    "denied": "cancelled", "reversed": "cancelled", "charged_back": "refunded",
}  # fmt: skip

TICKET_STATUS: Words = {
    "reopened": "open", "re_opened": "open", "to_do": "open", "todo": "open", "backlog": "open", "active": "open",
    "selected_for_development": "open", "waiting_for_support": "open", "waiting_on_us": "open", "assigned": "open",
    "unassigned": "new", "created": "new", "submitted": "new",
    "working": "in_progress", "work_in_progress": "in_progress", "in_review": "in_progress", "investigating": "in_progress",
    "waiting_on_customer": "pending", "waiting_for_customer": "pending", "waiting_on_contact": "pending",
    "awaiting_customer": "pending", "awaiting_reply": "pending", "waiting": "pending",
    "hold": "on_hold", "blocked": "on_hold", "snoozed": "on_hold", "waiting_on_third_party": "on_hold",
    "solved": "resolved", "done": "resolved", "completed": "resolved", "complete": "resolved", "fixed": "resolved",
    "cancelled": "closed", "canceled": "closed", "won_t_do": "closed", "won_t_fix": "closed", "archived": "closed",
}  # fmt: skip

PRIORITY: Words = {
    "0": "p1", "p0": "p1", "1": "p1", "urgent": "p1", "critical": "p1", "highest": "p1", "blocker": "p1", "emergency": "p1",
    "1_critical": "p1", "sev1": "p1", "2": "p2", "high": "p2", "major": "p2", "2_high": "p2", "sev2": "p2",
    "3": "p3", "normal": "p3", "medium": "p3", "moderate": "p3", "3_moderate": "p3", "sev3": "p3", "minor": "p3",
    "4": "p4", "p5": "p4", "low": "p4", "lowest": "p4", "trivial": "p4", "4_low": "p4", "5_planning": "p4", "sev4": "p4",
}  # fmt: skip

SATISFACTION: Words = {
    "offered": None, "unoffered": None, "not_offered": None, "not_rated": None, "unrated": None, "no_rating": None,
    "very_satisfied": "5", "excellent": "5", "good": "5", "good_with_comment": "5", "satisfied": "4", "neutral": "3",
    "okay": "3", "ok": "3", "dissatisfied": "2", "unsatisfied": "2", "poor": "2", "very_dissatisfied": "1",
    "very_unsatisfied": "1", "bad": "1", "bad_with_comment": "1",
}  # fmt: skip

ACCOUNT_STATUS: Words = {
    "lead": None, "prospect": None, "opportunity": None, "marketing_qualified_lead": None, "sales_qualified_lead": None,
    "subscriber": None, "evangelist": None, "partner": None, "vendor": None, "supplier": None, "competitor": None, "investor": None,
    "reseller": None, "potential_customer": None, "customer_direct": "active", "customer_channel": "active",
    "current_customer": "active", "0_open": "active", "open": "active", "in_onboarding": "active", "onboarding": "active",
    "customer": "active", "live": "active", "current": "active", "paying": "active", "enabled": "active",
    "trialing": "trial", "trialling": "trial", "in_trial": "trial", "free_trial": "trial", "evaluation": "trial",
    "paused": "suspended", "on_hold": "suspended", "frozen": "suspended", "delinquent": "suspended",
    "cancelled": "churned", "canceled": "churned", "former": "churned", "former_customer": "churned", "lost": "churned",
    "inactive": "churned", "closed": "churned", "terminated": "churned", "expired": "churned", "ended": "churned",
}  # fmt: skip

SEVERITY: Words = {
    "info": "low", "informational": "low", "minor": "low", "p4": "low", "sev4": "low",
    "moderate": "medium", "normal": "medium", "p3": "medium", "sev3": "medium",
    "major": "high", "p2": "high", "sev2": "high",
    "severe": "critical", "urgent": "critical", "p1": "critical", "sev1": "critical",
}  # fmt: skip

FALSE_POSITIVE: Words = {
    "false_positive": "true", "falsepositive": "true", "true_positive": "false", "truepositive": "false",
    "benign_positive": "false", "benignpositive": "false", "undetermined": None, "unclassified": None,
}  # fmt: skip

LIKELIHOOD: Words = {
    "very_unlikely": "low", "unlikely": "low", "neutral": "medium", "moderate": "medium", "likely": "high",
    "very_likely": "high",
}  # fmt: skip

CONTRACT_EVENT: Words = {
    "new": "signed", "signature": "signed", "closed_won": "signed", "won": "signed", "created": "signed", "started": "signed",
    "renewal": "renewed", "renew": "renewed", "upgrade": "upgraded", "expansion": "upgraded",
    "downgrade": "downgraded", "contraction": "downgraded",
    "cancellation": "cancelled", "canceled": "cancelled", "cancel": "cancelled", "churn": "cancelled",
    "churned": "cancelled", "terminated": "cancelled",
    "closed_lost": "other", "lost": "other",  # a deal that was not made ends no contract
}  # fmt: skip

OUTCOME: Words = {
    "accepted": "approved", "success": "approved", "succeeded": "approved", "rejected": "denied", "declined": "denied",
    "refused": "denied", "error": "failed", "failure": "failed",
}  # fmt: skip


def normalized(word: pl.Expr) -> pl.Expr:
    """A word in lower case, with one underscore for anything between its letters and digits."""
    return word.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", "_").str.strip_chars("_")
