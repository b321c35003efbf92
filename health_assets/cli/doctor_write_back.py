"""What `health-assets doctor` says about the write-back: the secrets of its targets, and what is not written."""

from collections.abc import Iterator

from health_assets.alerts import AlertError
from health_assets.alerts.entry import State
from health_assets.cli.finding import Finding, Status
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings
from health_assets.write_back.store import store_of
from health_assets.write_back.targets import target_of, variable_of
from health_assets.write_back.writing import entries


def write_back(company: Settings) -> Iterator[Finding]:
    """The secrets of the write-back's targets, and what is not written."""
    for name, target in company.write_back.targets.items():
        subject = f"write_back.{name}"
        try:
            target_of(name, company)
        except AlertError as error:
            yield Finding(Status.warning, subject, str(error), f"export {variable_of(target)}=...")
            continue
        yield Finding(
            Status.good, subject, "its secret is set (not tried; health-assets write-back --dry-run shows the values)"
        )
    if not company.write_back.targets or not store_of(company).exists():
        return
    try:
        waiting = [one for one in entries(company) if one.state != State.delivered]
    except AlertError as error:
        yield Finding(Status.wrong, "write_back", str(error), "see the message")
        return
    if waiting:
        found = f"{counted(len(waiting), 'account')} not written (target {waiting[-1].channel}: {waiting[-1].failure})"
        remedy = "correct the cause, then health-assets write-back --retry"
        yield Finding(Status.warning, "write_back", found, remedy)
