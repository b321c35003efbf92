"""A subject taken out of SQLite, CSV and Parquet files and of logs: its rows go, texts of others keep all but its name."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from health_assets.orchestration.erased_files import csv_without, parquet_without, sqlite_without, text_without
from health_assets.warehouse.subject import Subject, Term, with_parts

TERMS = (
    Term("ACC-42", "account", "erased-1"),
    Term("Müller & Söhne", None, "erased-1"),
    Term("1", "account", "erased-1", is_long=False),
    Term("Apple", None, "erased-1", part_of="Applegate"),
)
SUBJECT = Subject("account", "ACC-42", "erased-1", TERMS, is_kept=True)


def test_json_stays_json_and_holds_the_name_in_none_of_its_spellings() -> None:
    preview = "| ACC-42 | Müller &amp; Söhne |\n| ACC-7 | Applegate |"
    event = json.dumps({"label": "preview", "entry_data": {"md_str": preview}, "nested": json.dumps("Müller & Söhne")})
    assert json.loads(text_without(event, SUBJECT)) == {
        "label": "preview",
        "entry_data": {"md_str": "| erased-1 | erased-1 |\n| ACC-7 | Applegate |"},
        "nested": '"erased-1"',
    }


def test_short_key_goes_from_previews_as_a_word_of_its_own_and_stays_in_counts() -> None:
    event = json.dumps({"md_str": "| 1 | Apple |\n| 10 | Applegate |", "step": "1 of 10", "row_count": 1})
    assert json.loads(text_without(event, SUBJECT)) == {
        "md_str": "| erased-1 | erased-1 |\n| 10 | Applegate |",
        "step": "1 of 10",
        "row_count": 1,
    }


def test_sqlite_rows_of_the_key_go_and_no_byte_of_it_stays_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "alerts.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("create table outbox (account_id text, body text)")
        rows = [("ACC-42", "{}"), ("ACC-7", '{"text": "like ACC-42"}'), ("1", "{}"), ("10", "{}")]
        connection.executemany("insert into outbox values (?, ?)", rows)
        connection.commit()
    assert sqlite_without(file, SUBJECT, dry_run=True) == sqlite_without(file, SUBJECT) == 3
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("select * from outbox").fetchall() == [
            ("ACC-7", '{"text": "like erased-1"}'),
            ("10", "{}"),
        ]
    assert b"ACC-42" not in file.read_bytes()


def test_csv_rows_of_the_key_go_and_quoted_lines_of_others_stay_whole(tmp_path: Path) -> None:
    file = tmp_path / "touchpoints.csv"
    file.write_text('account_id,note\nACC-42,a\nACC-7,"two\nlines, of ACC-42"\n10,c\n', encoding="utf-8")
    assert csv_without(file, SUBJECT) == 2
    assert file.read_text(encoding="utf-8") == 'account_id,note\nACC-7,"two\nlines, of erased-1"\n10,c\n'


def test_parquet_rows_that_name_the_subject_go_and_what_the_file_says_of_itself_stays(tmp_path: Path) -> None:
    file = tmp_path / "customers.parquet"
    duckdb.sql(
        "copy (from (values ('ACC-42', 'x'), ('ACC-7', 'met Müller & Söhne'), ('10', 'y')) as rows(id, note)) "
        f"to '{file}' (format parquet, kv_metadata {{'health_assets.pull': 'state'}})"
    )
    assert parquet_without(file, SUBJECT, dry_run=True) == parquet_without(file, SUBJECT) == 2
    assert pq.read_table(file).to_pylist() == [{"id": "10", "note": "y"}]
    assert pq.read_metadata(file).metadata[b"health_assets.pull"] == b"state"


@pytest.mark.parametrize(
    ("text", "kind", "why_not"),
    [
        ("ACC-42", "account", None),
        ("123456", "account", "is a number"),
        ("7", "user", "is short"),
        ("Apple", None, "is part of 'Applegate', which stays"),
        ("Acme", None, "is short"),
        ("Growth Partners", None, None),
    ],
)
def test_text_is_searched_for_everywhere_only_if_it_can_mean_nobody_else(text, kind, why_not) -> None:
    with closing(duckdb.connect()) as connection:
        connection.execute(
            "create schema dim; create table dim.account (account_id varchar, company_name varchar, plan varchar)"
        )
        connection.execute(
            "insert into dim.account values ('ACC-42', 'Apple', 'growth'), ('ACC-7', 'Applegate', 'growth')"
        )
        terms = [Term("ACC-42", "account", "erased-1"), Term(text, kind, "erased-1")]
        term = with_parts(terms, connection, ["memory"], shortest=5)[-1]
    assert (None if term.is_searched else term.why_not) == why_not
