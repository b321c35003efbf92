"""Rows that cannot be split into the header's columns: they alone are quarantined, as text; all others load."""

import gzip
import json
import tracemalloc
from pathlib import Path

import duckdb
import polars as pl
import pytest

from health_assets.sources.formats import SourceError
from health_assets.sources.readers import collected, malformed, read_source
from health_assets.tables import TABLES
from health_assets_tests.faults.conftest import Company, company_in, differences
from health_assets_tests.faults.test_hostile_values import accounted_for, staged_from
from health_assets_tests.frames import settings_of, written

HEADER = "account_id,company_name,signup_date"
EVENTS = "event_id,account_id,event_name,event_timestamp"


def raw(folder: Path, content: str | bytes, file: str = "accounts.csv", **source: object) -> pl.DataFrame:
    """The accounts as raw.accounts has them."""
    company = settings_of(folder, sources={"accounts": {"path": written(folder, file, content)} | source})
    return TABLES["raw_accounts"].function(company).collect()


def torn(rows: pl.DataFrame) -> list[tuple[int, str]]:
    """Number and text of the malformed rows."""
    return rows.filter(pl.col("source_text").is_not_null()).select("source_row", "source_text").rows()


def loaded(rows: pl.DataFrame) -> list[tuple[int, str]]:
    """Number and account of the others."""
    return rows.filter(pl.col("source_text").is_null()).select("source_row", "account_id").rows()


@pytest.mark.parametrize(
    "bad",
    [
        "B,Beta, Inc.,2024-01-01",
        "B,Beta,2024-01-01,",
        'B,"Beta" Inc.,2024-01-01',
        'B,Beta "North, South" Inc.,2024-01-01',
        'B,Beta 5" Inc.,2024-01-01',
        'B,"Be\\"ta",2024-01-01',
    ],
)
def test_a_malformed_row_is_kept_as_text_and_the_rows_about_it_load_under_their_numbers(
    tmp_path: Path, bad: str
) -> None:
    rows = raw(tmp_path, f'{HEADER}\nA,"Acme\nInc.",2024-01-01\n{bad}\n\nC,,2024-01-02\nD\n')
    assert torn(rows) == [(2, bad)]
    assert loaded(rows) == [(1, "A"), (3, None), (4, "C"), (5, "D")]
    assert rows["company_name"].to_list() == ["Acme\nInc.", None, None, None, None]


def test_a_malformed_row_is_quarantined_with_its_text_and_counted(tmp_path: Path) -> None:
    content = f"{HEADER}\nA,Acme,2024-01-01\nB,Beta, Inc.,2024-01-01\nC,Ceta,2024-01-01\nC,Ceta,2024-01-01\n"
    outcome = staged_from(tmp_path, "accounts", content, {})
    assert accounted_for(outcome, 4)
    assert outcome.kept["account_id"].to_list() == ["A", "C"]
    (row,) = outcome.rejected.to_dicts()
    assert (row["source_file"].split("/")[-1], row["source_row"]) == ("accounts.csv", 2)
    assert row["reasons"] == ["row__malformed"]
    assert "more values than the header has columns" in row["hint"]
    assert json.loads(row["record"])["source_text"] == "B,Beta, Inc.,2024-01-01"


def test_a_row_that_is_too_long_where_a_column_is_not_read_is_malformed_too(tmp_path: Path) -> None:
    assert torn(raw(tmp_path, f"{HEADER},shoe_size\nA,Acme, Inc.,2024-01-01,43\n")) == [
        (1, "A,Acme, Inc.,2024-01-01,43")
    ]


def test_a_quote_that_is_not_closed_on_the_last_line_costs_that_line(tmp_path: Path) -> None:
    rows = raw(tmp_path, f'{HEADER}\nA,Acme,2024-01-01\nB,"Beta,2024-01-01')
    assert (torn(rows), loaded(rows)) == ([(2, 'B,"Beta,2024-01-01')], [(1, "A")])


def test_a_quote_that_swallows_whole_rows_up_to_the_next_quote_costs_its_own_line(tmp_path: Path) -> None:
    rows = raw(tmp_path, f'{HEADER}\nA,"Acme,2024-01-01\nB,Beta,2024-01-01\nC,"Ceta, Inc.",2024-01-01\n')
    assert torn(rows) == [(1, 'A,"Acme,2024-01-01')]
    assert loaded(rows) == [(2, "B"), (3, "C")]


@pytest.mark.parametrize(
    "rest",
    [
        'B,"Beta,2024-01-01\nC,Ceta\n',  # row 3 may be a short row, or more of Beta's name
        'B,"Beta,2024-01-01\nC,"Ceta,2024-01-01\nD,Delta,2024-01-01\n',
        'B,"Beta\nInc,2024-01-01\n',
    ],
)
def test_a_quote_that_swallows_what_need_not_be_rows_is_rejected_with_file_and_row(tmp_path: Path, rest: str) -> None:
    with pytest.raises(
        SourceError, match=r"accounts\.csv: row 2 cannot be read, most likely a quote that is not closed"
    ):
        raw(tmp_path, f"{HEADER}\nA,Acme,2024-01-01\n{rest}")


def test_a_compressed_file_of_another_encoding_and_delimiter_is_read_row_by_row_alike(tmp_path: Path) -> None:
    content = f"{HEADER}\r\nA,Müller,2024-01-01\r\nB,Größe,5,2024-01-01\r\n".replace(",", ";").encode("latin-1")
    rows = raw(tmp_path, gzip.compress(content), "accounts.csv.gz", encoding="latin-1", delimiter=";")
    assert torn(rows) == [(2, "B;Größe;5;2024-01-01")]
    assert rows["company_name"].to_list() == ["Müller", None]


def test_byte_order_mark_blank_quotes_and_made_keys_are_as_in_a_sound_file(tmp_path: Path) -> None:
    header, good = "account_id,created_at,priority", 'A,2024-01-01,""\nB,2024-01-02,\n'
    rows = TABLES["raw_support_tickets"].rows

    def tickets(content: str) -> pl.DataFrame:
        company = settings_of(
            tmp_path, sources={"support_tickets": {"path": written(tmp_path, "t.csv", f"\ufeff{header}\n{content}")}}
        )
        return collected(
            "support_tickets",
            company,
            lambda by_row: read_source("support_tickets", rows, company, by_row=by_row).collect(),
        )

    assert tickets(f"{good}C,2024-01-03,,\n").head(2).equals(tickets(good))


def test_only_the_malformed_file_of_a_source_is_read_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    by_row = malformed.by_row
    monkeypatch.setattr(malformed, "by_row", lambda file, *more: read.append(Path(file).name) or by_row(file, *more))
    written(tmp_path, "1.csv", f"{HEADER}\nA,Acme,2024-01-01\n")
    written(tmp_path, "2.csv", f"{HEADER}\nB,Beta,Inc,2024-01-01\nC,Ceta,2024-01-01\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "*.csv"}})
    rows = TABLES["raw_accounts"].function(company).collect()
    assert read == ["2.csv"]
    assert rows.select("source_row", "account_id").rows() == [(1, "A"), (1, None), (2, "C")]


@pytest.mark.slow
def test_many_events_are_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(malformed, "ROWS_AT_ONCE", 1000)
    lines = [f"{number},A,login,2024-01-01 10:00:00" for number in range(100_000)]
    for number in (0, 50_000, 99_999):
        lines[number] += ",again"
    file = written(tmp_path, "events.csv", "\n".join([EVENTS, *lines, ""]))
    company = settings_of(tmp_path, sources={"usage_events": {"path": file}})
    tracemalloc.start()
    rows = TABLES["raw_usage_events"].function(company).collect()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dict(rows.select("month", "row_count").rows()) == {"2024-01": 99_997, "unreadable": 3}
    assert peak < 5_000_000  # bytes; the file has four million
    whole = collected(
        "usage_events",
        company,
        lambda by_row: read_source("usage_events", TABLES["raw_usage_events"].rows, company, by_row=by_row).collect(
            engine="streaming"
        ),
    )
    assert [number for number, _ in torn(whole)] == [1, 50_001, 100_000]
    assert all(
        int(event) + 1 == number
        for number, event in whole.drop_nulls("event_id").select("source_row", "event_id").iter_rows()
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_runs_go_on_next_to_malformed_rows_and_keep_them_in_quarantine(
    tmp_path: Path, clean: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company = company_in(tmp_path)
    bad = {
        "invoices": ("invoices.csv", "I,ACC-0001,2025-01-01,5,paid" + "," * 20),
        "usage_events": ("usage_events/2024-11.csv", 'E,"ACC" 1,login,2024-11-01 10:00:00'),
    }
    number = {}
    for name, (path, row) in bad.items():
        file = company.folder / path
        number[name] = file.read_text().count("\n")
        file.write_text(f"{file.read_text()}{row}\n")
    for run in (1, 2):
        code, said = company.run()
        assert code == 0, said
        with duckdb.connect(str(company.warehouse), read_only=True) as connection:
            for name, (_, row) in bad.items():
                found = connection.sql(
                    "select source_row, record->>'source_text', reasons "
                    f"from quarantine.{name} where list_contains(reasons, 'row__malformed')"
                ).fetchall()
                assert found == [(number[name], row, ["row__malformed"])], run
    other = differences(company.tables(), clean.tables())
    assert {name.split(".")[0] for name in other} == {"raw", "quarantine"}, other
    with capsys.disabled():
        print(f"\n2 runs beside {len(bad)} malformed rows: each published, all other rows as in a clean company")
