import csv
import threading
from datetime import date
from pathlib import Path

import pytest

from health_assets.settings.notes import COLUMNS
from health_assets.sources.account_notes import append, silenced
from health_assets.sources.formats import SourceError
from health_assets_tests.frames import settings_of, written

JANUARY = date(2025, 1, 31)
NOTE = {"touchpoint_id": "n1", "account_id": "A1", "occurred_at": "2025-01-31T12:00:00Z", "kind": "call"}


def silence(folder: Path, account_id: str = "A1", first: str = "2025-01-20", last: str = "2025-01-31") -> Path:
    row = {"account_id": account_id, "valid_from": first, "expiry_date": last, "reason": "in talks", "author": "Lena"}
    return append(folder, "silences", row)


def notes(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_a_note_is_a_row_under_the_header(tmp_path: Path) -> None:
    append(tmp_path, "touchpoints", NOTE)
    file = append(tmp_path, "touchpoints", NOTE | {"touchpoint_id": "n2", "note": 'said "no",\nthen yes'})
    first, second = notes(file)
    assert list(first) == COLUMNS["touchpoints"]
    assert (first["result"], second["note"]) == ("", 'said "no",\nthen yes')


def test_notes_of_many_at_once_are_all_there(tmp_path: Path) -> None:
    given = [
        threading.Thread(target=append, args=(tmp_path, "touchpoints", NOTE | {"touchpoint_id": f"n{n}"}))
        for n in range(20)
    ]
    for one in given:
        one.start()
    for one in given:
        one.join()
    assert {row["touchpoint_id"] for row in notes(tmp_path / "touchpoints.csv")} == {f"n{n}" for n in range(20)}


def test_a_file_that_an_editor_left_without_a_last_line_break_is_continued_on_a_new_line(tmp_path: Path) -> None:
    file = append(tmp_path, "touchpoints", NOTE)
    file.write_text(file.read_text().rstrip("\n"))
    append(tmp_path, "touchpoints", NOTE | {"touchpoint_id": "n2"})
    assert [row["touchpoint_id"] for row in notes(file)] == ["n1", "n2"]


def test_a_file_with_other_columns_is_not_written_to(tmp_path: Path) -> None:
    file = tmp_path / "touchpoints.csv"
    file.write_text("account_id,text\nA1,hello\n")
    with pytest.raises(SourceError, match="lacks the column touchpoint_id"):
        append(tmp_path, "touchpoints", NOTE)
    assert file.read_text() == "account_id,text\nA1,hello\n"


@pytest.mark.parametrize(
    ("day", "is_silenced"),
    [(date(2025, 1, 19), False), (date(2025, 1, 20), True), (JANUARY, True), (date(2025, 2, 1), False)],
)
def test_an_account_is_silenced_from_the_first_day_to_the_last(tmp_path: Path, day: date, *, is_silenced: bool) -> None:
    silence(tmp_path)
    assert silenced(tmp_path, day) == ({"A1": "in talks (by Lena, until 2025-01-31)"} if is_silenced else {})


def test_a_later_silence_replaces_an_earlier_one_and_one_of_no_days_ends_it(tmp_path: Path) -> None:
    silence(tmp_path)
    silence(tmp_path, "A2")
    silence(tmp_path, first="2025-01-31", last="2025-01-30")
    assert list(silenced(tmp_path, JANUARY)) == ["A2"]


def test_a_row_that_is_no_silence_is_named(tmp_path: Path) -> None:
    silence(tmp_path)
    silence(tmp_path, last="soon")
    with pytest.raises(SourceError, match=r"silences.csv, row 3: is no silence"):
        silenced(tmp_path, JANUARY)


# -- read as sources --------------------------------------------------------------------------------------------------


def test_notes_are_read_in_addition_to_the_company_s_own_file(tmp_path: Path) -> None:
    own = written(tmp_path, "calls.csv", "touchpoint_id,account_id,occurred_at\n1,A1,2025-01-01\n")
    source = {"touchpoints": {"path": own}}
    assert len(settings_of(tmp_path, sources=source).sources["touchpoints"].descriptions) == 1
    append(tmp_path / "notes", "touchpoints", NOTE)
    first, second = settings_of(tmp_path, sources=source).sources["touchpoints"].descriptions
    assert [Path(first.paths[0]).name, Path(second.paths[0]).name] == ["calls.csv", "touchpoints.csv"]


def test_notes_alone_connect_their_source(tmp_path: Path) -> None:
    append(tmp_path / "notes", "touchpoints", NOTE)
    assert list(settings_of(tmp_path, sources={}).sources) == ["touchpoints"]


def test_silences_are_no_source(tmp_path: Path) -> None:
    silence(tmp_path / "notes")
    assert list(settings_of(tmp_path, sources={}).sources) == []
