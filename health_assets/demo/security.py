"""The security operations centre of the demo company: incidents at its customers."""

import numpy as np
import polars as pl

from health_assets.demo.calendar import SECOND, later
from health_assets.demo.lifecycles import SECURITY, Lifecycles
from health_assets.demo.naming import account_keys, keys

SEVERITIES, SEVERITY_SHARE = np.array(["low", "medium", "high", "critical"]), (0.42, 0.33, 0.18, 0.07)
SEVERITY_SHARE_IN_TROUBLE = (0.25, 0.32, 0.28, 0.15)
RESPONSE_MINUTES = np.array([np.inf, 60, 20, 5])  # targets; none for low
USUAL_MINUTES = np.array([120, 32, 11, 2.8])  # median
INCIDENT_TYPES = ("malware", "phishing", "unauthorized_access", "ddos", "data_breach")
FALSE_POSITIVE_SHARE = 0.18
DETECTION_MINUTES, CONTAINMENT_MINUTES, SLOWER_IN_TROUBLE = 27, 150, 1.6  # medians, factor


def security_incidents(lifecycles: Lifecycles) -> pl.DataFrame:
    """When each incident occurred, was detected, responded to and contained; null if not by the last day."""
    chance, calendar = lifecycles.chance("security_incidents"), lifecycles.calendar
    account, day = lifecycles.scatter(lifecycles.incidents, chance)
    count = len(day)
    in_trouble = lifecycles.on(lifecycles.trouble[:, SECURITY], day, account)
    severity = np.where(
        in_trouble, chance.choice(4, count, p=SEVERITY_SHARE_IN_TROUBLE), chance.choice(4, count, p=SEVERITY_SHARE)
    )
    detected = calendar.at(day, chance.uniform(0, 23.9, count))
    undetected = DETECTION_MINUTES * chance.lognormal(0, 0.9, count)
    occurred = np.maximum(later(detected, -undetected / 60), calendar.midnight(day))
    left = calendar.midnight(lifecycles.on(lifecycles.left_on, day, account))
    response = USUAL_MINUTES[severity] * np.where(in_trouble, SLOWER_IN_TROUBLE, 1) * chance.lognormal(0, 0.6, count)
    responded = np.minimum(later(detected, response / 60), left - SECOND)
    contained = np.minimum(later(responded, CONTAINMENT_MINUTES * chance.lognormal(0, 0.9, count) / 60), left - SECOND)
    is_answered, is_contained = responded < calendar.midnight_after, contained < calendar.midnight_after
    target = RESPONSE_MINUTES[severity]
    return pl.DataFrame(
        {
            "incident_id": keys("INC", count, 5),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "severity": SEVERITIES[severity],
            "incident_type": chance.choice(INCIDENT_TYPES, count),
            "occurred_at": occurred,
            "detected_at": detected,
            "responded_at": responded,
            "contained_at": contained,
            "is_false_positive": chance.random(count) < FALSE_POSITIVE_SHARE,
            "sla_minutes": np.where(np.isinf(target), 0, target).astype(int),
            "worked_within_sla": response <= target,
            "status": np.select([is_contained, is_answered], ["resolved", "in_progress"], "open"),
        }
    ).with_columns(
        responded_at=pl.when(pl.Series(is_answered)).then("responded_at"),
        contained_at=pl.when(pl.Series(is_contained)).then("contained_at"),
        sla_minutes=pl.when(pl.col("sla_minutes") > 0).then("sla_minutes"),
        worked_within_sla=pl.when((pl.col("sla_minutes") > 0) & pl.Series(is_answered)).then("worked_within_sla"),
    )
