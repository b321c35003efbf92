"""Where the answer of each query is kept: Parquet files under a folder, named after the connection and the source."""

import glob
from collections.abc import Mapping
from pathlib import Path

from health_assets.settings.source import Description, Source

ANSWER = ".answer.parquet"  # how the files end; a month of an answer has the month before it


def with_answers_in(sources: Mapping[str, Source], folder: Path) -> dict[str, Source]:
    """The sources, the answers of their queries kept in a folder."""

    def kept(name: str, number: int, description: Description) -> Description:
        if not description.is_queried:
            return description
        return description.answered_in(
            f"{glob.escape(str(answer_of(folder, name, number, description)))}.*{ANSWER[1:]}"
        )

    located = {}
    for name, source in sources.items():
        others = [kept(name, number, other) for number, other in enumerate(source.other_descriptions, 2)]
        first = kept(name, 1, source.model_copy(update={"other_descriptions": others}))
        located[name] = first if isinstance(first, Source) else source
    return located


def answer_of(folder: Path, name: str, number: int, description: Description) -> Path:
    """The answer of one description, without the ending of its files: `BILLING_URL/subscriptions`."""
    return folder / answered_by(description) / (name if number == 1 else f"{name}-{number}")


def answered_by(description: Description) -> str:
    """What answers a query: an engine, the variable of a connection, a preset, a .sql file, or `query`."""
    if description.engine:
        return description.engine
    if description.connection:
        return description.connection.removeprefix("env:")
    if description.preset:
        return description.preset
    return Path(str(description.query)).stem if is_sql_file(str(description.query)) else "query"


def is_sql_file(query: str) -> bool:
    """Whether a query is the path of a .sql file, and not a statement."""
    return query.strip().lower().endswith(".sql") and "\n" not in query.strip()
