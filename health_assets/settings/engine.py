"""What may be said of events that an engine reduces where they are: sources.usage_events with `engine`."""

from typing import Any

NOT_WITH_AN_ENGINE = ("sheet", "date_format", "thousands", "scale", "query", "connection", "preset")
EPOCHS = ("s", "ms", "us")


def engine_fault(description: Any) -> str | None:
    """What does not fit together in a description with an engine, or says something of an engine that it does not name."""
    if description.engine is None:
        given = next((key for key in ("remote", "table") if getattr(description, key) is not None), None)
        return f"{given}: needs engine: spark" if given else None
    is_spark = description.engine == "spark"
    if refused := next((key for key in NOT_WITH_AN_ENGINE if getattr(description, key)), None):
        return f"{refused}: has no meaning with an engine"
    if bool(description.path) == (description.table is not None):
        return "engine: give path or table, one of them"
    if description.table is not None and not is_spark:
        return f"table: engine {description.engine} reads Parquet files; give path"
    if is_spark != (description.remote is not None):
        return (
            "remote: give env:NAME, the variable that holds sc://host:port"
            if is_spark
            else "remote: needs engine: spark"
        )
    if description.duplicates in ("sum", "oldest"):
        return f"duplicates: {description.duplicates} has no meaning with an engine, which keeps the newest of one key and day"
    if description.unit.get("event_timestamp", "s") not in EPOCHS:
        return f"unit.event_timestamp: an engine reads {', '.join(EPOCHS)}"
    return None
