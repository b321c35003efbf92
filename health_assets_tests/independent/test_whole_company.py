"""The company that the independent calculations stand on."""

from health_assets_tests.conftest import WholeCompany


def test_accounts_reach_the_warehouse(whole_company: WholeCompany) -> None:
    [(accounts,)] = whole_company.rows("select count(*) from staged.accounts")
    assert 0 < accounts <= 40
