"""What is kept of an erased account or user in a source: its rows under pseudonyms, ended on the day of the last snapshot."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from health_assets.settings import Settings
from health_assets.sources.erased import KEYS, Erased, kept_rows_of, key_of, label_of
from health_assets.sources.parsing import FILE, ROW, TEXT
from health_assets.warehouse.erasure import ERASED, FREE_TEXT
from health_assets.warehouse.subject import Subject

NOT_KEPT = ("alerts",)  # sources of which no total is made
CHURNED = "churned"
SHORTEST = 3  # characters of a name or key that is replaced inside another value of the subject's own rows


def write_kept_rows(
    name: str, rows: pl.DataFrame, subject: Subject, erased: Erased, settings: Settings, last_day: date
) -> None:
    """Write the subject's rows of a source under its pseudonym, next to the warehouse; they count from the next run on.

    Args:
        name: of the source.
        rows: as the source has them.
        subject: whose rows they are.
        erased: the list, with the subject in it.
        settings: of the company.
        last_day: on which what has no end is ended.
    """
    target = kept_rows_of(settings) / f"{name}.{subject.pseudonym}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}")
    _ended(_under_pseudonyms(name, rows, subject, erased, settings), name, subject, settings, last_day).write_parquet(
        unfinished
    )
    unfinished.replace(target)


def _under_pseudonyms(
    name: str, rows: pl.DataFrame, subject: Subject, erased: Erased, settings: Settings
) -> pl.DataFrame:
    keys = {column: kind for column, kind in KEYS.items() if column in rows.columns}
    spelled = rows.lazy().select(key_of(rows.lazy(), column, name, settings).alias(column) for column in keys).collect()
    kept = rows.with_columns(
        pl.when(erased.is_listed(spelled[column], kind))
        .then(erased.pseudonyms(spelled[column], kind))
        .otherwise(pl.col(column).cast(pl.String))
        .alias(column)
        for column, kind in keys.items()
    )
    inside = [
        term for term in subject.terms if term.is_searched or (len(term.text) >= SHORTEST and not term.text.isdigit())
    ]
    for column in (column for column, dtype in rows.schema.items() if dtype == pl.String and column not in keys):
        if column == "company_name" and subject.kind == "account":
            kept = kept.with_columns(pl.lit(subject.pseudonym).alias(column))
        elif column in FREE_TEXT:
            kept = kept.with_columns(pl.when(pl.col(column).is_not_null()).then(pl.lit(ERASED)).alias(column))
        else:
            for term in inside:
                kept = kept.with_columns(pl.col(column).str.replace_all(term.text, term.pseudonym, literal=True))
    label = pl.lit(label_of(subject.pseudonym)).alias(FILE)
    return kept.filter(pl.col(TEXT).is_null()).with_columns(label, pl.int_range(1, pl.len() + 1).alias(ROW))


def _ended(rows: pl.DataFrame, name: str, subject: Subject, settings: Settings, last_day: date) -> pl.DataFrame:
    """An account that is erased is no customer any more: its subscriptions end, and its status says so."""
    if subject.kind == "user":
        return rows
    if name == "accounts" and "status" in rows.columns:
        return rows.with_columns(status=pl.lit(CHURNED))
    if name != "subscriptions":
        return rows
    source = settings.sources[name]
    end = last_day if source.end_date_is == "last_paid_day" else last_day + timedelta(days=1)
    written = end.strftime(next(iter(source.formats_of("end_date")), "%Y-%m-%d"))
    has_end = pl.col("end_date").cast(pl.String).str.strip_chars().fill_null("") != ""
    return rows.with_columns(
        pl.when(has_end).then(pl.col("end_date").cast(pl.String)).otherwise(pl.lit(written)).alias("end_date")
    )


def forget_kept_rows(settings: Settings, pseudonym: str) -> None:
    """Delete what an interrupted erasure has written, or what is not to be kept any more."""
    for file in kept_rows_of(settings).glob(f"*.{pseudonym}.parquet"):
        file.unlink()


def files_of_kept_rows(settings: Settings) -> list[Path]:
    """The files of all that is kept."""
    return sorted(kept_rows_of(settings).glob("*.parquet"))
