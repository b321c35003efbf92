"""A settings file as it is written, and how one is laid over another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML without libyaml lacks the first, seven times as fast


class SettingsError(Exception):
    """The settings cannot be used; the message names the place and the remedy.

    `usable` are the settings without the keys that are wrong, by which the sources can still be checked.
    """

    def __init__(self, message: str, usable: Any = None) -> None:
        super().__init__(message)
        self.usable = usable


def read_settings(path: Path) -> dict[str, Any]:
    """What a settings file says.

    Raises:
        SettingsError: it is missing, no YAML, or no mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - both loaders are safe
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such settings file; give the path with --settings") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:  # of PyYAML, for what looks like a date
        raise SettingsError(f"{path}: holds a date that does not exist ({error}); write days as 2025-01-31") from None
    if content is not None and not isinstance(content, dict):
        raise SettingsError(f"{path}: must hold settings as `name: value`, not {type(content).__name__}")
    return content or {}


_WHOLE = {
    "scorecards",
    "bands",
    "sla_hours",
    "first_response_hours",
    "sla_minutes",
    "event_categories",
    "value_tiers",
    "age_groups",
}  # replaced whole, never key by key
_ONE_BY_ONE = {"scorecards", "channels"}  # each by its name, and then whole


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with others over them, key by key, but for those that are replaced whole."""
    merged = dict(below)
    for key, value in above.items():
        if key in _ONE_BY_ONE and isinstance(value, dict):
            merged[key] = {**below.get(key, {}), **value}
        elif isinstance(value, dict) and isinstance(merged.get(key), dict) and key not in _WHOLE:
            merged[key] = laid_over(merged[key], value)
        else:
            merged[key] = value
    return merged
