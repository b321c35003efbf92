"""The first rows of each source, read as a run would read them: what is misread throughout is found before anything runs."""

from collections.abc import Iterator

import polars as pl

from health_assets.contracts.contract import Contract, decides, meta, vocabularies
from health_assets.settings import Settings
from health_assets.settings.source import Source
from health_assets.sources.advice import Remedy, example_of, remedy, said_counts, samples_of
from health_assets.sources.erased import accounts_now
from health_assets.sources.formats import UNREADABLE_FILE, SourceError
from health_assets.sources.parsing import LEFT_OUT, NOT_READ, RECORD, TEXT, parsed
from health_assets.sources.readers import collected, read_source

ROWS = 2_000  # that are read of a source
MOSTLY = 0.5  # share of the rows from which on a column counts as misread even where no setting would read it
LIKELY = r"^[A-Za-z_-]*0*"  # what keys of two systems often differ in


def misread(
    name: str, source: Source, settings: Settings, raw: type[Contract], staged: type[Contract]
) -> Iterator[str]:
    """Columns that decide about a row and cannot be read in most of them, each with samples and the setting that reads them."""
    try:
        rows = collected(
            name,
            settings,
            lambda by_row: read_source(name, raw, settings, by_row=by_row, limit=ROWS).head(ROWS).collect(),
        )
    except (*UNREADABLE_FILE, SourceError) as error:
        yield str(error).strip().splitlines()[0]
        return
    sound = rows.filter(pl.col(TEXT).is_null(), ~pl.col(LEFT_OUT).fill_null(False))
    if sound.is_empty():
        return
    tolerated = max(MOSTLY, 1 - source.rows_kept)
    values = parsed(sound.lazy(), staged, settings, name).collect()
    not_read = values[NOT_READ].struct.unnest() if isinstance(values.schema[NOT_READ], pl.Struct) else pl.DataFrame()
    for column, declared in staged.columns().items():
        if column not in not_read.columns or not decides(declared) or column == "currency":
            continue
        unreadable = not_read[column].drop_nulls()
        texts = values[RECORD].struct.field(column).cast(pl.String).str.strip_chars().replace("", None)
        advice = remedy(column, declared.dtype, texts, unreadable) if len(unreadable) else None
        if len(unreadable) > (1 - source.rows_kept if advice else tolerated) * values.height:
            yield _described(name, column, unreadable, values.height, advice)
    yield from _unknown_words(name, source, values, staged)
    yield from _unknown_accounts(name, values, staged, settings, tolerated)


def _described(name: str, column: str, unreadable: pl.Series, rows: int, remedy: Remedy | None) -> str:
    advice = f"; sources.{name}.{remedy.setting} {remedy.what_it_reads}" if remedy else "; is another column meant?"
    return (
        f"sources.{name}: {column} cannot be read in {len(unreadable):,} of the first {rows:,} rows, for example "
        f"{samples_of(unreadable)}{advice}"
    )


def _unknown_words(name: str, source: Source, rows: pl.DataFrame, staged: type[Contract]) -> Iterator[str]:
    """Words that no price can be computed with, in more rows than may be lost."""
    for column, vocabulary in vocabularies(staged).items():
        if not {column, vocabulary.computes} <= set(rows.columns):
            continue
        is_unknown = ~vocabulary.is_understood() & pl.col(vocabulary.computes).is_null()
        words = rows.filter(is_unknown)[RECORD].struct.field(column).cast(pl.String)
        if len(words) > (1 - source.rows_kept) * rows.height:
            counts = words.value_counts(sort=True, name="rows").sort("rows", column, descending=[True, False])
            yield (
                f"sources.{name}: {column} has words that are not known in {len(words):,} of the first {rows.height:,} rows: "
                f"{said_counts(counts.rows())}; {example_of(name, column, counts[column][0], vocabulary.words)}"
            )


def _unknown_accounts(
    name: str, rows: pl.DataFrame, staged: type[Contract], settings: Settings, tolerated: float
) -> Iterator[str]:
    """Keys of accounts that the accounts do not have, in most of the rows."""
    column = staged.columns().get("account_id")
    if (
        column is None
        or meta(column, "references") != "staged_accounts.account_id"
        or "accounts" not in settings.sources
    ):
        return
    known = accounts_now(settings)
    given = rows["account_id"].drop_nulls()
    unknown = given.filter(~given.is_in(known.implode()))
    if known.is_empty() or len(unknown) <= tolerated * rows.height:
        return
    bare = {key: count for key, count in _bare(known).value_counts().iter_rows() if count == 1}
    would_match = _bare(unknown).is_in(list(bare)).all()
    key = f'keys: {{account_id: {{match: "{LIKELY}", replace: ""}}}}'
    advice = (
        f"; {key} in sources.{name} and in sources.accounts (and wherever else keys are spelled so) joins them"
        if would_match
        else "; map their spelling with `keys`, or give an id_map"
    )
    yield (
        f"sources.{name}: {len(unknown):,} of the first {rows.height:,} rows belong to no account, for example "
        f"{samples_of(unknown)}; accounts have {samples_of(known)}{advice}"
    )


def _bare(keys: pl.Series) -> pl.Series:
    return keys.str.replace(LIKELY, "")
