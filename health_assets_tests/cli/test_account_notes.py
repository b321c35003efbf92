"""`health-assets account note`, `silence` and `override`."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from health_assets import settings
from health_assets.settings import Settings
from health_assets.sources.account_notes import silenced
from health_assets_tests.conftest import said_by
from health_assets_tests.loopback_slack import Publish, account

TODAY = datetime.now(UTC).date()


@pytest.fixture
def file(company: Settings, publish: Publish) -> str:
    publish(date(2025, 1, 27), [account("A1", company_name="Pine Schools"), account("A2")])
    return str(company.warehouse.with_name("settings.yml"))


def notes(file: str, name: str) -> list[dict[str, str]]:
    with Path(file).with_name("notes").joinpath(f"{name}.csv").open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_note_is_a_touchpoint_of_the_next_run(file: str) -> None:
    said = said_by(
        *("account", "note", "pine schools", "--kind", "call", "--result", "positive", "--text", "All well"),
        *("--on", "2025-01-26", "--by", "Lena", "--settings", file),
    )
    assert said.exit_code == 0, said.output
    (row,) = notes(file, "touchpoints")
    del row["touchpoint_id"]
    assert row == {
        "account_id": "A1",
        "occurred_at": "2025-01-26T12:00:00Z",
        "kind": "call",
        "owner": "Lena",
        "result": "positive",
        "note": "All well",
    }
    assert list(settings.load(file).sources) == ["touchpoints"]


def test_note_after_a_fixed_as_of_day_says_from_which_day_on_it_counts(file: str) -> None:
    text = Path(file).read_text()
    Path(file).write_text(f'{text.rstrip()[:-1]}, "as_of": "2025-01-27"}}')
    said = said_by("account", "note", "A1", "--kind", "call", "--on", "2025-01-28", "--settings", file)
    assert "it counts from the as-of day 2025-01-28 on; the settings have as_of: 2025-01-27" in " ".join(
        said.output.split()
    )
    said = said_by("account", "note", "A1", "--kind", "call", "--on", "2025-01-27", "--settings", file)
    assert "the next run counts it" in " ".join(said.output.split())


def test_unknown_account_is_refused_and_nothing_is_written(file: str) -> None:
    said = said_by("account", "note", "Pine School", "--kind", "call", "--settings", file)
    assert said.exit_code == 1
    assert "did you mean A1 (Pine Schools)?" in said.output
    assert not Path(file).with_name("notes").exists()


def test_account_with_other_digits_is_not_a_misspelling(file: str) -> None:
    said = said_by("account", "note", "A9", "--kind", "call", "--settings", file)
    assert "A9: there is no such account" in said.output
    assert "did you mean" not in said.output


def test_account_is_silenced_for_the_days_from_today_on_and_0_ends_it(file: str) -> None:
    said = said_by(
        "account", "silence", "A1", "--days", "14", "--reason", "in talks", "--by", "Lena", "--settings", file
    )
    assert said.exit_code == 0, said.output
    folder = Path(file).with_name("notes")
    last = TODAY + timedelta(days=13)
    assert silenced(folder, last) == {"A1": f"in talks (by Lena, until {last})"}
    assert silenced(folder, last + timedelta(days=1)) == {}
    said_by("account", "silence", "A1", "--days", "0", "--reason", "agreed", "--settings", file)
    assert silenced(folder, TODAY) == {}


def test_override_is_read_by_the_next_run(file: str) -> None:
    said = said_by(
        "account",
        "override",
        "A1",
        "--band",
        "critical",
        "--days",
        "30",
        "--reason",
        "Sponsor left",
        "--settings",
        file,
    )
    assert said.exit_code == 0, said.output
    (row,) = notes(file, "health_overrides")
    first, last = date.fromisoformat(row["valid_from"]), date.fromisoformat(row["expiry_date"])
    assert (row["account_id"], row["band"], row["score"], (last - first).days) == ("A1", "critical", "", 29)
    assert list(settings.load(file).sources) == ["health_overrides"]


@pytest.mark.parametrize(
    ("given", "message"),
    [(["--band", "critcal"], "did you mean 'critical'?"), ([], "give --band or --score")],
)
def test_override_without_a_band_of_the_scorecards_is_refused(file: str, given: list[str], message: str) -> None:
    said = said_by("account", "override", "A1", *given, "--reason", "x", "--settings", file)
    assert said.exit_code == 1
    assert message in said.output
