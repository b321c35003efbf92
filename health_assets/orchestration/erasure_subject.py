"""Who is to be erased: the account or user that was named, its keys and names, its users, and its rows in the sources."""

from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from health_assets.settings import Settings
from health_assets.settings.notes import OWN_SOURCES
from health_assets.sources.account_keys import id_map, keys_of, with_our_accounts
from health_assets.sources.erased import KEYS, Entry, Erased, Kind, key_of, of_erased, read_list
from health_assets.sources.parsing import FILE
from health_assets.sources.readers import collected, read_whole
from health_assets.tables import TABLES
from health_assets.warehouse.kept_rows import NOT_KEPT
from health_assets.warehouse.marts_file import MARTS
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse
from health_assets.warehouse.subject import Subject, Term, with_parts

KEPT = "keep"
SHOWN = 5


class ErasureError(Exception):
    """It is not clear who is to be erased, or it could not be done; the message says what to do."""


@dataclass
class Plan:
    """Who is erased, the list with it, and its rows in the sources."""

    subject: Subject
    erased: Erased
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)  # by source, as the source has them
    in_sources: dict[str, int] = field(default_factory=dict)  # by file


@dataclass(frozen=True)
class Known:
    """What the warehouse, the snapshot and the sources know: accounts with names, users with accounts."""

    names: pl.DataFrame  # account_id, company_name
    users: pl.DataFrame  # user_id, account_id


def planned(
    warehouse: Warehouse, snapshot: str, settings: Settings, given: str, kind: Kind | None, also: Collection[str]
) -> Plan:
    """Find out who is meant and where it is.

    Raises:
        ErasureError: nobody has that key or name, or several have.
    """
    (first,) = warehouse.connection.execute("select current_database()").fetchall()[0]
    databases = [first, MARTS, *filter(None, [snapshot])]
    known, erased = _known(warehouse, databases, settings), read_list(settings)
    kind, key = _meant(given, kind, known, erased)
    listed = erased.entry(kind, key)
    is_kept = listed.is_kept if listed else settings.erasure.closed_months == KEPT
    pseudonym = listed.pseudonym if listed else _next_pseudonym(kind, erased)
    of_account = known.users.filter(pl.lit(kind == "account"), pl.col("account_id") == key)["user_id"].unique().sort()
    users = {user: f"{pseudonym}-user-{number}" for number, user in enumerate(of_account, 1)}
    keys: dict[tuple[Kind, str], str] = {(kind, key): pseudonym} | {
        ("user", user): name for user, name in users.items()
    }
    new = [
        Entry(of, erased.hash_of(of, one), name, is_kept)
        for (of, one), name in keys.items()
        if not erased.entry(of, one)
    ]
    extended = Erased(erased.salt, [*erased.entries, *new])
    only = Erased(erased.salt, [entry for (of, one) in keys if (entry := extended.entry(of, one))])
    rows, in_sources = _rows_in_sources(settings, only)
    terms = [Term(one, of, name) for (of, one), name in keys.items()]
    names = known.names.filter(pl.lit(kind == "account"), pl.col("account_id") == key)["company_name"].drop_nulls()
    spelled = _other_spellings(rows, only, settings) | _ids_in_other_systems(kind, key, settings)
    terms += [Term(one, kind, pseudonym) for one in sorted(spelled - {key})]
    terms += [Term(one, None, pseudonym) for one in sorted({*names, *also} - {key, ""})]
    shortest = settings.erasure.min_searched_characters
    searched = with_parts(terms, warehouse.cursor(), databases, shortest)
    kept = {name: found for name, found in rows.items() if name not in NOT_KEPT}
    return Plan(Subject(kind, key, pseudonym, searched, is_kept), extended, kept, in_sources)


def _known(warehouse: Warehouse, databases: list[str], settings: Settings) -> Known:
    """All accounts and users that are known anywhere."""
    pairs = {"names": ("account_id", "company_name"), "users": ("user_id", "account_id")}
    frames = {name: [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))] for name, columns in pairs.items()}
    for name, (first, second) in pairs.items():
        for database in databases:
            tables = warehouse.connection.execute(
                "select schema_name || '.' || table_name from duckdb_columns() "
                f"where database_name = {literal(database)} and schema_name in ('raw', 'staged', 'dim', 'history', 'fact') "
                f"and column_name in ('{first}', '{second}') group by all having count(*) = 2 order by 1"
            ).fetchall()
            for (table,) in tables:
                query = f'select distinct {first}, {second} from "{database}".{table}'
                frames[name].append(warehouse.cursor().sql(query).pl().cast(pl.String))
    for name, source in {"names": "accounts", "users": "users"}.items():
        if source in settings.sources:
            found = with_our_accounts(keys_of(source, list(pairs[name]), settings), source, settings)
            frames[name].append(found.collect().select(pairs[name]))
    return Known(*(pl.concat(found).unique().drop_nulls(pairs[name][0]) for name, found in frames.items()))


def _meant(given: str, kind: Kind | None, known: Known, erased: Erased) -> tuple[Kind, str]:
    """The one account or user that a key or name means."""
    wanted = given.strip()
    accounts = set(known.names.filter(pl.col("account_id") == wanted)["account_id"])
    accounts = accounts or set(
        known.names.filter(pl.col("company_name").str.to_lowercase() == wanted.lower())["account_id"]
    )
    users = set(known.users.filter(pl.col("user_id") == wanted)["user_id"])
    found: dict[Kind, set[str]] = {"account": accounts, "user": users}
    chosen = {of: keys for of, keys in found.items() if keys and kind in (None, of)}
    if len(chosen) > 1:
        raise ErasureError(f"{wanted!r} is an account and a user; say which with --kind account or --kind user")
    for of, keys in chosen.items():
        if len(keys) > 1:
            shown = ", ".join(sorted(keys)[:SHOWN])
            raise ErasureError(f"{wanted!r} is the name of {len(keys)} accounts ({shown}); name one by its account_id")
        return of, keys.pop()
    of_list: list[Kind] = [of for of in ("account", "user") if kind in (None, of) and erased.entry(of, wanted)]
    if of_list:
        return of_list[0], wanted
    what = kind or "account or user"
    raise ErasureError(
        f"{wanted!r}: no {what} with this key or name in the warehouse, the snapshot or the sources; "
        "`health-assets export account` lists the accounts"
    )


def _next_pseudonym(kind: Kind, erased: Erased) -> str:
    taken = {one.pseudonym for one in erased.entries}
    prefix = "erased" if kind == "account" else "erased-user"
    return next(name for number in range(1, len(taken) + 2) if (name := f"{prefix}-{number}") not in taken)


def _rows_in_sources(settings: Settings, only: Erased) -> tuple[dict[str, pl.DataFrame], dict[str, int]]:
    """The subject's rows in each source, and how many each file of the company has; ours are erased like all others."""
    rows, files = {}, dict[str, int]()
    for name in settings.sources:
        table = TABLES.get(f"raw_{name}")
        if table is None or table.rows is None:
            continue

        def read(by_row: Collection[str], name: str = name, contract: object = table.rows) -> pl.DataFrame:
            whole = read_whole(name, contract, settings, by_row=by_row)  # type: ignore[arg-type]
            return whole.filter(of_erased(whole, name, settings, only)).collect(engine="streaming")

        found = collected(name, settings, read)
        if found.height:
            rows[name] = found
            if name not in OWN_SOURCES:
                for file, count in found.group_by(FILE).len().sort(FILE).iter_rows():
                    files[file] = files.get(file, 0) + count
    return rows, files


def _other_spellings(rows: dict[str, pl.DataFrame], only: Erased, settings: Settings) -> set[str]:
    """The subject's own key as sources spell it."""
    spelled = set[str]()
    subject = only.entries[0]
    (column,) = (name for name, kind in KEYS.items() if kind == subject.kind)
    for name, found in rows.items():
        if column in found.columns:
            is_own = found.lazy().select(key_of(found.lazy(), column, name, settings)).collect().to_series()
            own = found.filter(
                pl.Series([only.entry(subject.kind, key) == subject for key in is_own], dtype=pl.Boolean)
            )
            spelled |= set(own[column].cast(pl.String).str.strip_chars().drop_nulls())
    return spelled - {""}


def _ids_in_other_systems(kind: Kind, key: str, settings: Settings) -> set[str]:
    mapped = id_map(settings)
    return set(mapped.filter(pl.col("account_id") == key)["their_id"]) if kind == "account" else set()
