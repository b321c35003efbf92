"""Stripe: customers, subscriptions, products, invoices and credit notes.

Subscriptions are listed with `status=all`, so cancelled ones arrive; a list by time of creation would never show a cancellation.
Invoices are read newest first back to those that are known, and each one that was not final is read again.
"""

from collections.abc import Generator, Iterator
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from health_assets.connectors.api import Api, Page, Record, secret
from health_assets.connectors.tables import Batch, Fetch, Progress, PulledTable
from health_assets.settings.pull import StripePull

VERSION = "2024-06-20"  # of the API, whose shapes the preset reads
PAGE = 100  # the most that Stripe gives
OVERLAP_SECONDS = 3600  # invoices as old as this before the newest known one are read again
NOT_FINAL = """
    coalesce(status, '') not in ('paid', 'void') and coalesce(is_deleted, 'false') <> 'true'
    and (coalesce(status, '') <> 'uncollectible' or created::double >= {})
"""
UNCOLLECTIBLE_SECONDS = 180 * 86400  # so long an invoice that was given up is read again: it may still be paid
NOT_KEPT = {"livemode"}  # a key sees either live or test data, and whose key it is decides that both count


def connect(pull: StripePull) -> Api:
    """The API with its login."""
    auth = BearerTokenAuth(token=secret(pull.token, "pull.stripe.token"))
    return Api("stripe", pull.url, auth, pull.variables, {"Stripe-Version": VERSION})


def _list(api: Api, path: str, after: str | None = None, **params: Any) -> Iterator[Page]:
    paginator = JSONResponseCursorPaginator("data[-1].id", cursor_param="starting_after", has_more_path="has_more")
    given = {"limit": PAGE, **params} | ({"starting_after": after} if after else {})
    yield from api.pages(path, paginator, "data", params=given)


def _whole(api: Api, record: Record) -> Record:
    """A record with all its items or lines; Stripe gives the first ten with it."""
    for name in ("items", "lines"):
        inside = record.get(name)
        if isinstance(inside, dict) and inside.get("has_more"):
            path = inside["url"].partition("?")[0]
            own = {"subscription": record["id"]} if name == "items" else {}
            inside["data"] = [row for page in _list(api, path, **own) for row in page.records]
            inside["has_more"] = False
    return {field: value for field, value in record.items() if field not in NOT_KEPT}


def _listing(path: str, **params: Any) -> Fetch:
    def fetch(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
        for page in _list(api, path, progress.resume.get("after"), **params):
            if page.records:
                yield Batch([_whole(api, record) for record in page.records], {"after": page.records[-1]["id"]})
        return {}

    return fetch


def _subscriptions(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
    first = next(_list(api, "/v1/subscriptions", status="all", limit=1), None)
    has_discounts = first is not None and any("discounts" in record for record in first.records)
    expanded = {"expand[]": "data.discounts"} if has_discounts else {}  # else Stripe gives their ids alone
    return (yield from _listing("/v1/subscriptions", status="all", **expanded)(api, progress))


def _invoices(api: Api, progress: Progress) -> Generator[Batch, None, Record]:
    """Newest first back to `floor`; what came after an interrupted pull began is read before the rest of that pull."""
    floor: float = progress.cursor.get("newest", progress.since_time.timestamp())
    seen: set[str] = set()
    place: Record = dict(progress.resume)
    if place:
        newest = yield from _back_to(api, place["newest"], None, seen, fixed=place)
        place["newest"] = max(place["newest"], newest)
    newest = yield from _back_to(api, floor, place.get("after"), seen, newest=place.get("newest", floor))
    for known in progress.rows(NOT_FINAL.format(newest - UNCOLLECTIBLE_SECONDS)):
        if known["id"] not in seen:
            current = api.one(f"/v1/invoices/{known['id']}")  # a draft may be deleted
            yield Batch([_whole(api, current) if current else known | {"is_deleted": True}], {"newest": newest})
    return {"newest": newest}


def _back_to(
    api: Api, floor: float, after: str | None, seen: set[str], newest: float = 0, fixed: Record | None = None
) -> Generator[Batch, None, float]:
    """Invoices from one on to older ones, until they are older than `floor`; the time of the newest."""
    for page in _list(api, "/v1/invoices", after):
        records = [_whole(api, record) for record in page.records]
        if not records:
            break
        seen.update(record["id"] for record in records)
        newest = max(newest, *(record["created"] for record in records))
        yield Batch(records, fixed or {"after": records[-1]["id"], "newest": newest})
        if min(record["created"] for record in records) < floor - OVERLAP_SECONDS:
            break
    return newest


TABLES = [
    PulledTable("invoice", _invoices, always=("customer", "total", "status", "created"), account="customer"),
    PulledTable("credit_note", _listing("/v1/credit_notes"), is_listing=True, is_optional=True, account="customer"),
    PulledTable("subscription", _subscriptions, is_listing=True, always=("customer", "status"), account="customer"),
    PulledTable("product", _listing("/v1/products"), is_listing=True, is_optional=True),
    PulledTable("customer", _listing("/v1/customers"), is_listing=True, account="id"),
]
