"""The settings file that `health-assets init` writes: what it guessed, with comments on what to look at."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from health_assets.quality.trial_load import Trial
from health_assets.reporting.formatting import counted


@dataclass
class Guess:
    """A settings file in the making."""

    company: str
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)  # source -> what to look at
    refused: dict[str, str] = field(default_factory=dict)  # source -> why it is not connected
    undecided: list[str] = field(default_factory=list)
    top: dict[str, Any] = field(default_factory=dict)
    currencies: list[str] = field(default_factory=list)  # of the amounts, that of most first


def write_settings(guess: Guess, file: Path, trials: dict[str, Trial]) -> None:
    """The settings file; sources that cannot be published are comments."""
    currency = {"reporting_currency": guess.currencies[0]} if guess.currencies else {}
    top = {"company": guess.company, "timezone": "UTC"} | currency | guess.top
    comments = {
        "timezone": "where the company is, e.g. Europe/Berlin: days begin there, and times without a zone are taken as local",
        "reporting_currency": "of every amount in the tables",
        "as_of": "the files end on this day; remove it for files that are exported every day",
        "history_start": "first month that is computed",
    }
    top |= {"warehouse": "out/warehouse.duckdb", "published": "out/published.duckdb"}
    lines = ["# Written by health-assets init. Every key is described in docs/sources.md and docs/settings.md."]
    lines += [_line(key, value, comments.get(key, "")) for key, value in top.items()]
    if not guess.currencies:
        lines.append("# reporting_currency: EUR  # USD unless you say so")
    elif others := ", ".join(f"{currency}: ?" for currency in guess.currencies[1:]):
        lines.append(f"# fx_rates: {{{others}}}  # {guess.currencies[0]} for one; rows without a rate are quarantined")
    lines.append("sources:")
    for name, described in guess.sources.items():
        mark = "  # " if name in guess.refused else "  "
        trial = trials.get(name)
        said = (
            f"  # {counted(trial.counts['rows_read'], 'row')} read, {trial.counts['rows_kept']:,} kept" if trial else ""
        )
        lines += [
            f"  # {note}"
            for note in [*([guess.refused[name]] if name in guess.refused else []), *guess.notes.get(name, [])]
        ]
        lines.append(f"{mark}{name}:{said}")
        lines += [f"{mark}  {_line(key, value)}" for key, value in described.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([*lines, *(f"# to check: {one}" for one in guess.undecided)]) + "\n", encoding="utf-8")


def _line(key: str, value: Any, comment: str = "") -> str:
    written = yaml.safe_dump(
        {key: value}, default_flow_style=False, allow_unicode=True, width=1_000_000, sort_keys=False
    ).strip()
    if isinstance(value, dict | list):
        flow = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1_000_000, sort_keys=False)
        written = f"{key}: {flow.strip()}"
    return f"{written}  # {comment}" if comment else written
