"""HubSpot: companies, tickets, deals and engagements, with the companies that they belong to; owners and pipelines.

The first pull lists all records. Later ones search for what has changed, which gives at most 10,000 records a search and no
associations: these are read apart. Archived records are listed each time.
"""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, SinglePagePaginator

from health_assets.connectors.api import Api, Page, PullError, Record, secret
from health_assets.connectors.tables import Batch, Progress, PulledTable
from health_assets.settings.pull import HubspotPull
from health_assets.sources.presets.vendors import tables_of

PAGE = 100  # the most that HubSpot lists
SEARCH_LIMIT = 10_000  # records that a search gives
OVERLAP = timedelta(minutes=10)  # before the last change; a search sees a change some moments late
CHANGED = "hs_lastmodifieddate"


def connect(pull: HubspotPull) -> Api:
    """The API with its login."""
    auth = BearerTokenAuth(token=secret(pull.token, "pull.hubspot.token"))
    return Api("hubspot", pull.url, auth, pull.variables)


def _properties(table: str) -> list[str]:
    """The properties that the preset reads."""
    names = [name for column in tables_of("hubspot")[table].columns for name in column.called]
    return list(dict.fromkeys(name.removeprefix("properties.") for name in names if name.startswith("properties.")))


def _list(api: Api, path: str, after: str | None = None, **params: Any) -> Iterator[Page]:
    given = {"limit": PAGE, **params} | ({"after": after} if after else {})
    yield from api.pages(
        path, JSONResponseCursorPaginator("paging.next.after", cursor_param="after"), "results", params=given
    )


def _after(page: Page) -> str | None:
    return ((page.body.get("paging") or {}).get("next") or {}).get("after")


def _objects(table: str, kind: str, *, has_companies: bool = True, is_optional: bool = False) -> PulledTable:
    """The records of a kind of the CRM."""
    properties = _properties(table)
    listed = {"properties": ",".join(properties)} | ({"associations": "companies"} if has_companies else {})
    path = f"/crm/v3/objects/{kind}"

    def fetch(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
        place: Record = progress.resume or progress.cursor
        for page in _list(api, path, archived="true", **listed):
            yield Batch(page.records, place)
        if progress.cursor:
            return (yield from changed(api, place["changed"]))
        began = place.get("began") or (api.server_time or datetime.now(UTC)).isoformat()
        for page in _list(api, path, place.get("after"), archived="false", **listed):
            yield Batch(page.records, {"began": began, "after": _after(page)})
        return {"changed": began}

    def changed(api: Api, since: str) -> Generator[Batch, None, Record]:
        last, begin = _moment(since), _moment(since) - OVERLAP
        while True:
            count = 0
            for page in _search(api, path, begin, properties):
                count += len(page.records)
                last = max([last, *(_moment(record["updatedAt"]) for record in page.records)])
                records = _with_companies(api, kind, page.records) if has_companies else page.records
                yield Batch(records, {"changed": last.isoformat()})
                if count >= SEARCH_LIMIT:
                    break
            if count < SEARCH_LIMIT:
                return {"changed": last.isoformat()}
            if last <= begin:
                said = f"more than {SEARCH_LIMIT:,} {kind} changed at the same moment"
                raise PullError(f"hubspot: {said}; read all records with `health-assets pull hubspot --everything`")
            begin = last

    account = "associations" if has_companies else "id"
    return PulledTable(table, fetch, is_optional=is_optional, always=("properties",), account=account)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _search(api: Api, path: str, begin: datetime, properties: list[str]) -> Iterator[Page]:
    """What has changed from a moment on, in the order of the changes."""
    since = {"propertyName": CHANGED, "operator": "GTE", "value": str(int(begin.timestamp() * 1000))}
    query = {
        "filterGroups": [{"filters": [since]}],
        "sorts": [{"propertyName": CHANGED, "direction": "ASCENDING"}],
        "properties": properties,
        "limit": PAGE,
    }
    paginator = JSONResponseCursorPaginator("paging.next.after", cursor_body_path="after")
    yield from api.pages(f"{path}/search", paginator, "results", method="POST", json=query)


def _with_companies(api: Api, kind: str, records: list[Record]) -> list[Record]:
    """Records of a search with the companies that they belong to, as a list gives them."""
    if not records:
        return []
    wanted = {"inputs": [{"id": record["id"]} for record in records]}
    answer = api.one(f"/crm/v4/associations/{kind}/companies/batch/read", method="POST", json=wanted) or {}
    companies = {str(one["from"]["id"]): one["to"] for one in answer.get("results", [])}
    return [
        record
        | {
            "associations": {
                "companies": {"results": [{"id": str(to["toObjectId"])} for to in companies.get(record["id"], [])]}
            }
        }
        for record in records
    ]


def _owners(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
    for page in _list(api, "/crm/v3/owners"):
        yield Batch(page.records, {})
    return {}


def _pipelines(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
    for page in api.pages("/crm/v3/pipelines/deals", SinglePagePaginator(), "results"):
        yield Batch(page.records, {})
    return {}


def _stages(table: str, kind: str) -> PulledTable:
    def fetch(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
        for page in api.pages(f"/crm/v3/pipelines/{kind}", SinglePagePaginator(), "results"):
            yield Batch([stage for pipeline in page.records for stage in pipeline["stages"]], {})
        return {}

    return PulledTable(table, fetch, is_listing=True)


TABLES = [
    _objects("ticket", "tickets"),
    _stages("ticket_pipeline_stage", "tickets"),
    _objects("deal", "deals"),
    PulledTable("deal_pipeline", _pipelines, is_listing=True, always=("label",)),
    _stages("deal_pipeline_stage", "deals"),
    _objects("engagement_call", "calls", is_optional=True),
    _objects("engagement_meeting", "meetings", is_optional=True),
    _objects("engagement_email", "emails", is_optional=True),
    PulledTable("owner", _owners, is_listing=True, is_optional=True),
    _objects("company", "companies", has_companies=False),
]
