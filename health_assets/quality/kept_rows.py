"""Were enough rows of a load kept, and are there any?"""

from health_assets.contracts.contract import vocabularies
from health_assets.quality.compared_load import Load
from health_assets.sources.advice import example_of, said_counts
from health_assets.sources.quarantine import SUPERSEDED, UNKNOWN_CURRENCY
from health_assets.warehouse.quarantined import declared_versions, load_counts, quarantine_reasons, unknown_words

REMEDIES = {  # of rows that could not be kept, by what their reasons contain
    SUPERSEDED: "if rows of one key are versions, set sources.{source}.duplicates: newest, if they are lines, sum",
    "__not_null": "if rows without it are no records, leave them out with sources.{source}.where",
    "account_id__orphan": "no account has their key: were rows of `accounts` lost, or are keys spelled differently (`keys` of the "
    "source, id_map)",
    UNKNOWN_CURRENCY: "give the rates of their currencies in fx_rates",
}


def too_few_kept(load: Load) -> str:
    """The share of rows that could be kept, if it is too low, with the reasons and what helps."""
    loaded = load_counts(load.cursor, load.table)
    spelling = load.settings.sources.get(load.source)
    versions = declared_versions(load.cursor, load.table, spelling)
    kept = loaded["rows_kept"] + loaded["rows_summed"]
    rows = kept + loaded["rows_quarantined"] - versions
    wanted = spelling.rows_kept if spelling else 0.0
    if not rows or (kept and kept >= wanted * rows):
        return ""
    reasons = quarantine_reasons(load.cursor, load.table)
    remedies = "".join(
        f"{remedy.format(source=load.source)}; "
        for reason, remedy in REMEDIES.items()
        if reason in reasons and not (reason == SUPERSEDED and versions)
    )
    return (
        f"{kept:,} of {rows:,} rows kept ({reasons}); {remedies}{_unknown_words(load)}if that is correct, "
        f"lower sources.{load.source}.rows_kept (now {wanted:g})"
    )


def _unknown_words(load: Load) -> str:
    said = ""
    for name, vocabulary in vocabularies(load.table.contract).items():
        if words := unknown_words(load.cursor, load.table, name):
            advice = example_of(load.source, name, words[0][0], vocabulary.words)
            said += f"{name} has words that are not known: {said_counts(words)}; {advice}; "
    return said


def emptied(load: Load) -> str:
    """That there are no rows, where there were some."""
    if load.rows or load_counts(load.cursor, load.table)["rows_quarantined"]:
        return ""
    if load.before:
        rows = next(iter(load.before.values()))["row_count"]
        return f"no rows; the load published as of {load.last_day} had {rows:,}"
    return "no rows: without accounts nothing can be reported" if load.source == "accounts" else ""
