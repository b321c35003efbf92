"""The dashboard in a real browser: every page with much data, little and none, with hostile names, and by viewer."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from health_assets_tests.browser import snapshots
from health_assets_tests.browser.serving import Visit, dashboard, visit
from health_assets_tests.conftest import WholeCompany, said_by

pytestmark = pytest.mark.slow

TITLES = [
    "Attention list", "Account", "Revenue", "Support", "Product", "Commerce", "Security", "Operations",
    "Does the score work?", "Data", "Portfolio",
]  # fmt: skip


def walk(seen: Visit) -> None:
    """Every page by the navigation: none fails, none reaches another machine, all that can be used has a name."""
    for title in TITLES:
        seen.open(title)
        assert seen.page.locator("[data-testid=stException]").count() == 0, title
        assert seen.unlabelled() == [], title
    assert seen.outside == []
    assert seen.errors == []


@pytest.fixture(scope="module")
def served(whole_company: WholeCompany) -> Iterator[str]:
    with dashboard(whole_company.folder / "demo" / "settings.yml") as base:
        yield base


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 900)])
def test_every_page_is_drawn_with_data(served: str, scheme: str, width: int) -> None:
    with visit(served, scheme, width) as seen:
        walk(seen)
        if width == 1440:
            charts = seen.page.locator("[data-testid=stVegaLiteChart] :is(canvas, svg)")
            charts.nth(3).wait_for(state="attached")


def test_the_navigation_never_shows_anything_but_the_pages(served: str) -> None:
    noted = "window.seen = new Set(); new MutationObserver(() => document.querySelectorAll('[data-testid=stSidebarNavLink]')"
    noted += ".forEach(link => window.seen.add(link.innerText))).observe(document, {childList: true, subtree: true})"
    with visit(served) as seen:
        seen.page.add_init_script(noted)
        seen.page.goto(seen.base)
        seen.page.get_by_role("heading", level=1).wait_for()
        shown = {text.split("\n")[-1].strip() for text in seen.page.evaluate("[...window.seen]")}
        assert shown == set(TITLES)


def test_choosing_a_row_of_the_attention_list_opens_the_account(whole_company: WholeCompany, served: str) -> None:
    ((name,),) = whole_company.rows("select company_name from mart.attention_list order by attention_rank limit 1")
    with visit(served) as seen:
        seen.open("Attention list")
        table = seen.page.locator("[data-testid=stDataFrame]").first
        table.click(position={"x": 18, "y": 54})
        seen.page.get_by_role("heading", level=2, name=name).wait_for()
        assert "/account" in seen.page.url


def test_every_page_is_drawn_without_any_row(whole_company: WholeCompany, tmp_path: Path) -> None:
    company = whole_company.settings
    with dashboard(snapshots.company_with(tmp_path, company, *snapshots.emptied(company))) as base, visit(base) as seen:
        walk(seen)
        seen.open("Commerce")
        seen.page.get_by_text("Connect orders in the settings to see it.").first.wait_for()


def test_every_page_is_drawn_with_accounts_alone(whole_company: WholeCompany, tmp_path: Path) -> None:
    accounts = whole_company.folder / "demo" / "accounts.csv"
    file = tmp_path / "settings.yml"
    file.write_text(yaml.safe_dump({"as_of": "2025-01-17", "sources": {"accounts": {"path": str(accounts)}},
                                    "warehouse": "w.duckdb", "published": "p.duckdb"}))  # fmt: skip
    run = said_by("run", "--settings", str(file))
    assert run.exit_code == 0, run.output
    with dashboard(file) as base, visit(base) as seen:
        walk(seen)


def test_names_of_accounts_are_text_and_nothing_else(whole_company: WholeCompany, tmp_path: Path) -> None:
    company = whole_company.settings
    with dashboard(snapshots.company_with(tmp_path, company, *snapshots.hostile(company))) as base, visit(base) as seen:
        walk(seen)
        for text, shown in (
            ("<script>", "<script>document.title"),
            ("=HYPER", "=HYPERLINK("),
            ("**[link", "**[link](http"),
        ):
            seen.open("Account")
            seen.page.get_by_label("Search by name or id").fill(text)
            seen.page.keyboard.press("Enter")
            seen.page.get_by_role("heading", level=2, name=shown).wait_for()
            seen.drawn()
        assert seen.page.title() != "stolen"
        assert seen.page.locator("[data-testid=stMain] a[href*='example.com']").count() == 0
        assert seen.outside == []


def test_a_snapshot_published_meanwhile_disturbs_nobody_and_is_picked_up(
    whole_company: WholeCompany, tmp_path: Path
) -> None:
    company = whole_company.settings
    file = snapshots.company_with(tmp_path, company)
    with dashboard(file) as base, visit(base) as seen:
        source = Path(os.path.realpath(company.published))
        snapshots.place(tmp_path, source, "update about set company = 'Newly Published'")
        seen.open("Revenue")
        seen.page.get_by_text("Newly Published").first.wait_for()
        assert seen.errors == []


def test_a_viewer_sees_the_accounts_of_one_owner_and_nobody_none(whole_company: WholeCompany, tmp_path: Path) -> None:
    company = whole_company.settings
    owners = whole_company.rows(
        "select account_owner, min(company_name), count(*) from mart.attention_list group by 1 order by 1"
    )
    (owner, own, _), (_, other, _) = owners[0], owners[-1]
    file = snapshots.company_with(tmp_path, company)
    settings = yaml.safe_load(file.read_text()) | {
        "dashboard": {"viewer_header": "X-Viewer", "viewers": {"a@b.c": owner}}
    }
    file.write_text(yaml.safe_dump(settings))
    with dashboard(file) as base:
        with visit(base) as seen:
            assert seen.page.get_by_text("No viewer").count() == 1
        with visit(base, headers={"X-Viewer": "a@b.c"}) as seen:
            seen.page.get_by_text(f"accounts of {owner}").first.wait_for()
            walk(seen)
            seen.open("Account")
            seen.page.get_by_label("Search by name or id").fill(own)
            seen.page.keyboard.press("Enter")
            seen.page.get_by_role("heading", level=2, name=own).wait_for()
            seen.page.get_by_label("Search by name or id").fill(other)
            seen.page.keyboard.press("Enter")
            seen.page.get_by_text("No account matches.").wait_for()


def test_a_note_is_added_to_the_file_that_the_next_run_reads(whole_company: WholeCompany, tmp_path: Path) -> None:
    file = snapshots.company_with(tmp_path, whole_company.settings)
    with dashboard(file) as base, visit(base) as seen:
        seen.open("Account")
        seen.page.get_by_text("Add a note").click()
        seen.page.get_by_label("What was said").fill("=renews, said the CFO")
        seen.page.get_by_label("Your name").first.fill("Lena Fischer")
        seen.page.get_by_role("button", name="Save the note").click()
        seen.page.get_by_text("the next run counts it").wait_for()
    (line,) = (tmp_path / "notes" / "touchpoints.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert ',call,Lena Fischer,,"=renews, said the CFO"' in line


def test_every_page_is_drawn_with_20_000_accounts(whole_company: WholeCompany, tmp_path: Path) -> None:
    company = whole_company.settings
    ((accounts,),) = whole_company.rows("select count(*) from dim.account")
    file = snapshots.company_with(tmp_path, company, *snapshots.multiplied(company, 20_000 // accounts))
    with dashboard(file) as base, visit(base) as seen:
        walk(seen)
        seen.open("Account")
        seen.page.get_by_label("Search by name or id").fill(" 77")
        seen.page.keyboard.press("Enter")
        seen.page.get_by_role("heading", level=2, name=" 77").wait_for()
