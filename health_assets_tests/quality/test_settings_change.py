"""A load that would be stopped is only warned of where the settings of its source have changed since the last one."""

from health_assets_tests.quality.company_of_loads import HEADER, publish_load

YEARLY = "subscription_id,account_id,price,billing,start_date\nS1,A1,1200,year,2024-01-01\nS2,A2,2400,year,2024-01-01\n"
AS_MRR = {"columns": {"price": "mrr_amount"}}


def test_corrected_mapping_that_changes_sums_warns_and_names_the_settings(company, warehouse) -> None:
    company.load(YEARLY, warehouse, described=AS_MRR)
    publish_load(warehouse)
    corrected = {"columns": {"price": "amount", "billing": "interval"}}
    found = company.load(YEARLY, warehouse, described=corrected)
    assert found.keys() == {"settings__unchanged"}  # not also taken for new prices
    assert found["settings__unchanged"].startswith(
        "settings of `subscriptions` have changed (columns) since the last published load, which may explain it: "
        "mrr_amount: the sum is 300.00, previously 3,600.00; if that is correct, raise plausibility.money_gone (0.1); "
        "mrr_amount changed in 2 records"
    )


def test_same_settings_stop_the_same_loss(company, warehouse) -> None:
    company.load(HEADER + "S1,A1,1200,2024-01-01,,\n", warehouse)
    publish_load(warehouse)
    found = company.load(HEADER + "S1,A1,100,2024-01-01,,\n", warehouse)
    assert "money__not_gone" in found


def test_changed_settings_that_change_nothing_are_not_mentioned(company, warehouse) -> None:
    rows = HEADER + "S1,A1,100,2024-01-01,,\n"
    company.load(rows, warehouse)
    publish_load(warehouse)
    assert company.load(rows, warehouse, described={"thousands": "'"}) == {}
