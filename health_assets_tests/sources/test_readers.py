"""Files as they come: what is read, and what is refused in one sentence."""

from pathlib import Path

import pytest

from health_assets.assets import load_all
from health_assets.settings import SettingsError
from health_assets.sources.readers import SourceError, check_sources, made_keys, read_source, unknown_columns
from health_assets.tables import TABLES
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


def test_row_that_is_too_short_has_nulls_for_what_it_lacks(tmp_path):
    assert accounts(tmp_path, f"{HEADER}\nA,Acme\n")["signup_date"].to_list() == [None]


def test_latin_1_without_declaration_is_refused_with_the_remedy(tmp_path):
    message = refusal(tmp_path, f"{HEADER}\nA,Acme,2024-01-01\nB,Müller,2024-01-01\n".encode("latin-1"))
    assert "is not utf8 text (line 3)" in message
    assert "accounts.csv" in message
    assert "sources.accounts.encoding: latin-1" in message


def test_latin_1_in_the_header_is_refused(tmp_path):
    assert "header is not UTF-8" in refusal(tmp_path, f"{HEADER},größe\nA,Acme,2024-01-01,1\n".encode("latin-1"))


def test_utf_16_is_refused(tmp_path):
    assert "header is not UTF-8" in refusal(tmp_path, f"{HEADER}\nA,Acme,2024-01-01\n".encode("utf-16"))


def test_declared_latin_1_is_read(tmp_path):
    content = f"{HEADER}\nA,Müller,2024-01-01\n".encode("latin-1")
    assert accounts(tmp_path, content, encoding="latin-1")["company_name"].to_list() == ["Müller"]


def test_empty_file_is_refused(tmp_path):
    assert "accounts.csv: is empty" in refusal(tmp_path, "")


def test_header_without_rows_is_no_rows(tmp_path):
    assert accounts(tmp_path, f"{HEADER}\n").height == 0


def test_missing_required_column_names_file_column_and_near_name(tmp_path):
    message = refusal(tmp_path, "account_id,company_name,sign_up_date\nA,Acme,2024-01-01\n")
    assert "accounts.csv: has no column 'signup_date'" in message
    assert "it has 'sign_up_date'" in message
    assert "sources.accounts.columns" in message


def test_their_column_names_are_mapped(tmp_path):
    rows = accounts(
        tmp_path, "customer,company_name,signup_date\nA,Acme,2024-01-01\n", columns={"customer": "account_id"}
    )
    assert rows["account_id"].to_list() == ["A"]


def test_mapping_of_a_column_that_the_file_lacks_is_refused(tmp_path):
    message = refusal(tmp_path, f"{HEADER}\n", columns={"custommer": "account_id"})
    assert "has no column 'custommer' as sources.accounts.columns says" in message


def test_path_that_matches_nothing_is_refused(tmp_path):
    company = settings_of(tmp_path, sources={"accounts": {"path": "nowhere/*.csv"}})
    with pytest.raises(SourceError, match=r"sources\.accounts\.path: no file matches .*nowhere"):
        check_sources(company, {"accounts": TABLES["raw_accounts"].rows})


def test_unknown_source_is_refused_with_the_near_name(tmp_path):
    company = settings_of(tmp_path, sources={"acounts": {"path": "a.csv"}})
    with pytest.raises(SettingsError, match=r"sources.acounts: .*did you mean 'accounts'"):
        check_sources(company, {"accounts": TABLES["raw_accounts"].rows})


def test_source_that_is_not_connected_is_an_empty_table(tmp_path):
    rows = TABLES["raw_invoices"].function(settings_of(tmp_path)).collect()
    assert rows.height == 0
    assert "invoice_id" in rows.columns


def test_unknown_columns_are_named(tmp_path):
    file = written(tmp_path, "accounts.csv", f"{HEADER},shoe_size\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": file}})
    assert list(unknown_columns("accounts", TABLES["raw_accounts"].rows, company).values()) == [["shoe_size"]]


def test_missing_key_is_the_same_hash_in_every_run(tmp_path):
    file = written(tmp_path, "t.csv", "account_id,created_at\nA,2024-01-01\nB,2024-01-01\nA,2024-01-01\n")
    company = settings_of(tmp_path, sources={"support_tickets": {"path": file}})
    rows = TABLES["raw_support_tickets"].rows
    first, second = (read_source("support_tickets", rows, company).collect()["ticket_id"].to_list() for _ in range(2))
    assert made_keys("support_tickets", rows, company) == ["ticket_id"]
    assert first == second
    assert first[0] == first[2] != first[1]
