"""HubSpot's batch update of companies and Salesforce's update of collections on loopback, as they are documented.

The vendors' own Python clients are run against them in test_targets.py.
"""

from typing import Any

from health_assets_tests.loopback_api import Answer, LoopbackApi, Request

TOKEN = "pat-eu1-5ecret"
PATH_OF_SALESFORCE = r"/services/data/v[\d.]+/composite/sobjects/?"


class HubSpotCompanies:
    """Companies with properties; those that are not there are errors of a multi-status answer."""

    def __init__(self, api: LoopbackApi, companies: list[str], properties: list[str]) -> None:
        self.api, self.companies, self.properties = api, {one: dict[str, Any]() for one in companies}, properties
        self.refused: dict[str, str] = {}  # value that is not valid -> message
        api.token = TOKEN
        api.routes["/crm/v3/objects/companies/batch/update"] = self._update

    def _update(self, request: Request) -> Answer:
        inputs = request.body["inputs"]
        if len(inputs) > 100:
            return Answer({"status": "error", "category": "VALIDATION_ERROR", "message": "too many inputs"}, 400)
        for one in inputs:
            for name, value in one["properties"].items():
                if name not in self.properties or value in self.refused:
                    why = self.refused.get(value, f'Property "{name}" does not exist')
                    message = f"Property values were not valid: {why}"
                    return Answer({"status": "error", "category": "VALIDATION_ERROR", "message": message}, 400)
        found = [one for one in inputs if one["id"] in self.companies]
        for one in found:
            self.companies[one["id"]] |= one["properties"]
        results = [{"id": one["id"], "properties": one["properties"], "createdAt": "2024-01-01T00:00:00Z",
                    "updatedAt": "2024-01-01T00:00:00Z", "archived": False} for one in found]  # fmt: skip
        times = {"startedAt": "2024-01-01T00:00:00Z", "completedAt": "2024-01-01T00:00:00Z"}
        if len(found) == len(inputs):
            return Answer({"status": "COMPLETE", "results": results, **times})
        gone = [one["id"] for one in inputs if one["id"] not in self.companies]
        about = {"category": "OBJECT_NOT_FOUND", "message": "Could not get some COMPANY objects", "subCategory": None}
        errors = [{"status": "error", **about, "context": {"ids": gone}, "links": {}, "errors": []}]
        body = {"status": "COMPLETE", "results": results, "numErrors": len(errors), "errors": errors, **times}
        return Answer(body, 207)


class SalesforceAccounts:
    """Records by ID; each of a collection has its own outcome."""

    def __init__(self, api: LoopbackApi, records: list[str], fields: list[str]) -> None:
        self.api, self.records, self.fields = api, {one: dict[str, Any]() for one in records}, fields
        self.locked: set[str] = set()
        api.routes["/services/oauth2/token"] = self._token
        api.routes[PATH_OF_SALESFORCE] = self._update

    def _token(self, request: Request) -> Answer:
        given = {name: values[-1] for name, values in request.body.items()}
        if given != {"grant_type": "client_credentials", "client_id": "id", "client_secret": "5ecret"}:
            return Answer({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        return Answer({"access_token": TOKEN, "token_type": "Bearer", "instance_url": self.api.url})

    def _update(self, request: Request) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        if request.method != "PATCH" or len(request.body["records"]) > 200:
            return Answer([{"errorCode": "LIMIT_EXCEEDED", "message": "too many records"}], 400)
        return Answer([self._outcome(dict(record)) for record in request.body["records"]])

    def _outcome(self, record: dict[str, Any]) -> dict[str, Any]:
        assert record.pop("attributes") == {"type": "Account"}
        key = record.pop("id")
        unknown = [name for name in record if name not in self.fields]
        if key not in self.records:
            return self._rejected("ENTITY_IS_DELETED", "entity is deleted", [])
        if key in self.locked:
            return self._rejected("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", [])
        if unknown:
            return self._rejected("INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type Account", unknown)
        self.records[key] |= record
        return {"id": key, "success": True, "errors": []}

    @staticmethod
    def _rejected(code: str, message: str, fields: list[str]) -> dict[str, Any]:
        return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": fields}]}
