"""Descriptions of columns: the unit stands with the meaning, what null means is said once."""

from health_assets.assets import load_all
from health_assets.contracts.columns import Hours, Money, Pct, Score


def test_unit_stands_before_what_null_means() -> None:
    assert Money("Net spend; null = no order").description == "Net spend, in the reporting currency; null = no order"
    assert Money("Net spend").description == "Net spend, in the reporting currency"
    assert Hours("Time to resolve; null = open").description == "Time to resolve, in hours; null = open"


def test_null_is_explained_once() -> None:
    assert Score("Health").description == "Health, 0-100; null = not measured"
    assert Score("Health; null = churned").description == "Health, 0-100; null = churned"
    assert Pct("Within SLA").description == "Within SLA, in %; null where there is nothing to divide by"


def test_no_description_ends_with_a_unit_after_its_note_on_null() -> None:
    units = (", in the reporting currency", ", in hours", ", in minutes", ", 0-100")
    described = [
        f"{name}.{column.name}: {column.description}"
        for name, table in load_all().items()
        for column in table.contract.columns().values()
        if column.description and "; null" in column.description and column.description.endswith(units)
    ]
    assert described == []
