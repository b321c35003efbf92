"""Zendesk: organizations, users and tickets by its incremental exports, which hold deleted ones as well.

The metrics of a ticket (when it was solved, how long the first reply took) come with it; its field history does not.
"""

from collections.abc import Generator
from typing import Any, cast

from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator, JSONResponseCursorPaginator
from requests import Request, Response

from health_assets.connectors.api import Api, Page, Record, secret
from health_assets.connectors.tables import Batch, Progress, PulledTable
from health_assets.settings.pull import ZendeskPull

PAGE = 1000  # the most that Zendesk gives
OVERLAP_SECONDS = 120  # organizations that changed as long before the end of the last export are read again


class CursorExport(JSONResponseCursorPaginator):
    """Pages of an export by cursor; also its last one has a cursor, from which the next pull goes on."""

    def __init__(self) -> None:
        super().__init__("after_cursor", cursor_param="cursor")

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Note the next cursor, and the end."""
        super().update_state(response, data)
        self._has_next_page = self._has_next_page and not response.json().get("end_of_stream", False)

    def update_request(self, request: Request) -> None:
        """Request the next page by its cursor alone."""
        super().update_request(request)
        cast(dict[str, Any], request.params).pop("start_time", None)


class TimeExport(JSONLinkPaginator):
    """Pages of an export by time; also its last one links to a next."""

    def __init__(self) -> None:
        super().__init__("next_page")

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Note the next page, and the end."""
        super().update_state(response, data)
        is_last = response.json().get("end_of_stream", len(data or []) < PAGE)
        self._has_next_page = self._has_next_page and not is_last


def connect(pull: ZendeskPull) -> Api:
    """The API with its login."""
    auth = HttpBasicAuth(username=f"{pull.user}/token", password=secret(pull.token, "pull.zendesk.token"))
    return Api("zendesk", pull.url, auth, pull.variables)


def _tickets(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
    start = int(progress.since_time.timestamp())
    return (yield from _by_cursor(api, progress, "tickets", start, include="metric_sets"))


def _users(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
    return (yield from _by_cursor(api, progress, "users", 0))


def _by_cursor(api: Api, progress: Progress, name: str, start: int, **params: Any) -> Generator[Batch, None, Record]:
    place = progress.resume or progress.cursor
    given = {"cursor": place["cursor"]} if place else {"start_time": start}
    for page in api.pages(
        f"/api/v2/incremental/{name}/cursor.json", CursorExport(), name, params=given | {"per_page": PAGE} | params
    ):
        place = {"cursor": page.body["after_cursor"]} if page.body.get("after_cursor") else place
        yield Batch(_with_metrics(page), place)
    return place


def _with_metrics(page: Page) -> list[Record]:
    """Records with their metrics as a list, whether they lie in a record or next to the records."""
    apart = {one["ticket_id"]: one for one in page.body.get("metric_sets") or []}
    found = [(record, record.pop("metric_set", None) or apart.get(record["id"])) for record in page.records]
    return [record | ({"metric_sets": [metrics]} if metrics else {}) for record, metrics in found]


def _organizations(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
    place = progress.resume or progress.cursor
    params = {"start_time": place.get("start_time", 0), "per_page": PAGE}
    for page in api.pages("/api/v2/incremental/organizations.json", TimeExport(), "organizations", params=params):
        if end := page.body.get("end_time"):
            place = {"start_time": end - OVERLAP_SECONDS}
        yield Batch(page.records, place)
    return place


TABLES = [
    PulledTable("ticket", _tickets, always=("created_at", "status"), account="organization_id"),
    PulledTable("agent", _users, account="organization_id"),
    PulledTable("organization", _organizations, always=("name",), account="id"),
]
