"""The account page of the terminal."""

import pytest

from health_assets_tests.conftest import WholeCompany, said_by


@pytest.fixture
def settings_file(whole_company: WholeCompany) -> str:
    return str(whole_company.folder / "demo" / "settings.yml")


def test_a_name_without_a_command_shows_the_account(whole_company: WholeCompany, settings_file: str) -> None:
    ((account, name),) = whole_company.rows("select account_id, company_name from mart.attention_list limit 1")
    for arguments in ([account], ["show", account], [name.upper()]):
        said = said_by("account", *arguments, "--settings", settings_file)
        assert said.exit_code == 0
        assert f"{name} ({account})" in said.output


def test_an_unknown_account_is_an_error_that_suggests_one(whole_company: WholeCompany, settings_file: str) -> None:
    ((name,),) = whole_company.rows("select company_name from dim.account order by account_id limit 1")
    said = said_by("account", f"{name}x", "--settings", settings_file)
    assert said.exit_code == 1
