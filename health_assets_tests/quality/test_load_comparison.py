"""A load that cannot be right is stopped, one that is suspicious warns: each against the load that was published last."""

import pytest

from health_assets.contracts.contract import ERROR
from health_assets.quality.load_expectations import comparison_expectations
from health_assets.quality.load_oddities import oddity_expectations
from health_assets.tables import TABLES
from health_assets.warehouse.published_load import adopt
from health_assets.warehouse.snapshot import publish, snapshot
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.frames import LOAD_DAY
from health_assets_tests.quality.company_of_loads import HEADER, publish_load

pytestmark = pytest.mark.slow

FEW = {"plausibility": {"min_keys_gone": 1}}


def test_what_cannot_be_right_stops_and_what_is_possible_warns() -> None:
    severities = {check.name: check.severity for check in comparison_expectations(TABLES["staged_subscriptions"])}
    assert {name for name, severity in severities.items() if severity == ERROR} == {
        "rows__mostly_kept",
        "rows__not_gone",
        "columns__still_filled",
        "money__not_gone",
        "keys__not_gone",
        "months__not_gone",
    }


def test_first_load_below_the_share_of_rows_to_be_kept_is_stopped(company, warehouse) -> None:
    found = company.load(HEADER + "S1,A1,100,2024-01-01,,\nS2,A1,much,2024-01-01,,\n", warehouse)
    assert found == {
        "rows__mostly_kept": "1 of 2 rows kept (mrr_amount__unreadable 1); if that is correct, lower "
        "sources.subscriptions.rows_kept (now 0.9)"
    }


VERSIONS = "S1,A1,100,2024-01-01,,\nS1,A1,200,2024-01-01,,\n"


def test_share_of_rows_lost_to_undeclared_versions_names_the_setting(company, warehouse) -> None:
    assert company.load(HEADER + VERSIONS, warehouse) == {
        "rows__mostly_kept": "1 of 2 rows kept (grain__superseded 1); if rows of one key are versions, set "
        "sources.subscriptions.duplicates: newest, if they are lines, sum; if that is correct, lower "
        "sources.subscriptions.rows_kept (now 0.9)"
    }


def test_older_versions_that_are_declared_are_no_loss(company, warehouse) -> None:
    assert company.load(HEADER + VERSIONS, warehouse, described={"duplicates": "newest"}) == {}


def test_rows_without_a_required_value_may_be_no_records(company, warehouse) -> None:
    found = company.load(HEADER + "S1,A1,100,2024-01-01,,\nS2,,100,2024-01-01,,\n", warehouse)
    assert "leave them out with sources.subscriptions.where" in found["rows__mostly_kept"]


def test_rows_lost_to_unknown_words_name_the_words_and_the_setting_that_maps_them(company, warehouse) -> None:
    words = ["jährlich", "jährlich", "monatlich"]
    rows = "".join(f"S{n},A1,2024-01-01,120,{word}\n" for n, word in enumerate(words))
    found = company.load("subscription_id,account_id,start_date,amount,interval\n" + rows, warehouse)
    assert found["rows__mostly_kept"] == (
        "0 of 3 rows kept (interval__is_known 3); interval has words that are not known: 'jährlich' 2, 'monatlich' 1; map each "
        "to day, week, month, quarter or year, for example sources.subscriptions.values: {interval: {jährlich: year}}; if that "
        "is correct, lower sources.subscriptions.rows_kept (now 0.9)"
    )


def test_load_of_which_no_row_is_kept_is_stopped_whatever_share_is_required(company, warehouse) -> None:
    assert "rows__mostly_kept" in company.load(HEADER + "S1,A1,much,2024-01-01,,\n", warehouse)


def test_header_without_rows_is_stopped_where_there_were_rows(company, warehouse) -> None:
    assert company.load(HEADER, warehouse) == {}
    company.load(HEADER + "S1,A1,100,2024-01-01,,\n", warehouse)
    publish_load(warehouse)
    assert company.load(HEADER, warehouse) == {
        "rows__not_gone": "no rows; the load published as of 2025-01-31 had 1",
    }


def test_account_file_without_accounts_is_stopped(company, warehouse) -> None:
    found = company.load("account_id,signup_date,company_name\n", warehouse, source="accounts")
    assert found == {"rows__not_gone": "no rows: without accounts nothing can be reported"}


def test_column_that_is_empty_now_is_named_with_the_unread_column_that_took_its_place(company, warehouse) -> None:
    rows = "S1,A1,100,2024-01-01,2024-06-30,\nS2,A2,100,2024-01-01,,\n"
    company.load(HEADER + rows, warehouse)
    publish_load(warehouse)
    found = company.load(HEADER.replace("end_date", "ended_at") + rows, warehouse)
    assert found["columns__still_filled"] == (
        "end_date was filled in 1 of 2 rows and is now filled in none of 2 (before: 2024-06-30 of S1); the file has 'ended_at', which "
        "is not read; if that is the column, set sources.subscriptions.columns: {ended_at: end_date}"
    )


def test_keys_and_money_that_are_gone_stop_the_load(company, warehouse) -> None:
    rows = [f"S{number},A1,100,2024-01-01,,\n" for number in range(1, 6)]
    company.load(HEADER + "".join(rows), warehouse, **FEW)
    publish_load(warehouse)
    found = company.load(HEADER + "".join(rows[:3]), warehouse, **FEW)
    assert found == {
        "keys__not_gone": "2 of 5 subscription_ids are gone since the load published as of 2025-01-31, e.g. S4, S5, with "
        "200.00 of 500.00 mrr_amount; if that is correct, raise plausibility.keys_gone (0.1)",
        "money__not_gone": "mrr_amount: the sum is 300.00, previously 500.00; if that is correct, raise plausibility.money_gone (0.1)",
    }


def test_few_keys_that_are_gone_are_warned_of(company, warehouse) -> None:
    rows = [f"S{number},A1,100,2024-01-01,,\n" for number in range(1, 21)]
    company.load(HEADER + "".join(rows), warehouse)
    publish_load(warehouse)
    found = company.load(HEADER + "".join(rows[:19]), warehouse)
    assert found == {
        "keys__still_there": "1 of 20 subscription_ids are gone since the load published as of 2025-01-31, e.g. S20, with "
        "100.00 of 2,000.00 mrr_amount"
    }


def test_price_that_changed_under_its_key_is_warned_of_with_its_sum(company, warehouse) -> None:
    company.load(HEADER + "S1,A1,100,2024-01-01,,\nS2,A2,100,2024-01-01,,\n", warehouse)
    publish_load(warehouse)
    found = company.load(HEADER + "S1,A1,300,2024-01-01,,\nS2,A2,100,2024-01-01,,\n", warehouse)
    assert found == {
        "values__unchanged_under_their_key": "mrr_amount changed in 1 record since the load published as of 2025-01-31, in total "
        "100.00 -> 300.00 (S1 100.0 -> 300.0); if these are new prices, not corrections, set "
        "sources.subscriptions.changes: new_period"
    }


def test_word_that_was_never_seen_and_column_that_is_filled_less_are_warned_of(company, warehouse) -> None:
    company.load(HEADER + "S1,A1,100,2024-01-01,,Basic\nS2,A2,100,2024-01-01,,Basic\n", warehouse)
    publish_load(warehouse)
    found = company.load(HEADER + "S1,A1,100,2024-01-01,,basic plan\nS2,A2,100,2024-01-01,,\n", warehouse)
    assert found == {
        "columns__filled_as_before": "product_name is filled in 50% of the rows, previously 100%",
        "words__seen_before": "product_name: basic plan, never seen before; if it is another spelling, map it in "
        "sources.subscriptions.values",
    }


def test_word_of_the_contract_that_comes_for_the_first_time_is_not_warned_of(company, warehouse) -> None:
    header = "ticket_id,account_id,created_at,status\n"
    company.load(f"{header}T1,A1,2024-01-01,open\n", warehouse, "support_tickets")
    publish_load(warehouse)
    rows = "T1,A1,2024-01-01,open\nT2,A1,2024-01-02,escalated\n"
    assert "words__seen_before" not in company.load(header + rows, warehouse, "support_tickets")


def test_rebuilt_warehouse_goes_on_comparing_with_what_the_snapshot_carries(company) -> None:
    link = company.folder / "published.duckdb"
    with Warehouse.opened(company.warehouse_file, LOAD_DAY, link) as warehouse:
        company.load(HEADER + "S1,A1,100,2024-01-01,,\n", warehouse)
        warehouse.accepted.append(("staged.subscriptions", "keys__not_gone", "1 of 2 gone", "ada"))
        publish(warehouse, link, "run", LOAD_DAY, "Test")
    company.warehouse_file.unlink()
    with Warehouse.opened(company.warehouse_file, LOAD_DAY, link) as warehouse:
        assert "rows__not_gone" in company.load(HEADER, warehouse)
        accepted = warehouse.connection.execute(
            "select check_name, finding, accepted_by from loads.accepted"
        ).fetchall()
    with snapshot(link) as reader:
        assert reader.execute("select check_name, finding, accepted_by from loads.accepted").fetchall() == accepted
    assert accepted == [("keys__not_gone", "1 of 2 gone", "ada")]


def test_run_killed_after_the_swap_leaves_the_next_one_the_load_that_was_published(company, monkeypatch) -> None:
    link = company.folder / "published.duckdb"
    with Warehouse.opened(company.warehouse_file, LOAD_DAY, link) as warehouse, monkeypatch.context() as patched:
        company.load(HEADER + "S1,A1,100,2024-01-01,,\n", warehouse)
        patched.setattr("health_assets.warehouse.snapshot.adopt", lambda *_: None)
        publish(warehouse, link, "run", LOAD_DAY, "Test")
        assert company.load(HEADER, warehouse) == {}
        adopt(warehouse.connection, link)  # as the next run does when it opens the warehouse
        assert "rows__not_gone" in company.load(HEADER, warehouse)


# -- odd by itself ----------------------------------------------------------------------------------------------------


def test_period_that_begins_on_the_day_after_the_last_ended_names_the_setting(company, warehouse) -> None:
    found = company.load(HEADER + "S1,A1,100,2024-01-01,2024-12-31,\nS2,A1,100,2025-01-01,,\n", warehouse)
    assert found == {
        "end_date__is_first_unpaid_day": "1 of 1 periods end on the day before the next begins (S1 ends on 2024-12-31 and S2 "
        "begins on 2025-01-01); if that day is still paid: sources.subscriptions.end_date_is: last_paid_day"
    }
    assert company.load(HEADER + "S1,A1,100,2024-01-01,2025-01-01,\nS2,A1,100,2025-01-01,,\n", warehouse) == {}


@pytest.mark.parametrize(
    ("column", "is_named"),
    [("billing period", True), ("BillingFrequency", True), ("term", True), ("period_start", False), ("colour", False)],
)
def test_unread_column_that_is_named_like_a_billing_interval_is_warned_of(company, warehouse, column, is_named) -> None:
    content = f"subscription_id,account_id,mrr_amount,start_date,{column}\nS1,A1,1200,2024-01-01,year\n"
    found = company.load(content, warehouse)
    assert ("columns__interval_is_read" in found) == is_named


def test_accounts_that_billing_and_crm_see_differently_are_warned_of(company, warehouse) -> None:
    company.accounts("A1,2024-01-01,churned", "A2,2024-01-01,active")
    found = company.load(HEADER + "S1,A1,100,2024-01-01,,\nS2,A2,100,2024-01-01,2024-06-01,\n", warehouse)
    assert found == {
        "status__agrees_with_crm": "1 account pays but is churned in the CRM (A1); "
        "1 account no longer pays but is still active in the CRM (A2)"
    }


def test_tickets_before_signup_are_warned_of_above_the_share_of_the_settings(company, warehouse) -> None:
    header, before, after = "ticket_id,account_id,created_at\n", "T1,A1,2023-12-31\n", "T{},A1,2024-02-01\n"
    later = "".join(after.format(number) for number in range(2, 11))
    assert "rows__after_signup" not in company.load(header + before + later, warehouse, source="support_tickets")
    found = company.load(header + before + before.replace("T1", "T0") + later, warehouse, source="support_tickets")
    assert found["rows__after_signup"].startswith("2 of 11 rows are dated before the signup of their account")


ORDERS = "order_id,account_id,order_date,total_amount\n"
LINES = "order_id__of_lines_is_declared"


def orders(count: int, *extra: str) -> str:
    rows = [f"O{number},A1,2025-01-02,10" for number in range(count)]
    return ORDERS + "\n".join([*rows, *extra]) + "\n"


def test_undeclared_order_lines_above_their_share_stop_the_load_and_name_the_setting(company, warehouse) -> None:
    found = company.load(orders(20, "O1,A1,2025-01-02,25", "O2,A1,2025-01-02,25"), warehouse, "orders")
    assert found[LINES].startswith("4 of 22 rows share their order_id with a different row (O1, O2).")
    assert "sources.orders.duplicates: sum" in found[LINES]
    assert {check.severity for check in oddity_expectations(TABLES["staged_orders"]) if check.name == LINES} == {ERROR}


def test_few_order_lines_equal_rows_and_declared_ones_stop_nothing(company, warehouse) -> None:
    assert LINES not in company.load(orders(50, "O1,A1,2025-01-02,25"), warehouse, "orders")
    assert LINES not in company.load(orders(5, "O1,A1,2025-01-02,10", "O2,A1,2025-01-02,10"), warehouse, "orders")


INVOICES = "invoice_id,account_id,invoice_date,amount,status,paid_date,period_start,period_end\n"
PAID_FOR = "period_end__is_of_what_is_paid_for"
BY_INVOICES = {"basis": "paid_invoices"}


def paid(number: int, day: str, start: str = "", end: str = "") -> str:
    return f"I{number},A1,{day},1200,paid,{day},{start},{end}\n"


def test_invoice_of_one_day_after_which_the_account_would_churn_is_warned_of(company, warehouse) -> None:
    one_day = INVOICES + paid(1, "2024-01-05", "2024-01-05", "2024-01-05")
    found = company.load(one_day, warehouse, "invoices", revenue=BY_INVOICES)
    assert "revenue.one_day_period_months (now 1), raise it, or correct period_end: 1 (I1 of A1)" in found[PAID_FOR]
    yearly = BY_INVOICES | {"one_day_period_months": 24}
    assert PAID_FOR not in company.load(one_day, warehouse, "invoices", revenue=yearly)
    assert PAID_FOR not in company.load(one_day, warehouse, "invoices")


def test_invoices_without_a_period_that_come_once_a_year_are_warned_of(company, warehouse) -> None:
    yearly = INVOICES + paid(1, "2023-01-05") + paid(2, "2024-01-05")
    found = company.load(yearly, warehouse, "invoices", revenue=BY_INVOICES)
    assert "map their days to period_start and period_end: 1 (I1 of A1)" in found[PAID_FOR]
    monthly = INVOICES + paid(1, "2024-11-05") + paid(2, "2024-12-31") + paid(3, "2025-01-01")
    assert PAID_FOR not in company.load(monthly, warehouse, "invoices", revenue=BY_INVOICES)


def test_flag_that_is_inverted_warns_with_what_became_what(company, warehouse) -> None:
    header = "item_id,account_id,started_at,completed_at,has_data_error\n"
    rows = [f"I{n},A1,2024-01-01T10:00:00,2024-01-01T11:00:00,{str(n == 1).lower()}\n" for n in range(20)]
    company.load(header + "".join(rows), warehouse, "workflow_items")
    publish_load(warehouse)
    inverted = [row.replace("true", "x").replace("false", "true").replace("x", "false") for row in rows]
    found = company.load(header + "".join(inverted), warehouse, "workflow_items")
    assert found == {
        "values__mostly_unchanged": "has_data_error changed in 20 of 20 records since the load published as of 2025-01-31 "
        "(false -> true in 19, true -> false in 1)"
    }


def test_a_few_changed_words_are_news_not_a_fault(company, warehouse) -> None:
    header = "item_id,account_id,started_at,completed_at,has_data_error\n"
    rows = [f"I{n},A1,2024-01-01T10:00:00,2024-01-01T11:00:00,{str(n == 1).lower()}\n" for n in range(20)]
    company.load(header + "".join(rows), warehouse, "workflow_items")
    publish_load(warehouse)
    found = company.load(
        header + "".join(rows[:16]) + "".join(rows[16:]).replace("false", "true"), warehouse, "workflow_items"
    )
    assert found == {}


def test_accounts_that_are_gone_are_named_without_their_undated_revenue(company, warehouse) -> None:
    header = "account_id,company_name,signup_date,monthly_recurring_revenue\n"
    company.load(header + "".join(f"A{n},Acme,2024-01-01,10\n" for n in range(9)), warehouse, "accounts")
    publish_load(warehouse)
    found = company.load(header + "".join(f"A{n},Acme,2024-01-01,10\n" for n in range(8)), warehouse, "accounts")
    assert (
        found["keys__still_there"] == "1 of 9 account_ids are gone since the load published as of 2025-01-31, e.g. A8"
    )


def test_times_that_moved_under_their_key_warn_and_answers_that_came_do_not(company, warehouse) -> None:
    header = "ticket_id,account_id,created_at,resolved_at\n"
    company.load(
        header + "T1,A1,2024-01-01T10:00:00,\nT2,A1,2024-01-02T10:00:00,2024-01-02T11:00:00\n",
        warehouse,
        "support_tickets",
    )
    publish_load(warehouse)
    moved = "T1,A1,2024-01-01T15:00:00,2024-01-01T16:00:00\nT2,A1,2024-01-02T10:00:00,2024-01-02T12:00:00\n"
    found = company.load(header + moved, warehouse, "support_tickets")
    assert found == {
        "values__unchanged_under_their_key": "created_at changed in 1 record since the load published as of 2025-01-31 "
        "(T1 2024-01-01 10:00:00 -> 2024-01-01 15:00:00)"
    }


def test_rows_of_unknown_accounts_ask_for_the_accounts_or_the_spelling_of_keys(company, warehouse) -> None:
    found = company.load(HEADER + "S1,A1,100,2024-01-01,,\nS2,a-1,100,2024-01-01,,\n", warehouse)
    assert "no account has their key: were rows of `accounts` lost, or are keys spelled" in found["rows__mostly_kept"]


def test_column_that_is_shifted_against_its_rows_warns(company, warehouse) -> None:
    header = "ticket_id,account_id,created_at,satisfaction_score\n"
    scores = [str(1 + n % 5) for n in range(20)]

    def tickets(scores: list[str]) -> str:
        return header + "".join(f"T{n},A1,2024-01-01,{score}\n" for n, score in enumerate(scores))

    company.load(tickets(scores), warehouse, "support_tickets")
    publish_load(warehouse)
    found = company.load(tickets([scores[-1], *scores[:-1]]), warehouse, "support_tickets")
    assert set(found) == {"values__mostly_unchanged"}
    assert found["values__mostly_unchanged"].startswith("satisfaction_score changed in 20 of 20 records since")


def test_rare_flag_that_most_of_its_records_lose_warns(company, warehouse) -> None:
    header = "item_id,account_id,started_at,has_data_error\n"

    def items(faulty: range) -> str:
        return header + "".join(f"I{n},A1,2024-01-01,{str(n in faulty).lower()}\n" for n in range(300))

    company.load(items(range(20)), warehouse, "workflow_items")
    publish_load(warehouse)
    found = company.load(items(range(10, 30)), warehouse, "workflow_items")
    assert found["values__mostly_unchanged"].startswith("has_data_error changed in 10 of 20 records since")
    assert "values__mostly_unchanged" not in company.load(items(range(30)), warehouse, "workflow_items")


def test_ratings_of_which_none_reaches_the_top_of_the_scale_may_be_of_a_shorter_one(company, warehouse) -> None:
    def found(highest: int, answers: int = 20, **described: object) -> str | None:
        rows = "".join(f"{n},A1,2024-03-01,{1 + n % highest}\n" for n in range(answers))
        content = f"feedback_id,account_id,feedback_date,satisfaction_score\n{rows}"
        return company.load(content, warehouse, "feedback", described).get("ratings__reach_the_top_of_their_scale")

    assert found(3) == (
        "none of 20 values of satisfaction_score is above 3, though the scale ends at 5; if theirs ends at 3: "
        "sources.feedback.scale: {satisfaction_score: [1, 3]}"
    )
    assert [found(5), found(3, answers=19), found(3, scale={"satisfaction_score": [1, 3]})] == [None] * 3
