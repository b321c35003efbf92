"""docs/sources.md: each source with its columns and the words it understands, and the keys that describe a source."""

from dataframely.columns import Column, Enum

from health_assets.assets import load_all
from health_assets.cli.settings_page import source_keys
from health_assets.contracts.contract import Contract, dtypes, meta, question
from health_assets.settings.source import Source
from health_assets.sources.columns import given_columns
from health_assets.tables import TABLES


def sources_page() -> str:
    """The page, as Markdown: contents, how a source is described, then the sources by name."""
    raw = {name.removeprefix("raw_"): table for name, table in load_all().items() if table.rows is not None}
    lines = [
        "# Sources",
        "",
        "Generated from the contracts and the settings classes by `make docs`; do not edit. Only `accounts` is required; whatever "
        "needs a source that is not connected is null, never 0. Describe your files in the settings; never edit them.",
        "",
        "## Contents",
        "",
        "* [How a source is described](#how-a-source-is-described)",
        "* [What is read without being described](#what-is-read-without-being-described)",
        *(f"* [{name}](#{name}): {question(table.rows)}" for name, table in sorted(raw.items()) if table.rows),
        "",
        "## How a source is described",
        "",
        "| key | type | default | example | meaning |",
        "|---|---|---|---|---|",
        *source_keys(Source),
        "",
        "## What is read without being described",
        "",
        "Days and times in ISO form and as databases and spreadsheets write it (`Z`, `+00`, `UTC`, slashes, `20250105`, no seconds, "
        "`Jan 5, 2025`); months by their names in the languages of `init`; numbers with commas between thousands, with a currency "
        "(`USD 4,560.00`, `5 €`), negative in parentheses or with the sign behind, `$1.2k`, `85%`; a currency that an amount names "
        "holds where no column says it; yes/no, true/false, y/n, t/f and 1/0, "
        "and yes and no in the languages of `init`; the words "
        "listed below, in any case, with spaces or hyphens. UTF-16, a byte order mark and a leading `sep=;` are seen by themselves. "
        "Blank is null, and so are words for it such as `N/A`, `-` and `null` where a number, a date or a listed word is expected.",
        "",
        "A row is quarantined only where its key, its account, its amount or its first date cannot be read. Any other value that cannot "
        "be read, or lies outside its bounds, becomes null: the check `values__readable` names each with its column, the number of rows "
        "and where it stands. A key that a file lacks is a hash of the row; equal rows of one file are different rows.",
    ]
    for name, table in sorted(raw.items()):
        if table.rows:
            lines += ["", f"## {name}", "", question(table.rows), "", *_columns(name, table.rows)]
    return "\n".join(lines) + "\n"


def _columns(source: str, rows: type[Contract]) -> list[str]:
    staged = TABLES[f"staged_{source}"].contract.columns() if f"staged_{source}" in TABLES else {}
    described = [
        f"| {name} | {_needed(column)} | {_kind(staged.get(name))} | {' '.join((column.description or '').split())} |"
        for name, column in rows.columns().items()
        if name in given_columns(rows)
    ]
    words = [line for name in dtypes(rows) if (line := _words(name, staged.get(name)))]
    return ["| column | | type | meaning |", "|---|---|---|---|", *described, *(["", *words] if words else [])]


def _needed(column: Column) -> str:
    """Whether a file must have the column; a key that it lacks is made of the row."""
    if meta(column, "key"):
        return "key"
    alternatives: tuple[tuple[str, ...], ...] = meta(column, "alternatives", ())
    if alternatives:
        instead = " / ".join(first for first, *_ in alternatives)
        return f"required, or {' + '.join([instead, *alternatives[0][1:]])}"
    return "required" if meta(column, "required") else ""


def _kind(staged: Column | None) -> str:
    if staged is None:
        return ""
    return "word" if isinstance(staged, Enum) else str(staged.dtype).split("(")[0]


def _words(name: str, staged: Column | None) -> str:
    """Ours, and the words of other systems that mean the same."""
    understood: dict[str | None, list[str]] = meta(staged, "words", {}) if staged is not None else {}
    theirs: dict[str, list[str]] = {}
    for word, ours in understood.items():
        theirs.setdefault("null" if ours is None else f"`{ours}`", []).append(str(word))
    known = [f"`{word}`" for word in staged.categories] if isinstance(staged, Enum) else []
    meanings = [
        f"{ours} ({', '.join(theirs[ours])})" if ours in theirs else ours for ours in dict.fromkeys([*known, *theirs])
    ]
    return f"* `{name}`: {'; '.join(meanings)}" if meanings else ""
