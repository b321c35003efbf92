"""`health-assets init`: look at files or a database, guess what they are, try it, and write a commented settings file."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from health_assets import settings
from health_assets.assets import load_all
from health_assets.cli.check import why_not_published
from health_assets.cli.guessed_presets import relative, with_presets
from health_assets.cli.guessed_settings import Guess, write_settings
from health_assets.cli.terminal import CommandError
from health_assets.contracts.contract import available_from
from health_assets.quality.price_oddities import left_out_of_the_newest_file
from health_assets.quality.trial_load import Trial, trial_load
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings
from health_assets.sources.answers import answered_apart
from health_assets.sources.check import Contracts, faults_by_source
from health_assets.sources.databases import connected, no_such_schema
from health_assets.sources.guesses.candidates import Candidate, candidates_in, tables_in
from health_assets.sources.guesses.joining import column_with_keys, join_by_name
from health_assets.sources.guesses.matching import (
    Match,
    implied_by,
    keys_of_accounts,
    matches,
    required_columns,
    why_none,
)
from health_assets.sources.guesses.prices import is_last_paid_day, settle_prices
from health_assets.sources.guesses.repeated_keys import lines_of
from health_assets.sources.guesses.spelling import currencies_of, join_accounts, spelling_of
from health_assets.sources.guesses.surroundings import rows_alone
from health_assets.tables import TABLES, source_contracts

OLD_DAYS = 7  # files that end earlier than so many days ago are of a fixed day
MOST_MONTHS = 36  # of history that a first run computes
NO_ACCOUNT = (
    "belong to no account",
    "account_id__orphan",
)  # what says that the keys of a source are not those of accounts
EVENTS = "usage_events"
INVOICES_ONLY = (
    "MRR: no subscriptions are connected, so MRR, retention and churn are not measured; if the paid invoices are recurring revenue, "
    "add revenue: {basis: paid_invoices}"
)
STATES = {
    "accounts",
    "devices",
    "features",
    "subscriptions",
    "users",
}  # whose last start may be long before the day on which their file was written


def initialise(place: str, output: Path | None, schemas: list[str], is_forced: bool, console: Console) -> bool:
    """Write the settings of a folder or a database; whether what they connect can be published.

    Raises:
        CommandError: there is nothing to read, no accounts are found, or the settings file exists.
    """
    if "://" in place:  # not repeated: it may hold a password
        raise CommandError("give the URL in an environment variable and its name here: health-assets init env:NAME")
    load_all()
    contracts = source_contracts()
    folder = None if place.startswith("env:") else Path(place)
    file = output or (folder or Path()) / "settings.yml"
    if folder is not None and not folder.is_dir():
        raise CommandError(f"{place}: there is no such folder; give a folder with files, or env:NAME for a database")
    if file.exists() and not is_forced:
        raise CommandError(f"{file}: exists; write to another file with --output, or over it with --force")
    guess = _guessed(place, folder, schemas, file, contracts)
    if "accounts" not in guess.sources:
        raise CommandError(_without_accounts(place, guess))
    trials = _tried(guess, file, contracts)
    _print(guess, trials, file, console)
    return "accounts" not in guess.refused


def _guessed(place: str, folder: Path | None, schemas: list[str], file: Path, contracts: dict[str, Contracts]) -> Guess:
    if folder is None:
        with connected(place, "UTC") as database:
            if wrong := no_such_schema(database, schemas):
                raise CommandError(f"{place}: {wrong}")
            candidates, unreadable = tables_in(database, place, schemas)
        guess = Guess(place.removeprefix("env:").removesuffix("_URL").replace("_", " ").title())
    else:
        candidates, unreadable = candidates_in(folder)
        guess = Guess(folder.resolve().name.replace("_", " ").replace("-", " ").title())
    guess.undecided += [f"{name}: {why}" for name, why in unreadable.items()]
    rest = with_presets(guess, candidates, place, folder, file)
    best, lost = matches(rest, {name: contract for name, contract in contracts.items() if name not in guess.sources})
    keys, undecided = join_accounts(best, contracts)
    guess.undecided += undecided
    prices = {match.source: settle_prices(match) for match in best if match.source == "subscriptions"}
    for match in best:
        _connect(guess, match, contracts[match.source], keys.get(match.source, {}), folder, file)
        guess.notes[match.source] = prices.get(match.source, []) + guess.notes[match.source]
    for match in lost:
        guess.notes.setdefault(match.source, []).append(
            f"{_place(match.candidate)} looks like {match.source} too; it is not read"
        )
    _with_status(guess, best)
    used = {id(match.candidate) for match in (*best, *lost)}
    accounts = next((match for match in best if match.source == "accounts"), None)
    for one in rest:
        if id(one) not in used:
            by_name = join_by_name(one, accounts) if accounts else None
            known = keys_of_accounts(accounts) if accounts else None
            said = "; ".join(filter(None, (why_none(one, contracts, known), by_name)))
            guess.undecided.append(f"{_place(one)}: {said}")
    guess.currencies = currencies_of(best)
    return guess


def _connect(
    guess: Guess, match: Match, contracts: Contracts, keys: dict[str, Any], folder: Path | None, file: Path
) -> None:
    spelling = spelling_of(match, contracts)
    described = dict(match.candidate.described)
    if folder:
        described["path"] = str(Path(relative(folder, file)) / described["path"])
    elif match.source == EVENTS:
        moment = match.columns["event_timestamp"]
        described["query"] += f" where {moment} >= :since and {moment} < :until"
    required = [theirs for ours, theirs in match.columns.items() if ours in required_columns(contracts)]
    below = rows_alone(match.candidate.last_rows, required) if match.candidate.files else None
    lines = lines_of(match.candidate, match.source, match.columns) if match.candidate.files else None
    conditions = dict.fromkeys(filter(None, (below, lines and lines.keys.get("where"))))
    described |= lines.keys if lines else {}
    described |= {"where": " and ".join(conditions)} if conditions else {}
    if match.source == "subscriptions" and is_last_paid_day(match, _formats_in(spelling.keys)):
        described["end_date_is"] = "last_paid_day"
    if renamed := _renamed(match.columns):
        described["columns"] = renamed
    if implied := implied_by(match.source, match.columns):
        described["defaults"] = implied
    guess.sources[match.source] = described | spelling.keys | keys
    unread = [column for column in match.candidate.header if column not in match.columns.values()]
    said = [f"rows below the others are left out: where {below}"] if below else []
    said += [lines.note] if lines else []
    said += [f"{match.columns['amount']} is read as the price of a year"] if implied else []
    said += ["end_date is read as the last paid day"] if "end_date_is" in described else []
    guess.notes[match.source] = said + spelling.undecided + ([f"not read: {', '.join(unread)}"] if unread else [])


def _renamed(columns: dict[str, str]) -> dict[str, Any]:
    """Theirs with ours, or with several of ours where a column is read as each of them."""
    ours_of: dict[str, list[str]] = {}
    for ours, theirs in columns.items():
        ours_of.setdefault(theirs, []).append(ours)
    return {theirs: ours[0] if len(ours) == 1 else ours for theirs, ours in ours_of.items() if ours != [theirs]}


def _formats_in(keys: dict[str, Any]) -> list[str]:
    """The date formats among the keys of a source."""
    formats = keys.get("date_format", {})
    return list(formats.values()) if isinstance(formats, dict) else [formats]


def _with_status(guess: Guess, best: list[Match]) -> None:
    """Accounts of which nothing says a status are customers: without one none would be scored."""
    is_given = any(match.source == "accounts" and "status" in match.columns for match in best)
    if "accounts" in guess.sources and not is_given and "subscriptions" not in guess.sources:
        guess.sources["accounts"]["defaults"] = {"status": "active"}
        guess.notes.setdefault("accounts", []).append(
            "status: in no file; all accounts are taken as active, since one without a status is not scored"
        )


def _place(candidate: Candidate) -> str:
    place = str(candidate.described.get("path") or candidate.name)
    return f"{place}, sheet {candidate.described['sheet']}" if "sheet" in candidate.described else place


def _without_accounts(place: str, guess: Guess) -> str:
    found = ", ".join(guess.sources) or "nothing"
    if not guess.sources and not guess.undecided:
        return f"{place}: there is nothing to read; give a folder with CSV, Excel, Parquet or JSON files, or a schema with tables"
    others = "".join(f"\n  {said}" for said in guess.undecided)
    return (
        f"{place}: no accounts found, without which nothing can be computed (found: {found}); they need a key, a name and a date; "
        f"where no file lists them, see docs/connect.md, Accounts that no file lists{others}"
    )


def _tried(guess: Guess, file: Path, contracts: dict[str, Contracts]) -> dict[str, Trial]:
    """Load what was guessed; a source that could not be published is left out of the settings, with the reason."""
    for _ in range(4):
        write_settings(guess, file, {})
        company = settings.load(file)
        wrong = {name: faults[0] for name, faults in faults_by_source(company, contracts) if faults}
        trials: dict[str, Trial] = {}
        if not wrong:
            with answered_apart(company) as answered:
                trials = {trial.source: trial for trial in trial_load(answered)}
            wrong = {name: why for name, trial in trials.items() if (why := why_not_published(trial, company))}
        if not wrong:
            for name, trial in trials.items():
                lost = ((f"{counted(one.rows, 'row')} quarantined: {one.name}", one.hint) for one in trial.reasons)
                guess.notes.setdefault(name, []).extend("; ".join(filter(None, said)) for said in lost)
                guess.notes[name].extend(filter(None, [trial.exclusions]))
            if left_out := left_out_of_the_newest_file(company):
                guess.notes["subscriptions"].append(left_out)
            if "invoices" in trials and "subscriptions" not in trials:
                guess.undecided.append(INVOICES_ONLY)
            _set_days(guess, trials, company)
            write_settings(guess, file, trials)
            return trials
        if any(
            _rejoined(guess, name, company) for name, why in wrong.items() if any(said in why for said in NO_ACCOUNT)
        ):
            continue
        guess.refused |= wrong
        if "accounts" in wrong:
            break
    write_settings(guess, file, {})
    return {}


def _rejoined(guess: Guess, name: str, company: Settings) -> bool:
    """Whether another column holds the keys of accounts; the account is then read from it."""
    described = guess.sources[name]
    columns = described.get("columns", {})
    joined = {key: source for key, source in company.sources.items() if key in (name, "accounts")}
    with answered_apart(company.model_copy(update={"sources": joined})) as answered:
        column = column_with_keys(name, answered)
    if column is None or columns.get(column) == "account_id":
        return False
    described["columns"] = {theirs: ours for theirs, ours in columns.items() if ours != "account_id"} | {
        column: "account_id"
    }
    return True


def _set_days(guess: Guess, trials: dict[str, Trial], company: Settings) -> None:
    """The as-of day of files that end on an earlier one, and the first month of history."""
    today = datetime.now().astimezone().date()
    starts: list[date] = []
    ends: list[date] = []
    others: list[date] = []
    for name, trial in trials.items():
        known = available_from(TABLES[f"staged_{name}"].contract)
        if known in trial.ranges and name != "accounts" and known not in trial.missing:
            low, high, _ = trial.ranges[known]
            starts.append(_day(low))
            (others if name in STATES else ends).append(min(_day(high), today))
    is_of_files = not any("connection" in described for described in guess.sources.values())
    if is_of_files and ends and max(ends) < today - timedelta(days=OLD_DAYS):
        guess.top["as_of"] = max(ends)
    elif is_of_files and not ends and others:
        guess.undecided.append(
            f"as_of: nothing says when the files were written (the last start is of {max(others)}); if they are not of today, set as_of"
        )
    last = guess.top.get("as_of") or company.load_day
    if starts:
        earliest = (last.replace(day=1) - timedelta(days=31 * MOST_MONTHS)).replace(day=1)
        guess.top["history_start"] = max(min(starts).replace(day=1), earliest)


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def _print(guess: Guess, trials: dict[str, Trial], file: Path, console: Console) -> None:
    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    for name, described in guess.sources.items():
        place = described.get("path") or described.get("query") or described.get("connection")
        by = f" (preset {described['preset']})" if "preset" in described else ""
        if name in guess.refused:
            say(f"[yellow]not connected[/] {name}: {escape(f'{place}{by}; {guess.refused[name]}')}")
        else:
            kept = (
                f", {trials[name].counts['rows_kept']:,} of {counted(trials[name].counts['rows_read'], 'row')} kept"
                if name in trials
                else ""
            )
            say(f"[green]{name}[/]: {escape(f'{place}{by}')}{kept}")
        for note in guess.notes.get(name, []):
            say(f"  [dim]{escape(note)}[/]")
    for one in guess.undecided:
        say(f"[yellow]to check[/] {escape(one)}")
    say(f"Written: {file}. Look at timezone and reporting_currency, then: health-assets run --settings {file}")
