"""Devices of the as-of day."""

from datetime import date

from health_assets_tests.assets.rows import AS_OF, made, rows


def devices(*given: dict, readings: tuple = (), load_day: date = AS_OF) -> dict[str, dict]:
    table = made(
        "dim_device",
        staged_devices=rows("staged_devices", *({"account_id": "A"} | row for row in given)),
        staged_device_readings=rows("staged_device_readings", *readings),
        load_day=load_day,
    )
    return {row["device_id"]: row for row in table.iter_rows(named=True)}


def test_status_decides_from_the_first_load_on_whatever_was_reported() -> None:
    reported = {"device_id": "off", "reading_date": AS_OF}
    made = devices(
        {"device_id": "on", "status": "active"}, {"device_id": "off", "status": "retired"}, readings=(reported,)
    )
    assert (made["on"]["is_active"], made["off"]["is_active"]) == (True, False)


def test_where_status_is_not_known_a_reading_in_30_days_makes_a_device_active() -> None:
    readings = (
        {"device_id": "inside", "reading_date": date(2025, 1, 2)},  # D-29
        {"device_id": "outside", "reading_date": date(2025, 1, 1)},  # D-30
        {"device_id": "later", "reading_date": date(2025, 2, 1)},
    )
    given = [{"device_id": name, "status": "active"} for name in ("inside", "outside", "later")]
    made = devices(*given, readings=readings, load_day=date(2025, 2, 14))
    assert {name: row["is_active"] for name, row in made.items()} == {"inside": True, "outside": False, "later": False}
    assert {row["status"] for row in made.values()} == {None}
    assert made["later"]["last_reading_date"] is None


def test_device_installed_after_the_day_is_not_there_and_one_without_a_day_is() -> None:
    made = devices({"device_id": "new", "installed_date": date(2025, 2, 1)}, {"device_id": "undated"})
    assert list(made) == ["undated"]


def test_without_the_source_there_is_no_device() -> None:
    assert devices() == {}
