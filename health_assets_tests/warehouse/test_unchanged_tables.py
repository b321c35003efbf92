"""The churn model is trained again exactly when something that it learned from has changed."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from health_assets.assets import load_all
from health_assets.assets.mart.health import churn_model
from health_assets.warehouse import code_version
from health_assets.warehouse.storage import Warehouse
from health_assets.warehouse.unchanged_tables import is_unchanged, mark_of
from health_assets_tests.assets.rows import SETTINGS, rows

TABLES = load_all()
MODEL, REVENUE = TABLES["mart_churn_model"], TABLES["fact_account_revenue_daily"]
DECEMBER, JANUARY, AS_OF = date(2024, 12, 1), date(2025, 1, 1), date(2025, 1, 30)
ACCOUNT = {"account_id": "A", "signup_date": date(2024, 1, 1), "first_paid_date": date(2024, 1, 1)}
ORDER = {"account_id": "A", "order_id": "1", "order_date": DECEMBER, "net_amount": 5.0, "is_order": True}
DAY = {"account_id": "A", "as_of_date": DECEMBER, "mrr": 10.0, "account_status": "active"}
Mark = Callable[..., str | None]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as opened:
        opened.write_months(REVENUE, [DECEMBER], rows(REVENUE.name, DAY), {DECEMBER: "first"})
        yield opened


@pytest.fixture
def mark(warehouse: Warehouse) -> Mark:
    """The mark of a model that is learned from one account with one order, with some of it changed."""

    def of(settings: Any = SETTINGS, as_of: date = AS_OF, order: Any = None, **account: Any) -> str | None:
        given = {
            "fact_orders": rows("fact_orders", ORDER | (order or {})),
            "dim_account": rows("dim_account", ACCOUNT | account),
            "as_of": as_of,
        }
        return mark_of(warehouse, MODEL, given, settings, as_of)

    return of


def test_table_stays_as_it_is_only_if_it_was_made_from_the_same(warehouse: Warehouse) -> None:
    row = rows(MODEL.name, {"trained_date": JANUARY})
    assert not is_unchanged(warehouse, MODEL, "one")
    warehouse.write(MODEL, row, "one")
    assert is_unchanged(warehouse, MODEL, "one")
    assert not is_unchanged(warehouse, MODEL, "another")
    warehouse.write(MODEL, row)
    assert not is_unchanged(warehouse, MODEL, "one")


def test_table_of_another_layout_is_made_again(warehouse: Warehouse) -> None:
    warehouse.write(MODEL, rows(MODEL.name, {"trained_date": JANUARY}), "one")
    warehouse.cursor().execute(f"alter table {MODEL.relation} drop column weights")
    assert not is_unchanged(warehouse, MODEL, "one")


def test_table_without_made_from_is_always_made(warehouse: Warehouse) -> None:
    assert mark_of(warehouse, TABLES["mart_churn_probability"], {}, SETTINGS, AS_OF) is None


def test_what_happens_in_the_as_of_month_changes_nothing(mark: Mark, warehouse: Warehouse) -> None:
    before = mark()
    today = DAY | {"as_of_date": JANUARY}
    warehouse.write_months(REVENUE, [JANUARY], rows(REVENUE.name, today), {JANUARY: "first"})
    assert mark(as_of=date(2025, 1, 31)) == mark(cancelled_date=JANUARY, company_name="Renamed") == before
    assert mark(order={"order_date": JANUARY}) == mark(order={"is_order": False}) != before


def test_next_month_is_learned_from_anew(mark: Mark) -> None:
    assert mark(as_of=date(2025, 2, 1)) != mark()


@pytest.mark.parametrize(
    "changed",
    [
        {"signup_date": date(2024, 1, 2)}, {"cancelled_date": DECEMBER}, {"first_paid_date": None}, {"account_id": "B"},
        {"order": {"net_amount": 6.0}}, {"order": {"order_date": date(2024, 12, 2)}},
    ],
)  # fmt: skip
def test_changed_account_or_order_is_learned_from_anew(mark: Mark, changed: dict[str, Any]) -> None:
    assert mark(**changed) != mark()


def test_changed_month_is_learned_from_anew(mark: Mark, warehouse: Warehouse) -> None:
    marks = {mark()}
    warehouse.write_months(REVENUE, [DECEMBER], rows(REVENUE.name, DAY), {DECEMBER: "second"})
    marks.add(mark())
    warehouse.write_months(REVENUE, [DECEMBER], rows(REVENUE.name), {DECEMBER: "second"})
    marks.add(mark())
    assert len(marks) == 3


@pytest.mark.parametrize(("section", "field"), [("churn_model", "penalty"), ("backtest", "lead_days")])
def test_changed_setting_is_learned_from_anew(mark: Mark, section: str, field: str) -> None:
    changed = getattr(SETTINGS, section).model_copy(update={field: 11})
    assert mark(SETTINGS.model_copy(update={section: changed})) != mark()
    assert mark(SETTINGS.model_copy(update={"history_start": DECEMBER})) != mark()


def test_changed_code_is_learned_from_anew(mark: Mark, monkeypatch: pytest.MonkeyPatch) -> None:
    before = mark()
    with monkeypatch.context() as patched:
        patched.setattr(churn_model, "churn_dates", lambda revenue, _: revenue)
        _forget_versions()
        changed = mark()
    _forget_versions()
    assert changed != before == mark()


def _forget_versions() -> None:
    for known in (code_version.version_of, code_version._function):
        known.cache_clear()
