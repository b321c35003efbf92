"""Users of the as-of day."""

from datetime import date, timedelta
from typing import Any

from health_assets_tests.assets.rows import AS_OF, made, rows


def users(*given: dict[str, Any], load_day: date = AS_OF) -> dict[str, tuple]:
    found = made(
        "dim_user", staged_users=rows("staged_users", *({"account_id": "A"} | row for row in given)), load_day=load_day
    )
    return {row["user_id"]: (row["is_active"], row["last_login_date"]) for row in found.to_dicts()}


def test_users_created_later_are_left_out_and_those_of_unknown_creation_kept() -> None:
    later = AS_OF + timedelta(days=1)
    assert set(
        users({"user_id": "u", "created_date": AS_OF}, {"user_id": "v", "created_date": later}, {"user_id": "w"})
    ) == {
        "u",
        "w",
    }


def test_access_and_last_login_are_not_known_before_the_first_load() -> None:
    given = {"user_id": "u", "is_active": False, "last_login_date": AS_OF}, {"user_id": "v"}
    assert users(*given) == {"u": (False, AS_OF), "v": (True, None)}
    assert users(*given, load_day=AS_OF + timedelta(days=1)) == {"u": (None, None), "v": (None, None)}


def test_a_file_that_says_nothing_of_access_means_that_every_user_has_it() -> None:
    assert users({"user_id": "u"}, load_day=AS_OF + timedelta(days=1)) == {"u": (True, None)}


def test_a_past_day_keeps_what_the_load_of_then_said() -> None:
    # active until the load of 20 January, without access since
    staged = rows("staged_users", {"user_id": "u", "account_id": "A", "is_active": False})
    versions = rows(
        "history_users",
        {"user_id": "u", "is_active": True, "valid_from": date(2025, 1, 10), "valid_to": date(2025, 1, 19)},
        {"user_id": "u", "is_active": False, "valid_from": date(2025, 1, 20)},
    )
    for day, is_active in ((9, None), (10, True), (19, True), (20, False)):
        found = made("dim_user", staged_users=staged, history_users=versions, as_of=date(2025, 1, day))
        assert found["is_active"].to_list() == [is_active]
