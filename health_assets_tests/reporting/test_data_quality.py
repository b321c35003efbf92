"""What the Data page reads of the run that published."""

from health_assets.reporting import data_quality
from health_assets.reporting.reader import published, rows
from health_assets_tests.conftest import WholeCompany


def test_the_snapshot_has_the_checks_of_its_run(whole_company: WholeCompany) -> None:
    with published(whole_company.settings) as connection:
        counts, warned = data_quality.check_counts(connection), data_quality.warnings(connection)
        assert (
            rows(connection, "select count(*) as n from main.checks group by asset, check_name having count(*) > 1")
            == []
        )
    passed = counts["check_count"] - counts["warned_count"] + 1  # the check of the snapshot itself comes after
    assert f"checks: {passed} passed, {counts['warned_count']} warned" in whole_company.run.output
    assert warned.height == counts["warned_count"] > 0
    assert warned["finding"].null_count() == 0


def test_rows_read_are_rows_kept_quarantined_or_collapsed(whole_company: WholeCompany) -> None:
    with published(whole_company.settings) as connection:
        sources, kept_out = data_quality.sources(connection), data_quality.quarantined_rows(connection, 1000)
    assert sources["rows_quarantined"].sum() == kept_out.height > 0
    collapsed = sources["rows_read"] - sources["rows_kept"] - sources["rows_quarantined"]
    assert (collapsed >= 0).all()
