"""Zendesk's incremental exports on loopback, as its documentation describes them and its Python client zenpy reads them."""

from datetime import UTC, datetime
from typing import Any

from health_assets_tests.loopback_api import Answer, LoopbackApi, Request

DAY = 1_700_000_000  # seconds of the epoch, in November 2023


def moment(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


class ZendeskApi:
    """Organizations, users and tickets, each with the second of its last change."""

    def __init__(self, api: LoopbackApi, page: int = 2) -> None:
        self.api, self.page = api, page
        self.records: dict[str, dict[int, dict[str, Any]]] = {"tickets": {}, "users": {}, "organizations": {}}
        for name in ("tickets", "users"):
            api.routes[f"/api/v2/incremental/{name}/cursor.json"] = lambda one, name=name: self._by_cursor(name, one)
        api.routes["/api/v2/incremental/organizations.json"] = self._by_time

    def put(self, kind: str, key: int, changed: int, **fields: Any) -> None:
        """Create or change a record."""
        before = self.records[kind].pop(key, {"id": key, "created_at": moment(changed)})
        self.records[kind][key] = before | fields | {"updated_at": moment(changed), "generated_timestamp": changed}

    def _changed_since(self, name: str, place: tuple[int, int]) -> list[dict[str, Any]]:
        rows = sorted(self.records[name].values(), key=lambda one: (one["generated_timestamp"], one["id"]))
        return [one for one in rows if (one["generated_timestamp"], one["id"]) > place]

    def _by_cursor(self, name: str, request: Request) -> Answer:
        if ("cursor" in request.query) == ("start_time" in request.query):
            return Answer({"error": "InvalidValue", "description": "give either start_time or cursor"}, 400)
        if "cursor" in request.query:
            second, key = request.query["cursor"].split("-")
            place = int(second), int(key)
        else:
            place = int(request.query["start_time"]), -1
        rest = self._changed_since(name, place)
        page = rest[: self.page]
        last = (page[-1]["generated_timestamp"], page[-1]["id"]) if page else place
        cursor = f"{last[0]}-{last[1]}"
        with_metrics = "metric_sets" in request.query.get("include", "")
        shown = [one if with_metrics else {k: v for k, v in one.items() if k != "metric_set"} for one in page]
        address = f"{self.api.url}{request.path}?cursor={cursor}"
        ends = {"after_cursor": cursor, "after_url": address, "before_cursor": None, "before_url": None}
        return Answer({name: shown, **ends, "end_of_stream": len(rest) <= self.page})

    def _by_time(self, request: Request) -> Answer:
        start = int(request.query["start_time"])
        rest = self._changed_since("organizations", (start, -1))
        page = rest[: self.page]
        while len(page) < len(rest) and rest[len(page)]["generated_timestamp"] == page[-1]["generated_timestamp"]:
            page.append(rest[len(page)])  # of one second all
        end = page[-1]["generated_timestamp"] if page else None
        following = f"{self.api.url}{request.path}?start_time={end + 1 if end else start}"
        body = {"organizations": page, "count": len(page), "end_time": end, "next_page": following}
        return Answer(body | {"end_of_stream": len(rest) <= len(page)})
