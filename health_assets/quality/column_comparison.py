"""The columns of a load compared with the last published one: which are filled, their sums of money, their words."""

from health_assets.contracts.contract import vocabularies
from health_assets.quality.compared_load import SAMPLES, Load, and_more
from health_assets.quality.load_expectations import money_of
from health_assets.sources.readers import unknown_columns
from health_assets.sources.suggested_columns import column_meant
from health_assets.tables import TABLES
from health_assets.warehouse.published_load import keys_of

NAMES = {"company_name", "account_owner", "owner"}  # of people and companies, where new values are normal


def emptied_columns(load: Load) -> str:
    """Columns that were filled and are empty now, each with the column of the file that it may be."""
    emptied = [
        name
        for name in load.given
        if name in load.before and load.before[name]["filled"] and not load.now[name]["filled"]
    ]
    return "; ".join(_emptied(load, name) for name in emptied[:SAMPLES]) + and_more(emptied)


def _emptied(load: Load, name: str) -> str:
    before, unread = load.before[name], _unread_columns(load)
    said = f"{name} was filled in {before['filled']:,} of {before['row_count']:,} rows and is now filled in none of {load.rows:,}"
    if samples := _values_before(load, name):
        said += f" (before: {samples})"
    if not unread:
        return said
    if meant := column_meant(name, unread):
        remedy = f"if that is the column, set sources.{load.source}.columns: {{{meant}: {name}}}"
        return f"{said}; the file has {meant!r}, which is not read; {remedy}"
    return f"{said}; unread columns of the file: {', '.join(unread)}"


def _unread_columns(load: Load) -> list[str]:
    raw = TABLES.get(f"raw_{load.source}")
    if raw is None or raw.rows is None:
        return []
    unread = unknown_columns(load.source, raw.rows, load.settings).values()
    return sorted({column for columns in unread for column in columns})


def _values_before(load: Load, name: str) -> str:
    if not load.has_keys or name not in load.columns_by_key:
        return ""
    key = load.table.contract.primary_key()[0]
    rows = load.cursor.execute(
        f"select {key}, {name} from {keys_of(load.table)} where {name} is not null order by {key} limit {SAMPLES}"
    ).fetchall()
    return ", ".join(f"{value} of {row}" for row, value in rows)


def sparser_columns(load: Load) -> str:
    """Columns that are filled in a clearly lower share of the rows."""
    sparser = []
    for name in load.given:
        if name not in load.before or not load.now[name]["filled"]:
            continue
        shares = [row["filled"] / row["row_count"] for row in (load.before[name], load.now[name])]
        if shares[0] - shares[1] > load.settings.plausibility.filled_drop:
            sparser.append(f"{name} is filled in {shares[1]:.0%} of the rows, previously {shares[0]:.0%}")
    return "; ".join(sparser[:SAMPLES]) + and_more(sparser)


def money_gone(load: Load) -> str:
    """Sums of money that have fallen by more than plausibility.money_gone."""
    gone = []
    for name in money_of(load.table.contract):
        before, now = (row.get(name, {}).get("total") or 0.0 for row in (load.before, load.now))
        if before > 0 and now < before * (1 - load.settings.plausibility.money_gone):
            gone.append(f"{name}: the sum is {now:,.2f}, previously {before:,.2f}")
    if not gone:
        return ""
    limit = load.settings.plausibility.money_gone
    return f"{'; '.join(gone)}; if that is correct, raise plausibility.money_gone ({limit:g})"


def new_words(load: Load) -> str:
    """Words of columns with few words that were never seen before and are none of the contract's."""
    new = []
    for name, before in load.before.items():
        if name in NAMES or not before["words"] or name not in load.now:
            continue
        words = sorted(set(load.now[name]["words"] or []) - set(before["words"]) - _ours(load, name))
        if words:
            new.append(f"{name}: {', '.join(words[:SAMPLES])}{and_more(words)}, never seen before")
    if not new:
        return ""
    return "; ".join(new) + f"; if it is another spelling, map it in sources.{load.source}.values"


def _ours(load: Load, name: str) -> set[str]:
    """The words of a column that its contract knows: each of them may come at any time."""
    column = load.table.contract.columns().get(name)
    known = vocabularies(load.table.contract).get(name)
    return {*getattr(column, "categories", ()), *(known.words if known else ())}
