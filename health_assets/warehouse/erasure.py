"""An account or a user taken out of a DuckDB file: its tables are copied to a new file, since an old one keeps what was deleted.

Rows of the subject stay under a pseudonym, or go, as the settings say. The new file replaces the old one in one step.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from health_assets.sources.erased import KEYS, Kind
from health_assets.warehouse.sql import literal
from health_assets.warehouse.subject import Subject

FREE_TEXT = (
    "note",
    "line_items",
    "reason",
    "override_reason",
    "news",
    "state_reason",
)  # may say anything about the subject
ERASED = "erased"


@dataclass(frozen=True)
class Relation:
    """A table of a DuckDB file."""

    schema: str
    name: str
    statement: str
    columns: dict[str, str]  # with their types

    @property
    def full_name(self) -> str:
        """With its schema, quoted."""
        return f'"{self.schema}"."{self.name}"'


def relations_of(cursor: duckdb.DuckDBPyConnection, database: str) -> list[Relation]:
    """The tables of an attached database."""
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in cursor.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        f"where database_name = {literal(database)} and not internal order by schema_name, table_name, column_index"
    ).fetchall():
        columns.setdefault((schema, table), {})[column] = kind
    tables = cursor.execute(
        f"select schema_name, table_name, sql from duckdb_tables() where database_name = {literal(database)} and not internal "
        "order by schema_name, table_name"
    ).fetchall()
    return [Relation(schema, table, statement, columns[schema, table]) for schema, table, statement in tables]


def found_in(cursor: duckdb.DuckDBPyConnection, database: str, subject: Subject) -> dict[str, int]:
    """The rows that are the subject's or name it, by table."""
    found = {}
    for relation in relations_of(cursor, database):
        condition = _names_subject(relation, subject)
        counted = cursor.execute(f'select count(*) from "{database}".{relation.full_name} where {condition}').fetchone()
        if counted and counted[0]:
            found[f"{relation.schema}.{relation.name}"] = int(counted[0])
    return found


def copy_without(cursor: duckdb.DuckDBPyConnection, database: str, target: Path, subject: Subject) -> None:
    """Copy all tables of an attached database to a new file, without the subject. Views and comments are not copied."""
    target.unlink(missing_ok=True)
    cursor.execute(f"attach {literal(str(target))} as without")
    try:
        relations = relations_of(cursor, database)
        for schema in dict.fromkeys(relation.schema for relation in relations):
            cursor.execute(f'create schema if not exists without."{schema}"')
        for relation in relations:
            source = f'"{database}".{relation.full_name}'
            cursor.execute(_created_in("without", relation))
            chosen = ", ".join(_without(cursor, source, relation, subject))
            cursor.execute(
                f"insert into without.{relation.full_name} select {chosen} from {source} where {_stays(relation, subject)}"
            )
        cursor.execute("checkpoint without")
    finally:
        cursor.execute("detach without")
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _created_in(database: str, relation: Relation) -> str:
    """The statement that creates the table, for another database."""
    _, _, rest = relation.statement.partition("(")
    return f"create table {database}.{relation.full_name} ({rest}"


def _own(relation: Relation, subject: Subject) -> str:
    """SQL: whether a row is the subject's by its keys."""
    found = [
        f'"{column}" in {literal(sorted(keys))}'
        for column, kind in KEYS.items()
        if relation.columns.get(column) == "VARCHAR" and (keys := subject.keys(kind))
    ]
    return f"coalesce({' or '.join(found)}, false)" if found else "false"


def _texts(relation: Relation) -> Iterator[str]:
    for column, kind in relation.columns.items():
        if "VARCHAR" in kind:
            yield f'"{column}"' if kind == "VARCHAR" else f'"{column}"::varchar'


def _names_subject(relation: Relation, subject: Subject) -> str:
    """SQL: whether a row is the subject's, refers to it, or holds one of its texts."""
    found = [_own(relation, subject)]
    for column, kind in _references(relation):
        if keys := subject.keys(kind):
            found.append(f'"{column}" in {literal(sorted(keys))}')
    found += [f"contains({text}, {literal(term.text)})" for text in _texts(relation) for term in subject.searched]
    if relation.schema == "quarantine" and "record" in relation.columns:
        found.append(_is_record_of(subject))
    return f"coalesce({' or '.join(f'coalesce({one}, false)' for one in found)}, false)"


def _references(relation: Relation) -> Iterator[tuple[str, Kind]]:
    for column, kind in relation.columns.items():
        for key, of in KEYS.items():
            if kind == "VARCHAR" and (column == key or column.endswith(f"_{key}")):
                yield column, of


def _is_record_of(subject: Subject) -> str:
    """SQL: whether a quarantined record is the subject's."""
    return " or ".join(
        f"json_extract_string(record, '$.{column}') in {literal(sorted(keys))}"
        for column, kind in KEYS.items()
        if (keys := subject.keys(kind))
    )


def _stays(relation: Relation, subject: Subject) -> str:
    """SQL: whether a row is copied. What was quarantined or could not be split into columns is not needed for any total."""
    goes = [] if subject.is_kept else [_own(relation, subject)]
    raw = [column for column in ("record", "source_text") if column in relation.columns]
    goes += [f'contains("{column}", {literal(term.text)})' for column in raw for term in subject.searched]
    if "record" in raw:
        goes.append(_is_record_of(subject))
    return " and ".join(f"not coalesce({one}, false)" for one in goes) or "true"


def _without(cursor: duckdb.DuckDBPyConnection, source: str, relation: Relation, subject: Subject) -> Iterator[str]:
    """The columns of a table as they are copied."""
    own, references = _own(relation, subject), dict(_references(relation))
    for column, kind in relation.columns.items():
        name = f'"{column}"'
        if column in references and (keys := subject.keys(references[column])):
            is_own = column in KEYS
            pseudonyms = {key: pseudonym if subject.is_kept or is_own else None for key, pseudonym in keys.items()}
            yield f"{_renamed(name, pseudonyms)} as {name}"
        elif kind == "VARCHAR":
            yield f"{_text(name, column, own, subject)} as {name}"
        elif kind == "VARCHAR[]":
            each = _renamed(_replaced("word", subject), subject.names)
            yield f"list_transform({name}, lambda word: {each}) as {name}" if subject.terms else name
        elif "VARCHAR" in kind and _is_in_nested(cursor, source, name, subject):
            yield f"({_replaced(f'to_json({name})::varchar', subject)})::json::{kind} as {name}"
        else:
            yield name


def _is_in_nested(cursor: duckdb.DuckDBPyConnection, source: str, name: str, subject: Subject) -> bool:
    texts = [f"contains({name}::varchar, {literal(term.text)})" for term in subject.searched]
    counted = cursor.execute(f"select count(*) from {source} where {' or '.join(texts) or 'false'}").fetchone()
    return bool(counted and counted[0])


def _text(name: str, column: str, own: str, subject: Subject) -> str:
    """A text column: of the subject's rows what may say anything goes, elsewhere its names and keys are replaced."""
    text = _replaced(name, subject)
    if own != "false" and subject.kind == "account" and column == "company_name":
        text = f"case when {own} then {literal(subject.pseudonym)} else {text} end"
    if own != "false" and column in FREE_TEXT:
        text = f"case when {own} and {name} is not null then {literal(ERASED)} else {text} end"
    return text


def _replaced(text: str, subject: Subject) -> str:
    """SQL: a text with the terms that are searched for replaced."""
    for term in subject.searched:
        text = f"replace({text}, {literal(term.text)}, {literal(term.pseudonym)})"
    return text


def _renamed(text: str, pseudonyms: dict[str, str | None] | dict[str, str]) -> str:
    """SQL: a text that is one of several as a whole, replaced."""
    if not pseudonyms:
        return text
    cases = "".join(
        f" when {literal(one)} then {'null' if pseudonym is None else literal(pseudonym)}"
        for one, pseudonym in pseudonyms.items()
    )
    return f"case {text}{cases} else {text} end"
