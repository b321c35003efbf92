"""docs/settings.md: each setting with its type, default and meaning.

A setting's meaning is its comment in defaults.yml or at its field in settings/; nothing is described here.
"""

import ast
import inspect
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from health_assets.settings import DEFAULTS, Settings
from health_assets.settings.scorecard import Dimension, Measure, Scorecard, ScorecardFor, Step

LONGEST_DEFAULT = 110  # characters; longer ones are read in defaults.yml
KEY = re.compile(
    r"^(?P<indent> *)(?P<key>[\w+-]+):(?: +(?P<value>[^#]*(?:\"[^\"]*\"[^#]*)*))?(?:\s+#\s*(?P<comment>.*))?$"
)
COMMENT = re.compile(r"^ *#\s?(?P<text>.*)$")
EXAMPLE = re.compile(r"^#   (?P<key>\w+): (?P<value>.*?)(?:\s{2,}# (?P<comment>.*))?$")
NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    NoneType: "null",
    Any: "any",
}


@dataclass(frozen=True)
class Entry:
    """A key of defaults.yml: its place, its value as written (empty where keys follow) and its comment."""

    place: tuple[str, ...]
    value: str
    comment: str


def settings_page() -> str:
    """The page, as Markdown: the keys of the top level, then each section, then scorecards."""
    entries = [entry for entry in defaults_entries() if entry.place[0] != "scorecards"]
    sections = [entry.place[0] for entry in entries if len(entry.place) == 1 and not entry.value]
    titles = ["Top level", *sections, "scorecards"]
    lines = [
        "# Settings",
        "",
        "Generated from `health_assets/defaults.yml` and `health_assets/settings/` by `make docs`; do not edit. A company's file gives "
        "only what differs from the defaults. An unknown key stops the run before it starts, with a suggestion.",
        "",
        "## Contents",
        "",
        *(f"* [{title}](#{title.lower().replace(' ', '-')})" for title in titles),
        "",
        "## Top level",
        "",
        "For how a source is described, see [sources.md](sources.md#how-a-source-is-described).",
        "",
        *_table(entry for entry in entries if entry.place[0] not in sections),
    ]
    for section in sections:
        (head,) = (entry for entry in entries if entry.place == (section,))
        meaning = head.comment or _docstring(annotation_at((section,)))
        lines += ["", f"## {section}", "", *([f"{_sentence(meaning)}", ""] if meaning else [])]
        lines += _table(entry for entry in entries if entry.place[0] == section and len(entry.place) > 1)
    return "\n".join([*lines, *_scorecards()]) + "\n"


def _scorecards() -> list[str]:
    shown: list[tuple[str, type[BaseModel]]] = [
        ("a scorecard", Scorecard),
        ("a dimension", Dimension),
        ("a measure", Measure),
        ("a step", Step),
        ("an entry of scorecards_for", ScorecardFor),
    ]
    lines = ["", "## scorecards", "", f"{_sentence(_docstring(Scorecard))} `scorecards_for` chooses one by account."]
    for title, model in shown:
        lines += ["", f"### Keys of {title}", "", "| key | type | default | meaning |", "|---|---|---|---|"]
        lines += [f"| `{name}` | {kind} | {default} | {meaning} |" for name, kind, default, meaning in _fields(model)]
    return lines


def _table(entries: Iterator[Entry]) -> list[str]:
    """The keys that hold a value; those that hold keys are in the place of these."""
    rows = [
        f"| `{'.'.join(entry.place[1:]) or entry.place[0]}` | {type_at(entry.place)} | {_default(entry.value)} | {_cell(meaning(entry))} |"
        for entry in entries
        if entry.value
    ]
    return ["| key | type | default | meaning |", "|---|---|---|---|", *rows]


def _default(value: str) -> str:
    return f"`{value}`" if len(value) <= LONGEST_DEFAULT else "see `defaults.yml`"


def meaning(entry: Entry) -> str:
    """The comment of a key in defaults.yml, else that of its field, its section or the key that holds it."""
    if entry.comment:
        return entry.comment
    owner = annotation_at(entry.place[:-1]) if len(entry.place) > 1 else Settings
    is_section = isinstance(owner, type) and issubclass(owner, BaseModel)
    of_field = documented_fields(owner).get(entry.place[-1]) if is_section else None
    of_holder = [holder.comment for holder in defaults_entries() if holder.place == entry.place[:-1] and not is_section]
    return of_field or _docstring(annotation_at(entry.place)) or "".join(of_holder)


@cache
def defaults_entries() -> list[Entry]:
    """Every key of defaults.yml that has a line of its own, with the comment after it, else the comment above it."""
    entries: list[Entry] = []
    place: list[tuple[int, str]] = []
    above: list[str] = []
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if found := KEY.match(line):
            indent = len(found["indent"])
            place = [(depth, key) for depth, key in place if depth < indent] + [(indent, found["key"])]
            comment = (found["comment"] or "").strip() or " ".join(above)
            entries.append(Entry(tuple(key for _, key in place), (found["value"] or "").strip(), comment))
            above = []
        elif (said := COMMENT.match(line)) and not EXAMPLE.match(line):
            above.append(said["text"].strip())
        else:
            above = []
    return entries


def source_keys(model: type[BaseModel]) -> list[str]:
    """The keys that describe a source, with the examples of defaults.yml."""
    examples = {}
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if found := EXAMPLE.match(line):
            examples[found["key"]] = found["value"].strip(), found["comment"] or ""
    lines = []
    for name, kind, default, text in _fields(model):
        example, comment = examples.get(name, ("", ""))
        shown = f"`{name}: {example}`" if example else ""
        lines.append(f"| `{name}` | {kind} | {default} | {_cell(shown)} | {_cell(comment) or text} |")
    return lines


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    meanings = documented_fields(model)
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _written(field.get_default(call_default_factory=True))
        yield name, _cell(_type(field.annotation, field.metadata)), _cell(default), _cell(meanings.get(name, ""))


@cache
def documented_fields(model: type[BaseModel]) -> dict[str, str]:
    """The meaning of each field: its description, else the docstring below it, else the comment after or above it."""
    source = inspect.cleandoc("\n" + inspect.getsource(model))
    comments = _comments(source)
    (definition,) = ast.parse(source).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    meanings = {}
    for place, statement in enumerate(body):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        below = body[place + 1] if place + 1 < len(body) else None
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            meanings[statement.target.id] = " ".join(str(below.value.value).split())
        elif said := comments.get(statement.end_lineno or 0) or comments.get(statement.lineno):
            meanings[statement.target.id] = said
    described = {name: field.description for name, field in model.model_fields.items() if field.description}
    inherited = {
        key: text for base in model.__mro__[1:-1] if _is_ours(base) for key, text in documented_fields(base).items()
    }
    return inherited | meanings | described


def _is_ours(base: type) -> bool:
    return issubclass(base, BaseModel) and base.__module__.startswith("health_assets")


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").split("noqa")[0].split("type: ignore")[0].strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def annotation_at(place: tuple[str, ...]) -> Any:
    """The type of the setting at a place, e.g. of ("support", "sla_hours")."""
    found: Any = Settings
    for key in place:
        found = _inner(found, key)
    return found


def type_at(place: tuple[str, ...]) -> str:
    """The type of a setting in words."""
    owner = annotation_at(place[:-1])
    field = owner.model_fields.get(place[-1]) if hasattr(owner, "model_fields") else None
    return _type(field.annotation, field.metadata) if isinstance(field, FieldInfo) else _type(annotation_at(place), [])


def _inner(annotation: Any, key: str) -> Any:
    annotation = _plain(annotation)
    if hasattr(annotation, "model_fields"):
        return annotation.model_fields[key].annotation
    return get_args(annotation)[1]  # of a dict


def _plain(annotation: Any) -> Any:
    """Without Annotated, and without None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next((_plain(one) for one in get_args(annotation) if one is not NoneType), annotation)
    return annotation


def _written(value: Any) -> str:
    """A value as YAML has it."""
    return f"`{'null' if value is None else json.dumps(value)}`" if value != "" else "blank"


def _type(annotation: Any, limits: list[Any]) -> str:
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _type(inner, [*limits, *more])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{word}`" if str(word).strip() else "blank" for word in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(one, limits if one is not NoneType else []) for one in arguments))
    if origin is list:
        return f"list of {_type(arguments[0], [])}"
    if origin is dict:
        return f"{_type(arguments[0], []).replace('text', 'name')} → {_type(arguments[1], [])}"
    if origin is tuple:
        return " and ".join(_type(one, []) for one in arguments)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return " ".join(
        [
            NAMES.get(annotation, annotation.__name__ if hasattr(annotation, "__name__") else str(annotation)),
            *_limits(limits),
        ]
    )


def _limits(metadata: list[Any]) -> list[str]:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    flat = [one for given in metadata for one in (given.metadata if isinstance(given, FieldInfo) else [given])]
    return [f"{sign} {getattr(one, name)}" for one in flat for name, sign in signs.items() if hasattr(one, name)]


def _docstring(annotation: Any) -> str:
    plain = _plain(annotation)
    is_section = isinstance(plain, type) and issubclass(plain, BaseModel)
    return " ".join((plain.__doc__ or "").split()) if is_section else ""


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
