"""Words of other systems: each means a word that its contract has, or none of them (null)."""

import dataframely as dy
import polars as pl

from health_assets.assets import load_all
from health_assets.contracts.contract import meta
from health_assets.contracts.words import normalized


def test_every_word_means_one_that_the_contract_has_and_is_written_as_it_is_compared() -> None:
    strange = {
        f"{table.name}.{name}: {theirs} -> {ours}"
        for table in load_all().values()
        for name, column in table.contract.columns().items()
        for theirs, ours in (meta(column, "words") or {}).items()
        if pl.select(normalized(pl.lit(theirs))).item() != theirs
        or (isinstance(column, dy.Enum) and (ours not in [*column.categories, None] or theirs in column.categories))
    }
    assert strange == set()


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert pl.select(normalized(pl.lit(" Won't-do / later! "))).item() == "won_t_do_later"
