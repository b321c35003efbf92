"""Salesforce: accounts, users, opportunities, cases and their comments by SOQL, oldest change first.

`queryAll` gives deleted records as well, with IsDeleted.
"""

from collections.abc import Generator
from datetime import datetime, timedelta

from dlt.sources.helpers.requests.retry import Client
from dlt.sources.helpers.rest_client.auth import AuthConfigBase, BearerTokenAuth, OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

from health_assets.connectors.api import Api, Record, secret
from health_assets.connectors.tables import Batch, Progress, PulledTable
from health_assets.settings.pull import SalesforcePull

VERSION = "v60.0"  # of the API
OVERLAP = timedelta(minutes=30)  # a change is visible when its transaction ends, with the time at which it was made
BEGIN = "1990-01-01T00:00:00Z"
CHANGED = "SystemModstamp"


def connect(pull: SalesforcePull) -> Api:
    """The API with its login."""
    return Api("salesforce", pull.url, _login(pull), pull.variables)


def _login(pull: SalesforcePull) -> AuthConfigBase:
    if pull.token:
        return BearerTokenAuth(token=secret(pull.token, "pull.salesforce.token"))
    return OAuth2ClientCredentials(
        access_token_url=f"{pull.url}/services/oauth2/token",
        client_id=secret(str(pull.client_id), "pull.salesforce.client_id"),
        client_secret=secret(str(pull.client_secret), "pull.salesforce.client_secret"),
        session=Client(raise_for_status=False).session,
    )


def _changed(name: str, kind: str, fields: str, *, since_begin: bool = True, is_optional: bool = False) -> PulledTable:
    """A table of the records of a kind, in the order in which they changed."""
    columns = ["Id", *fields.split(), CHANGED]

    def fetch(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
        first = BEGIN if since_begin else f"{progress.since:%Y-%m-%d}T00:00:00Z"
        place = progress.resume or {"from": _earlier(progress.cursor["from"])} if progress.cursor else progress.resume
        place = place or {"from": first}
        query = f"select {', '.join(columns)} from {kind} where {CHANGED} >= {place['from']} order by {CHANGED}, Id"
        path = f"/services/data/{VERSION}/queryAll"
        for page in api.pages(path, JSONLinkPaginator("nextRecordsUrl"), "records", params={"q": query}):
            if page.records:
                place = {"from": _as_soql(page.records[-1][CHANGED])}
            yield Batch(page.records, place)
        return place

    always = tuple(columns)
    account = "AccountId" if "AccountId" in columns else "Id" if kind == "Account" else ""
    return PulledTable(
        name, fetch, is_optional=is_optional, always=always, key="Id", deleted="IsDeleted", account=account
    )


def _as_soql(moment: str) -> str:
    """A time as SOQL reads it: 2024-05-01T10:00:00.000+0000 -> 2024-05-01T10:00:00Z, whole seconds."""
    return f"{datetime.fromisoformat(moment.replace('+0000', '+00:00')):%Y-%m-%dT%H:%M:%SZ}"


def _earlier(moment: str) -> str:
    return f"{datetime.fromisoformat(moment.replace('Z', '+00:00')) - OVERLAP:%Y-%m-%dT%H:%M:%SZ}"


CASE = "AccountId CreatedDate ClosedDate Status IsClosed Priority IsEscalated Reason Type Origin IsDeleted"
TASK = "AccountId ActivityDate CompletedDateTime Status IsClosed TaskSubtype OwnerId CallDisposition IsDeleted"
EVENT = "AccountId StartDateTime Type OwnerId IsDeleted"
TABLES = [
    _changed(
        "case_comment", "CaseComment", "ParentId CreatedDate IsPublished IsDeleted", since_begin=False, is_optional=True
    ),
    _changed("activity_task", "Task", TASK, since_begin=False),
    _changed("activity_event", "Event", EVENT, since_begin=False),
    _changed("support_case", "Case", CASE, since_begin=False),
    _changed("opportunity", "Opportunity", "AccountId Name Type Amount CloseDate IsWon IsClosed StageName IsDeleted"),
    _changed("sales_user", "User", "Name FirstName LastName"),
    _changed(
        "account",
        "Account",
        "Name CreatedDate Industry NumberOfEmployees OwnerId ParentId BillingCountry Type IsDeleted",
    ),
]
