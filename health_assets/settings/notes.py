"""The files that the product itself adds to, and the sources that read them: notes about accounts, and alerts."""

from pathlib import Path

from health_assets.settings.source import Description, Source

COLUMNS = {  # file in the folder `notes` -> its columns
    "touchpoints": ["touchpoint_id", "account_id", "occurred_at", "kind", "owner", "result", "note"],
    "health_overrides": ["account_id", "score", "band", "reason", "author", "valid_from", "expiry_date"],
    "silences": ["account_id", "valid_from", "expiry_date", "reason", "author"],
}
SOURCES = ("touchpoints", "health_overrides")  # read by every run, in addition to what the settings name
OWN_SOURCES = (*SOURCES, "alerts")  # their files may appear at any time


def note_file(folder: Path, name: str) -> Path:
    """The CSV file of one kind of note."""
    return folder / f"{name}.csv"


def alert_history(warehouse: Path) -> Path:
    """The file in which alert runs leave what was reported, for mart.alert_history."""
    return warehouse.with_name("alert_history.csv")


def own_files(folder: Path, warehouse: Path) -> dict[str, Path]:
    """The files that this product writes itself, by the source that they are read as, where they exist."""
    files = {name: note_file(folder, name) for name in SOURCES} | {"alerts": alert_history(warehouse)}
    return {name: file for name, file in files.items() if file.exists()}


def with_notes(sources: dict[str, Source], folder: Path, warehouse: Path) -> dict[str, Source]:
    """The sources with the files that this product writes itself."""
    found = dict(sources)
    for name, file in own_files(folder, warehouse).items():
        if name in found:
            others = [*found[name].other_descriptions, Description(path=[str(file)])]
            found[name] = found[name].model_copy(update={"other_descriptions": others})
        else:
            found[name] = Source(path=[str(file)])
    return found
