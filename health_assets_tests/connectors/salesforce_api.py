"""Salesforce's login and SOQL queries on loopback, as its documentation describes them and simple-salesforce reads them."""

import re
from datetime import UTC, datetime
from typing import Any

from health_assets_tests.loopback_api import Answer, LoopbackApi, Request

SOQL = re.compile(
    r"select (.+) from (\w+)(?: where SystemModstamp >= (\S+) order by SystemModstamp, Id)?", re.IGNORECASE
)
ACCESS_TOKEN = "00D-session-5ecret"


def moment(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


class SalesforceApi:
    """Records by kind; a query gives pages of a few, and deleted records to `queryAll` alone."""

    def __init__(self, api: LoopbackApi, page: int = 2) -> None:
        self.api, self.page = api, page
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        self._queries: list[list[dict[str, Any]]] = []
        self.logins: list[dict[str, Any]] = []
        self.secret = "client-5ecret"
        self.is_expired = False
        self.hidden_field = ""
        api.routes[r"/services/oauth2/token"] = self._login
        api.routes[r"/services/data/v[\d.]+/(query|queryAll)/?"] = self._query
        api.routes[r"/services/data/v[\d.]+/query/\d+-\d+"] = self._more

    def put(self, kind: str, key: str, changed: int, **fields: Any) -> None:
        """Create or change a record."""
        before = self.records.setdefault(kind, {}).get(
            key, {"Id": key, "CreatedDate": moment(changed), "IsDeleted": False}
        )
        self.records[kind][key] = before | fields | {"SystemModstamp": moment(changed)}

    def _login(self, request: Request) -> Answer:
        self.logins.append(request.body)
        if request.body.get("client_secret") != [self.secret]:
            return Answer({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        return Answer({"access_token": ACCESS_TOKEN, "instance_url": self.api.url, "token_type": "Bearer"})

    def _query(self, request: Request) -> Answer:
        if self.is_expired or request.headers.get("Authorization") != f"Bearer {ACCESS_TOKEN}":
            return Answer([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)
        found = SOQL.fullmatch(request.query["q"])
        if not found:
            return Answer([{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], 400)
        fields, kind, since = [one.strip() for one in found[1].split(",")], found[2], found[3]
        if self.hidden_field in fields:
            said = f"No such column '{self.hidden_field}' on entity '{kind}'"
            return Answer([{"message": said, "errorCode": "INVALID_FIELD"}], 400)
        rows = sorted(self.records.get(kind, {}).values(), key=lambda one: (one["SystemModstamp"], one["Id"]))
        if "queryAll" not in request.path:
            rows = [row for row in rows if not row["IsDeleted"]]
        rows = [row for row in rows if not since or row["SystemModstamp"] >= since.replace("Z", ".000+0000")]
        self._queries.append(
            [{"attributes": {"type": kind}} | {name: row.get(name) for name in fields} for row in rows]
        )
        return self._page(len(self._queries) - 1, 0)

    def _more(self, request: Request) -> Answer:
        number, place = request.path.rsplit("/", 1)[1].split("-")
        return self._page(int(number), int(place))

    def _page(self, number: int, place: int) -> Answer:
        rows, end = self._queries[number], place + self.page
        is_done = end >= len(rows)
        following = {} if is_done else {"nextRecordsUrl": f"/services/data/v60.0/query/{number}-{end}"}
        return Answer({"totalSize": len(rows), "done": is_done, "records": rows[place:end]} | following)
