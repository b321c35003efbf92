"""What the presets of vendors read of the files or tables that `health-assets init` looks at."""

import os
from pathlib import Path
from typing import Any

from health_assets.cli.guessed_settings import Guess
from health_assets.sources.guesses.candidates import Candidate
from health_assets.sources.guesses.matching import matches
from health_assets.sources.guesses.vendors import presets_for, priority_of, tables_taken
from health_assets.tables import source_contracts

STATE_ONLY = ("chargebee", "recurly", "stripe")  # vendors whose data hold no earlier prices
HELP_DESKS = ("zendesk", "intercom", "jira")  # whose organisations are accounts where no other file lists them


def with_presets(
    guess: Guess, candidates: list[Candidate], place: str, folder: Path | None, file: Path
) -> list[Candidate]:
    """Connect what a vendor's preset reads, schema by schema; the candidates that are left."""
    taken: set[int] = set()
    listed = {match.source for match in matches(candidates, source_contracts())[0] if match.candidate.files}
    for schema in dict.fromkeys(one.schema for one in candidates):
        tables = {one.name: one.header for one in candidates if one.schema == schema}
        for source, (vendor, _) in presets_for(tables).items():
            if source == "accounts" and vendor in HELP_DESKS and "accounts" in listed:
                continue
            described: dict[str, Any] = {"preset": vendor}
            described |= {"path": relative(folder, file)} if folder else {"connection": place}
            described |= {"database_schema": schema} if schema else {}
            described |= {"changes": "new_period"} if vendor in STATE_ONLY and source == "subscriptions" else {}
            before = guess.sources.get(source)
            if before is None or priority_of(vendor) < priority_of(before["preset"]):
                guess.sources[source] = described
            read = tables_taken(vendor, tables)
            taken |= {id(one) for one in candidates if one.schema == schema and one.name in read}
    return [one for one in candidates if id(one) not in taken]


def relative(folder: Path | None, file: Path) -> str:
    """The folder as the settings file reaches it."""
    return os.path.relpath(folder or Path(), file.parent)
