"""Targets that take values over HTTPS: HubSpot's companies, objects of Salesforce, and a webhook.

Tokens are secrets: they stay in the targets. What an API says about a row is shown, since it names the property or record
that is wrong; it holds no token.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request

from health_assets.alerts.channels import Answer, Status, answer_of_refusal
from health_assets.alerts.http import HttpAnswer, NoAnswerError, answer_to
from health_assets.alerts.markup import cut
from health_assets.alerts.signed_webhook import signature
from health_assets.write_back.batch import Batch, BatchAnswer
from health_assets.write_back.values import Value

LONGEST_ANSWER = 5_000_000  # bytes
LONGEST_REASON = 200  # characters
SALESFORCE_VERSION = "v61.0"
WORTH_REPEATING = (
    "UNABLE_TO_LOCK_ROW",
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
    "QUERY_TIMEOUT",
)  # of Salesforce


class HubSpot:
    """Companies of HubSpot, by record ID or by a unique property."""

    rows_at_once = 100

    def __init__(self, token: str, url: str, id_property: str | None, seconds: float) -> None:
        self.__token, self.__url, self.__id_property, self.__seconds = token, url, id_property, seconds

    def post(self, message: Batch) -> Answer:
        """Update the companies of a batch; those that are gone are named, the others are updated."""
        by = {"idProperty": self.__id_property} if self.__id_property else {}
        inputs = [
            {"id": row.account_id, **by, "properties": {name: _as_text(value) for name, value in row.by_name.items()}}
            for row in message.rows
        ]
        url = f"{self.__url}/crm/v3/objects/companies/batch/update"
        said = _posted(url, {"inputs": inputs}, _bearer(self.__token), self.__seconds)
        if isinstance(said, Answer):
            return said
        content = _json(said)
        if said.status not in (200, 207) or not isinstance(content, dict):
            return _refused(said, content.get("message") if isinstance(content, dict) else None)
        rejected: dict[str, str] = {}
        for error in content.get("errors", []):
            for account_id in error.get("context", {}).get("ids", []):
                rejected[str(account_id)] = _reason(error.get("category"), error.get("message"))
        return BatchAnswer(Status.delivered, rejected=rejected)


class Salesforce:
    """Records of an object of Salesforce, by their IDs."""

    rows_at_once = 200

    def __init__(self, client: tuple[str, str], url: str, name: str, seconds: float) -> None:
        self.__client, self.__url, self.__name, self.__seconds = client, url, name, seconds

    def post(self, message: Batch) -> Answer:
        """Update the records of a batch; those that are rejected are named, the others are updated."""
        token = self.__token()
        if isinstance(token, Answer):
            return token
        about = {"attributes": {"type": self.__name}}
        records = [{**about, "id": row.account_id, **row.by_name} for row in message.rows]
        url = f"{self.__url}/services/data/{SALESFORCE_VERSION}/composite/sobjects"
        said = _posted(url, {"allOrNone": False, "records": records}, _bearer(token), self.__seconds, method="PATCH")
        if isinstance(said, Answer):
            return said
        content = _json(said)
        if said.status != 200 or not isinstance(content, list) or len(content) != len(message.rows):
            first = content[0] if isinstance(content, list) and content and isinstance(content[0], dict) else {}
            return _refused(said, first.get("message"))
        rejected: dict[str, str] = {}
        retried: dict[str, str] = {}
        for row, outcome in zip(message.rows, content, strict=True):
            if not outcome.get("success"):
                error = (outcome.get("errors") or [{}])[0]
                kept = retried if error.get("statusCode") in WORTH_REPEATING else rejected
                kept[row.account_id] = _reason(error.get("statusCode"), error.get("message"))
        return BatchAnswer(Status.delivered, rejected=rejected, retried=retried)

    def __token(self) -> str | Answer:
        """A new access token, since one lasts for hours only."""
        key, secret = self.__client
        form = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
        said = _sent(
            f"{self.__url}/services/oauth2/token",
            urlencode(form).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
            self.__seconds,
        )
        if isinstance(said, Answer):
            return said
        content = _json(said)
        if said.status == 200 and isinstance(content, dict) and isinstance(content.get("access_token"), str):
            return str(content["access_token"])
        error = content.get("error") if isinstance(content, dict) else None
        return _refused(said, f"no access token: {error or 'the answer was not that of Salesforce'}")


class Webhook:
    """Any address that takes JSON, signed as the alerts' webhooks are."""

    rows_at_once = 100

    def __init__(self, url: str, key: str | None, name: str, seconds: float) -> None:
        self.__url, self.__key, self.__name, self.__seconds = url, key, name, seconds

    def post(self, message: Batch) -> Answer:
        """Send a batch; any status from 200 to 299 is a yes for all of it."""
        rows = [
            {"account_id": row.account_id, "as_of_date": row.as_of_date.isoformat(), "values": row.by_name}
            for row in message.rows
        ]
        body = json.dumps({"key": message.key, "target": self.__name, "accounts": rows}).encode()
        signed = signature(self.__key, body, time.time()) if self.__key else {}
        said = _sent(self.__url, body, {"Content-Type": "application/json", **signed}, self.__seconds)
        if isinstance(said, Answer):
            return said
        return Answer(Status.delivered) if 200 <= said.status < 300 else _refused(said, None)


def key_of(ids: Sequence[str]) -> str:
    """The same rows make the same key, so that a receiver can leave out what it has."""
    return hashlib.sha256(json.dumps(list(ids)).encode()).hexdigest()[:16]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _posted(
    url: str, content: Mapping[str, Any], headers: Mapping[str, str], seconds: float, method: str = "POST"
) -> HttpAnswer | Answer:
    body = json.dumps(content).encode()
    return _sent(url, body, {"Content-Type": "application/json", **headers}, seconds, method)


def _sent(
    url: str, body: bytes, headers: Mapping[str, str], seconds: float, method: str = "POST"
) -> HttpAnswer | Answer:
    """The answer to a request; without one, that it is to be sent again, which does no harm."""
    try:
        return answer_to(Request(url, body, dict(headers), method=method), seconds, LONGEST_ANSWER)  # noqa: S310 - see check_address
    except NoAnswerError as failure:
        return Answer(Status.retry, str(failure))
    except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold the token
        return Answer(Status.retry, f"no connection ({type(error).__name__})")


def _json(said: HttpAnswer) -> Any:
    try:
        return json.loads(said.body) if said.is_whole else None
    except ValueError:
        return None


def _refused(said: HttpAnswer, why: object) -> Answer:
    about = f" ({cut(str(why), LONGEST_REASON)})" if why else ""
    return answer_of_refusal(said, f"HTTP {said.status}{about}")


def _reason(word: object, message: object) -> str:
    return cut(f"{word}: {message}" if message else str(word), LONGEST_REASON)


def _as_text(value: Value) -> str:
    """A value as HubSpot takes it: all are text, and an empty one clears a property."""
    return "" if value is None else re.sub(r"\.0$", "", str(value))
