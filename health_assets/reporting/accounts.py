"""One account's story: its score in parts that add up, what moved, why it needs attention, what happened."""

import duckdb

from health_assets.reporting.reader import Row, row
from health_assets.settings.suggestions import nearest


class AccountNotFoundError(Exception):
    """No account, or more than one, has this id or name; the message says what to give instead."""


def account_id_of(connection: duckdb.DuckDBPyConnection, given: str) -> str:
    """The id of the account with this id or name, in any case.

    Raises:
        AccountNotFoundError: none has it, or several have.
    """
    accounts = connection.sql("select account_id, coalesce(company_name, account_id) from dim.account").fetchall()
    named = [account for account, name in accounts if given.lower() in (account.lower(), name.lower())]
    found = [given] if given in named else named
    if len(found) > 1:
        raise AccountNotFoundError(f"{given}: several accounts have this name; give an id: {', '.join(sorted(found))}")
    if not found:
        spellings = {word: f"{account} ({name})" for account, name in accounts for word in (account, name)}
        near = nearest(given, spellings)
        hint = f"; did you mean {spellings[near]}?" if near else ""
        raise AccountNotFoundError(f"{given}: there is no such account{hint}")
    return found[0]


def summary(connection: duckdb.DuckDBPyConnection, account_id: str) -> Row:
    """Who the account is, and where it stands on the as-of day; null = not measured, or not scored."""
    return row(
        connection,
        """
        select account_id, coalesce(account.company_name, account_id) as name, about.as_of_date, account_status, segment,
               plan_tier, region, industry, lifecycle_stage, value_tier, account.account_owner, account.mrr, tenure_days,
               signup_date, churn_date, health_score, health_band::varchar as health_band, trend_7d, trend_30d, trend_90d,
               days_in_band, coverage, breadth, scorecard, scorecard_version, unscored_reason, is_overridden,
               override_reason, override_author, override_expiry_date, computed_health_score
        from dim.account left join mart.customer_health using (account_id) cross join about where account_id = ?
        """,
        [account_id],
    )
