"""`health-assets check`: what a load would make of each source, one block per source, in seconds and without a run."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from health_assets.assets import load_all
from health_assets.quality.trial_load import WORDS_SHOWN, Trial, not_measured, trial_load
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings
from health_assets.sources.answers import answered_apart
from health_assets.sources.check import source_faults
from health_assets.sources.presets.opened import missing_tables
from health_assets.tables import source_contracts

RECORD_CHARACTERS = 160


def print_check(company: Settings, console: Console) -> bool:
    """Print one block per source, and what will not be measured; whether every source can be published."""
    load_all()
    faults = list(source_faults(company, source_contracts()))
    for fault in faults:
        console.print(f"[red]error[/] {escape(fault)}", highlight=False, soft_wrap=True)
    if faults:
        return False
    is_sound = True
    with answered_apart(company) as answered:
        for trial in trial_load(answered):
            is_sound &= why_not_published(trial, company) is None
            for line in _block(trial, company):
                console.print(line, highlight=False, soft_wrap=True)
    if absent := not_measured(company):
        console.print("\n[bold]Not measured[/], because these sources are not connected")
        for source, marts in absent.items():
            console.print(f"  {source}: {', '.join(marts)}", highlight=False, soft_wrap=True)
    return is_sound


def why_not_published(trial: Trial, company: Settings) -> str | None:
    """Why too few rows of a source could be kept, with the first of those that were not; None if enough could."""
    share = trial.kept_share
    if trial.fault or share is None:
        return trial.fault or "it has no rows"
    if share < company.sources[trial.source].rows_kept:
        needed = (
            f"{share:.1%} of its rows are kept, fewer than rows_kept ({company.sources[trial.source].rows_kept:.0%})"
        )
        lost = [
            (f"{one.name}: {one.rows:,}, for example {one.record[:RECORD_CHARACTERS]}", one.hint)
            for one in trial.reasons[:1]
        ]
        return "; ".join(filter(None, (needed, *(said for pair in lost for said in pair))))
    return None


def _block(trial: Trial, company: Settings) -> Iterator[str]:
    yield f"\n[bold]{trial.source}[/]"
    if trial.fault:
        yield f"  [red]error[/] {escape(trial.fault)}"
        return
    yield f"  {_counts(trial)}"
    share, wanted = trial.kept_share, company.sources[trial.source].rows_kept
    if share is None:
        yield "  [red]error[/] no rows"
    elif share < wanted:
        yield f"  [red]error[/] {share:.1%} of the rows are kept; below rows_kept ({wanted:.0%}) the load is not published"
    for reason in trial.reasons:
        yield f"  [yellow]quarantined[/] {reason.name}: {counted(reason.rows, 'row')}, first {escape(reason.place)}"
        yield f"    {escape(_short(reason.record))}"
        if reason.hint:
            yield f"    [dim]→ {escape(reason.hint)}[/]"
    yield from _words(trial)
    for column, (low, high, filled) in trial.ranges.items():
        sparse = f", filled in {filled:.0%}" if filled < 1 else ""
        yield f"  {column}: {_shown(low)} to {_shown(high)}{sparse}"
    if missing_of_preset := missing_tables(trial.source, company):
        yield f"  [dim]{missing_of_preset}[/]"
    if missing := [column for column in trial.missing if column not in trial.ranges]:  # some are computed
        yield f"  [dim]empty or not in the files: {', '.join(missing)}[/]"
    if trial.unread:
        yield f"  [dim]not read: {escape(', '.join(trial.unread))}[/]"
    if trial.exclusions:
        yield f"  [yellow]warning[/] {escape(trial.exclusions)}"


def _counts(trial: Trial) -> str:
    counts = trial.counts
    said = [f"{'first ' if trial.is_partial else ''}{counted(counts.get('rows_read', 0), 'row')}"]
    names = {
        "rows_kept": "kept", "rows_quarantined": "quarantined", "duplicates_collapsed": "duplicate", "rows_left_out": "left out",
    }  # fmt: skip
    said += [
        f"{counts.get(name, 0):,} {word}" for name, word in names.items() if counts.get(name) or name == "rows_kept"
    ]
    if blanked := counts.get("values_blanked"):
        said.append(f"{counted(blanked, 'value')} set to null")
    return ", ".join(said)


def _words(trial: Trial) -> Iterator[str]:
    for column, words in trial.words.items():
        known = [f"{theirs} = {ours}" if theirs != ours else theirs for theirs, ours, _ in words if ours is not None]
        more = f" and {len(known) - WORDS_SHOWN} more" if len(known) > WORDS_SHOWN else ""
        if known:
            yield f"  {column}: {escape(', '.join(known[:WORDS_SHOWN]))}{more}"
    for column, unknown in trial.unknown_words.items():
        listed = ", ".join(f"{theirs!r} {counted(rows, 'row')}" for theirs, rows in unknown[:WORDS_SHOWN])
        yield f"  [yellow]{column}: not understood: {escape(listed)}[/]; map them in sources.{trial.source}.values.{column}"


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _short(record: str) -> str:
    return record if len(record) <= RECORD_CHARACTERS else f"{record[:RECORD_CHARACTERS]} ..."
