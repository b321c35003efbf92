"""Files as they come: what is read, and what is refused in one sentence."""

import gzip
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from health_assets.assets import load_all
from health_assets.settings import SettingsError
from health_assets.sources.check import check_sources
from health_assets.sources.formats import SourceError
from health_assets.sources.readers import empty_files, made_keys, read_source, unknown_columns
from health_assets.tables import TABLES, source_contracts
from health_assets_tests.frames import settings_of, written

load_all()
HEADER = "account_id,company_name,signup_date"


def accounts(folder: Path, content: str | bytes, **source):
    file = written(folder, "accounts.csv", content)
    company = settings_of(folder, sources={"accounts": {"path": file} | source})
    return TABLES["raw_accounts"].function(company).collect()


def refusal(folder: Path, content: str | bytes, **source) -> str:
    with pytest.raises(SourceError) as error:
        accounts(folder, content, **source)
    return str(error.value)


def test_byte_order_mark_and_crlf_are_no_part_of_names_or_values(tmp_path):
    rows = accounts(tmp_path, f"\ufeff{HEADER}\r\nA,Acme,2024-01-01\r\n")
    assert rows.select("account_id", "signup_date", "source_row").rows() == [("A", "2024-01-01", 1)]


def test_quoted_commas_quotes_and_line_breaks_stay_in_the_value(tmp_path):
    rows = accounts(tmp_path, f'{HEADER}\nA,"Acme, ""the""\nInc.",2024-01-01\nB,Beta,2024-01-02\n')
    assert rows["company_name"].to_list() == ['Acme, "the"\nInc.', "Beta"]


@pytest.mark.parametrize("name", ["O'Neil", "'; DROP TABLE x; --", "<script>alert(1)</script>", "a\0b"])
def test_hostile_names_are_text(tmp_path, name):
    assert accounts(tmp_path, f"{HEADER}\nA,{name},2024-01-01\n")["company_name"].to_list() == [name]


def test_one_column_of_theirs_may_be_read_as_several_of_ours(tmp_path):
    rows = accounts(
        tmp_path, "customer,signup_date\nAcme,2024-01-01\n", columns={"customer": ["account_id", "company_name"]}
    )
    assert rows.select("account_id", "company_name", "signup_date").rows() == [("Acme", "Acme", "2024-01-01")]


def test_row_that_is_too_short_has_nulls_for_what_it_lacks(tmp_path):
    assert accounts(tmp_path, f"{HEADER}\nA,Acme\n")["signup_date"].to_list() == [None]


def test_latin_1_without_declaration_is_rejected_with_the_remedy(tmp_path):
    message = refusal(tmp_path, f"{HEADER}\nA,Acme,2024-01-01\nB,Müller,2024-01-01\n".encode("latin-1"))
    assert "is not utf8 text (line 3)" in message
    assert "accounts.csv" in message
    assert "sources.accounts.encoding: latin-1" in message


def test_latin_1_in_the_header_is_rejected(tmp_path):
    assert "header is not UTF-8" in refusal(tmp_path, f"{HEADER},größe\nA,Acme,2024-01-01,1\n".encode("latin-1"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encoding_with_a_byte_order_mark_is_seen_without_declaration(tmp_path, encoding):
    rows = accounts(tmp_path, f"{HEADER}\nA,Müller,2024-01-01\n".encode(encoding))
    assert rows["company_name"].to_list() == ["Müller"]


def test_any_encoding_that_python_knows_may_be_declared(tmp_path):
    content = f"{HEADER}\nA,Ελλάς,2024-01-01\n".encode("iso8859-7")
    assert accounts(tmp_path, content, encoding="iso8859-7")["company_name"].to_list() == ["Ελλάς"]


def test_first_line_that_names_the_delimiter_is_followed(tmp_path):
    rows = accounts(tmp_path, "sep=;\naccount_id;company_name;signup_date\nA;Acme, Inc;2024-01-01\n")
    assert rows.select("account_id", "company_name", "source_row").rows() == [("A", "Acme, Inc", 1)]


def test_declared_latin_1_is_read(tmp_path):
    content = f"{HEADER}\nA,Müller,2024-01-01\n".encode("latin-1")
    assert accounts(tmp_path, content, encoding="latin-1")["company_name"].to_list() == ["Müller"]


def test_empty_file_is_no_rows_and_named(tmp_path):
    assert accounts(tmp_path, "").height == 0
    written(tmp_path, "full.csv", f"{HEADER}\nA,Acme,2024-01-01\n")
    written(tmp_path, "header.csv", f"{HEADER}\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "*.csv"}})
    assert [file.split("/")[-1] for file in empty_files("accounts", company)] == ["accounts.csv", "header.csv"]
    assert TABLES["raw_accounts"].function(company).collect()["account_id"].to_list() == ["A"]


def test_header_without_rows_is_no_rows(tmp_path):
    assert accounts(tmp_path, f"{HEADER}\n").height == 0


def test_missing_required_column_names_file_column_and_near_name(tmp_path):
    message = refusal(tmp_path, "account_id,company_name,sign_up_date\nA,Acme,2024-01-01\n")
    assert "accounts.csv: has no column 'signup_date'" in message
    assert "did you mean 'sign_up_date'?" in message
    assert "sources.accounts.columns" in message


def test_their_column_names_are_mapped(tmp_path):
    rows = accounts(
        tmp_path, "customer,company_name,signup_date\nA,Acme,2024-01-01\n", columns={"customer": "account_id"}
    )
    assert rows["account_id"].to_list() == ["A"]


def test_mapping_of_a_column_that_the_file_lacks_is_rejected(tmp_path):
    message = refusal(tmp_path, f"{HEADER}\n", columns={"custommer": "account_id"})
    assert "has no column 'custommer', which sources.accounts.columns maps" in message


def test_path_that_matches_nothing_is_rejected(tmp_path):
    company = settings_of(tmp_path, sources={"accounts": {"path": "nowhere/*.csv"}})
    with pytest.raises(SettingsError, match=r"sources\.accounts\.path: no file matches .*nowhere"):
        check_sources(company, source_contracts())


def test_unknown_source_is_rejected_with_a_suggestion(tmp_path):
    company = settings_of(tmp_path, sources={"acounts": {"path": "a.csv"}})
    with pytest.raises(SettingsError, match=r"sources.acounts: .*did you mean 'accounts'"):
        check_sources(company, source_contracts())


def test_source_that_is_not_connected_is_an_empty_table(tmp_path):
    rows = TABLES["raw_invoices"].function(settings_of(tmp_path)).collect()
    assert rows.height == 0
    assert "invoice_id" in rows.columns


def test_unknown_columns_are_named(tmp_path):
    file = written(tmp_path, "accounts.csv", f"{HEADER},shoe_size\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": file}})
    assert list(unknown_columns("accounts", TABLES["raw_accounts"].rows, company).values()) == [["shoe_size"]]


def tickets(folder: Path, *contents: str) -> list[str]:
    names = [
        written(folder, f"t{number}.csv", f"account_id,created_at\n{text}") for number, text in enumerate(contents)
    ]
    company = settings_of(folder, sources={"support_tickets": {"path": names}})
    rows = TABLES["raw_support_tickets"].rows
    assert made_keys("support_tickets", rows, company) == ["ticket_id"]
    return read_source("support_tickets", rows, company).collect()["ticket_id"].to_list()


def test_missing_key_is_the_same_hash_in_every_run(tmp_path):
    first, second = (tickets(tmp_path, "A,2024-01-01\nB,2024-01-01\n") for _ in range(2))
    assert first == second == ["5d9714bfd2711d2a", "5d6799b193db7205"]


def test_equal_rows_without_a_key_are_two_in_one_file_and_the_same_in_two_files(tmp_path):
    first, again, other, in_second_file = tickets(
        tmp_path, "A,2024-01-01\nA,2024-01-01\nB,2024-01-01\n", "A,2024-01-01\n"
    )
    assert first == in_second_file
    assert len({first, again, other}) == 3


@pytest.mark.parametrize(
    "where",
    [
        "tags <> 'test' and deleted_at is null",
        "tags not like '%es%' and not (deleted_at is not null)",
        "tags not in ('test', 'demo') and deleted_at is null",
        "coalesce(tags, '') != 'test' and deleted_at is null",
    ],
)
def test_rows_that_the_condition_leaves_out_are_marked_and_keep_their_numbers(tmp_path, where):
    content = f"{HEADER},tags,deleted_at\nA,Acme,2024-01-01,,\nB,Beta,2024-01-01,test,\nC,Ceta,2024-01-01,,2024-02-01\n"
    rows = accounts(tmp_path, content, where=where)
    assert rows.select("account_id", "is_left_out", "source_row").rows() == [
        ("A", False, 1), ("B", True, 2), ("C", True, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "said"), [("tagz = 'x'", "did you mean 'tags'?"), ("tags ==", "cannot be evaluated")]
)
def test_condition_that_cannot_be_evaluated_is_rejected(tmp_path, where, said):
    message = refusal(tmp_path, f"{HEADER},tags\nA,Acme,2024-01-01,x\n", where=where)
    assert "sources.accounts.where" in message
    assert said in message


NESTED = '{"id": "1", "properties": {"name": "Acme", "created": {"day": "2024-01-01"}}}'
DOTTED = {"id": "account_id", "properties.name": "company_name", "properties.created.day": "signup_date"}


@pytest.mark.parametrize("content", [NESTED, f"[{NESTED}]", f'{{"data": [{NESTED}], "has_more": false}}'])
def test_dotted_names_reach_into_json(tmp_path, content):
    kind = "json" if content != NESTED else "jsonl"
    file = written(tmp_path, f"a.{kind}", content)
    company = settings_of(tmp_path, sources={"accounts": {"path": file, "columns": DOTTED}})
    rows = TABLES["raw_accounts"].function(company).collect()
    assert rows.select("account_id", "company_name", "signup_date").rows() == [("1", "Acme", "2024-01-01")]


def test_dotted_names_reach_into_json_in_a_column_of_text(tmp_path):
    content = 'account_id,signup_date,extra\nA,2024-01-01,"{""names"": {""short"": ""Acme""}}"\n'
    rows = accounts(tmp_path, content, columns={"extra.names.short": "company_name"})
    assert rows["company_name"].to_list() == ["Acme"]


def test_json_lines_cut_in_the_last_are_read_and_the_rest_is_malformed(tmp_path):
    file = written(
        tmp_path, "a.jsonl", '{"account_id": "A", "company_name": "Acme", "signup_date": "2024-01-01"}\n{"account_i'
    )
    company = settings_of(tmp_path, sources={"accounts": {"path": file}})
    rows = TABLES["raw_accounts"].function(company).collect()
    assert rows.select("account_id", "source_text").rows() == [("A", None), (None, '{"account_i')]


def test_nested_and_odd_types_of_parquet_are_text(tmp_path):
    odd = {
        "account_id": [b"A"],
        "company_name": [["Acme", "Inc"]],
        "signup_date": [date(2024, 1, 1)],
        "region": [{"a": 1}],
    }
    pl.DataFrame(odd | {"industry": [timedelta(seconds=5)]}).write_parquet(tmp_path / "a.parquet")
    company = settings_of(tmp_path, sources={"accounts": {"path": "a.parquet"}})
    (row,) = TABLES["raw_accounts"].function(company).collect().iter_rows(named=True)
    assert (row["account_id"], row["company_name"], row["region"]) == ("A", '["Acme","Inc"]', '{"a":1}')
    assert row["industry"] == "PT5S"


def test_sheet_of_a_workbook_is_read(tmp_path):
    frame = pl.DataFrame(
        {"account_id": [1, 2], "company_name": ["Acme", "Beta"], "signup_date": [date(2024, 1, 1)] * 2}
    )
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet("Notes")
        frame.write_excel(book, "Accounts")
    company = settings_of(tmp_path, sources={"accounts": {"path": "a.xlsx", "sheet": "Accounts"}})
    rows = TABLES["raw_accounts"].function(company).collect()
    assert rows["company_name"].to_list() == ["Acme", "Beta"]
    with pytest.raises(SourceError, match=r"has no sheet 'Account'; it has Notes, Accounts"):
        TABLES["raw_accounts"].function(
            settings_of(tmp_path, sources={"accounts": {"path": "a.xlsx", "sheet": "Account"}})
        ).collect()


def test_cut_gzip_is_named_and_not_read(tmp_path):
    whole = gzip.compress(f"{HEADER}\n".encode() + b"".join(f"A{n},Acme,2024-01-01\n".encode() for n in range(5000)))
    written(tmp_path, "a.csv.gz", whole[: len(whole) // 2])
    company = settings_of(tmp_path, sources={"accounts": {"path": "a.csv.gz"}})
    with pytest.raises(SourceError, match=r"a\.csv\.gz: is cut off or damaged"):
        TABLES["raw_accounts"].function(company).collect()


def test_parquet_file_damaged_anywhere_is_read_or_named(tmp_path):
    file = tmp_path / "a.parquet"
    rows = pl.DataFrame({"account_id": [f"A{n}" for n in range(50)], "signup_date": [date(2024, 1, 1)] * 50})
    rows.write_parquet(file, compression="uncompressed")
    whole = file.read_bytes()
    company = settings_of(tmp_path, sources={"accounts": {"path": "a.parquet"}})
    named = []
    for place in range(0, len(whole), 9):  # some places make Polars panic
        file.write_bytes(whole[:place] + b"\xff" * 6 + whole[place + 6 :])
        try:
            TABLES["raw_accounts"].function(company).collect()
        except SourceError as error:
            named.append(str(error))
    assert named
    assert [said for said in named if "a.parquet" not in said] == []


def test_files_of_equal_name_and_folder_are_told_apart(tmp_path):
    for tree in ("x", "y"):
        (tmp_path / tree / "day").mkdir(parents=True)
        written(tmp_path / tree / "day", "a.csv", f"{HEADER}\n{tree},Acme,2024-01-01\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "*/day/a.csv"}})
    rows = TABLES["raw_accounts"].function(company).collect()
    assert rows["source_file"].to_list() == ["x/day/a.csv", "y/day/a.csv"]


def test_files_of_different_shape_are_described_in_a_list(tmp_path):
    written(tmp_path, "a.csv", f"{HEADER}\nA,Acme,2024-01-01\n")
    written(tmp_path, "b.csv", "id;firm;since\nB;Beta;2024-01-01\n")
    other = {
        "path": "b.csv",
        "delimiter": ";",
        "columns": {"id": "account_id", "firm": "company_name", "since": "signup_date"},
    }
    company = settings_of(tmp_path, sources={"accounts": [{"path": "a.csv"}, other]})
    rows = TABLES["raw_accounts"].function(company).collect()
    assert rows.select("account_id", "source_part").rows() == [("A", 1), ("B", 2)]


def test_keys_of_another_system_are_mapped_to_ours(tmp_path):
    written(tmp_path, "ids.csv", "source,their_id,account_id\nsupport_tickets,77,A\ninvoices,77,B\n,78,C\n")
    written(tmp_path, "t.csv", "ticket_id,account_id,created_at\n1,77,2024-01-01\n2,78,2024-01-01\n3,A,2024-01-01\n")
    company = settings_of(tmp_path, id_map={"path": "ids.csv"}, sources={"support_tickets": {"path": "t.csv"}})
    rows = TABLES["raw_support_tickets"].function(company).collect()
    assert rows["account_id"].to_list() == ["A", "C", "A"]


def test_events_that_name_a_user_alone_belong_to_the_account_of_the_user(tmp_path):
    written(tmp_path, "users.csv", "id,account_id\n7,K01\n8,K02\n")
    written(tmp_path, "e.jsonl", '{"user_id": 8, "event_name": "x", "event_timestamp": "2025-01-01"}\n')
    users = {
        "path": "users.csv",
        "columns": {"id": "user_id"},
        "keys": {"account_id": {"match": "^K0", "replace": "C"}},
    }
    company = settings_of(tmp_path, sources={"users": users, "usage_events": {"path": "e.jsonl"}})
    rows = read_source("usage_events", TABLES["raw_usage_events"].rows, company).collect()
    assert rows["account_id"].to_list() == ["C2"]


def test_blank_key_of_a_row_is_made_from_the_row_and_a_given_one_stays(tmp_path):
    header = "payment_id,account_id,payment_due_date,amount_paid\n"
    written(tmp_path, "p.csv", header + ",A,2024-01-01,5\n,A,2024-01-01,5\nP3,A,2024-02-01,5\n , , , \n")
    company = settings_of(tmp_path, sources={"payments": {"path": "p.csv"}})
    keys = TABLES["raw_payments"].function(company).collect()["payment_id"].to_list()
    assert keys[1] == f"{keys[0]}-2"
    assert keys[2] == "P3"
    assert len(set(keys)) == 4


def test_blank_key_that_other_sources_refer_to_is_not_made(tmp_path):
    written(tmp_path, "a.csv", "account_id,company_name,signup_date\n,Acme,2024-01-01\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "a.csv"}})
    assert TABLES["raw_accounts"].function(company).collect()["account_id"].to_list() == [None]
