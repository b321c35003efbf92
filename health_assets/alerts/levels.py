"""Levels of accounts that are not health or churn risk: what the snapshot says, each with its sentence.

Which of them alarm is in rules.py. A source that is not connected gives no level, so its rule never speaks.
"""

import duckdb

QUERIES = {  # rule -> account_id, level, sentence
    "workflow": """
        select account_id, if(is_at_risk, 'at_risk', 'calm'), concat(strftime(month, '%B %Y'), ': ', concat_ws(', ',
            if(is_volume_drop, 'less volume', null), if(is_slowdown, 'slower work', null),
            if(is_data_error_rise, 'more data errors', null), if(is_denial_rise, 'more denials', null)
        ))
        from mart.operations_risk where is_at_risk is not null
        qualify row_number() over (partition by account_id order by month desc) = 1
    """,
    "shop": """
        select account_id, if(flag_count > 0, 'high_risk', 'calm'), reasons
        from mart.payment_risk left join mart.commerce_flags using (account_id)
    """,
    "renewal": """
        select account_id, if(near is null, 'calm', 'near'), near.sentence
        from (
            select account_id, list_filter(factors, lambda raised: raised.factor = 'renewal_near')[1] as near
            from mart.churn_risk where risk_level <> 'unknown'
        )
    """,
    "incidents": """
        select account_id, if(critical_incident_count_90d > 0, 'critical', 'none'),
            concat(critical_incident_count_90d, ' in 90 days')
        from fact.account_security_daily where as_of_date = (select as_of_date from about)
    """,
    "nps": """
        select account_id, nps_category::varchar, concat('answered ', nps_rating::integer, ' on ', feedback_date)
        from fact.feedback where nps_category is not null
        qualify row_number() over (partition by account_id order by feedback_date desc, feedback_id desc) = 1
    """,
}


def levels_by_account(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, tuple[str, str | None]]]:
    """Account -> rule -> level and sentence, of the as-of day of a snapshot."""
    found: dict[str, dict[str, tuple[str, str | None]]] = {}
    for rule, query in QUERIES.items():
        for account_id, level, sentence in connection.sql(query).fetchall():
            found.setdefault(str(account_id), {})[rule] = (level, sentence)
    return found
