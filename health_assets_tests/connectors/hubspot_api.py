"""HubSpot's CRM objects, search, associations, owners and pipelines on loopback, as its documentation and Python client have them."""

from datetime import UTC, datetime
from typing import Any

from health_assets_tests.loopback_api import Answer, LoopbackApi, Request

SEARCH_LIMIT = 10_000


def moment(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


class HubspotApi:
    """Records by kind, with the companies that they belong to."""

    def __init__(self, api: LoopbackApi, page: int = 2, search_limit: int = SEARCH_LIMIT) -> None:
        self.api, self.page, self.search_limit = api, page, search_limit
        self.records: dict[str, dict[str, dict[str, Any]]] = {"companies": {}, "tickets": {}, "deals": {}}
        self.companies: dict[str, list[str]] = {}
        self.stages = [{"id": "1", "label": "New", "metadata": {"ticketState": "OPEN"}},
                       {"id": "4", "label": "Done", "metadata": {"ticketState": "CLOSED"}}]  # fmt: skip
        api.routes[r"/crm/v3/objects/\w+"] = self._list
        api.routes[r"/crm/v3/objects/\w+/search"] = self._search
        api.routes[r"/crm/v4/associations/\w+/companies/batch/read"] = self._associations
        api.routes[r"/crm/v3/owners/?"] = lambda request: Answer(
            {
                "results": [
                    {"id": "9", "email": "ann@acme.com", "firstName": "Ann", "lastName": "Bell", "archived": False}
                ]
            }
        )
        api.routes[r"/crm/v3/pipelines/\w+"] = lambda request: Answer(
            {"results": [{"id": "0", "label": "Support", "stages": self.stages}]}
        )

    def put(self, kind: str, key: str, changed: int, *, archived: bool = False, **properties: Any) -> None:
        """Create, change or archive a record."""
        before = self.records[kind].get(
            key, {"id": key, "createdAt": moment(changed), "properties": {"createdate": moment(changed)}}
        )
        own = before["properties"] | properties | {"hs_lastmodifieddate": moment(changed)}
        self.records[kind][key] = before | {"updatedAt": moment(changed), "archived": archived, "properties": own}

    def _paged(self, rows: list[dict[str, Any]], start: int, size: int) -> dict[str, Any]:
        page, end = rows[start : start + size], start + size
        following = {"paging": {"next": {"after": str(end), "link": "?after"}}} if end < len(rows) else {}
        return {"results": page} | following

    def _shown(self, record: dict[str, Any], properties: list[str]) -> dict[str, Any]:
        return record | {"properties": {name: record["properties"].get(name) for name in properties}}

    def _list(self, request: Request) -> Answer:
        kind, query = request.path.rsplit("/", 1)[1], request.query
        if kind not in self.records:
            return Answer({"status": "error", "message": "This app hasn't been granted the scope"}, 403)
        is_archived = query.get("archived", "false").lower() == "true"
        rows = [one for key, one in sorted(self.records[kind].items()) if one["archived"] == is_archived]
        rows = [self._shown(one, query.get("properties", "").split(",")) for one in rows]
        if "associations" in query:
            found = {row["id"]: self.companies.get(row["id"]) for row in rows}
            rows = [
                row
                | (
                    {"associations": {"companies": {"results": [{"id": one, "type": "to_company"} for one in ids]}}}
                    if (ids := found[row["id"]])
                    else {}
                )
                for row in rows
            ]
        return Answer(self._paged(rows, int(query.get("after", 0)), min(self.page, int(query["limit"]))))

    def _search(self, request: Request) -> Answer:
        kind, body = request.path.split("/")[4], request.body
        (one,) = body["filterGroups"][0]["filters"]
        start = int(body.get("after") or 0)
        if one["propertyName"] != "hs_lastmodifieddate" or one["operator"] != "GTE" or start >= self.search_limit:
            return Answer({"status": "error", "message": "There was a problem with the request."}, 400)
        since = datetime.fromtimestamp(int(one["value"]) / 1000, UTC)
        rows = [
            self._shown(row, body["properties"])
            for row in sorted(self.records[kind].values(), key=lambda row: (row["updatedAt"], row["id"]))
            if not row["archived"] and datetime.fromisoformat(row["updatedAt"].replace("Z", "+00:00")) >= since
        ]
        return Answer({"total": len(rows)} | self._paged(rows, start, min(self.page, body["limit"])))

    def _associations(self, request: Request) -> Answer:
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 26, "label": None}]
        found = [
            {
                "from": one,
                "to": [
                    {"toObjectId": int(company), "associationTypes": kinds} for company in self.companies[one["id"]]
                ],
            }
            for one in request.body["inputs"]
            if self.companies.get(one["id"])
        ]
        return Answer(
            {"status": "COMPLETE", "results": found}, 200 if len(found) == len(request.body["inputs"]) else 207
        )
