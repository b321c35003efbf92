"""localstripe, a Stripe server written by others, on loopback; run as a program it serves, imported it starts that program."""

import base64
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

KEY = "sk_test_LOOPBACK_never_shown"


@dataclass
class LocalStripe:
    """A server that runs."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, path: str, **fields: Any) -> dict[str, Any]:
        return self.call("POST", path, fields)

    def delete(self, path: str) -> dict[str, Any]:
        return self.call("DELETE", path, {})

    def call(self, method: str, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        data = urllib.parse.urlencode(fields).encode() if fields else None
        request = urllib.request.Request(f"{self.url}{path}", data, method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{KEY}:".encode()).decode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def customer(self, name: str) -> str:
        """A customer with a card, by which invoices are paid."""
        card = {"card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": 123}
        method = self.post("/v1/payment_methods", type="card", **card)["id"]
        customer = self.post("/v1/customers", name=name, email=f"{name.split()[0].lower()}@example.com")["id"]
        self.post(f"/v1/payment_methods/{method}/attach", customer=customer)
        self.post(f"/v1/customers/{customer}", **{"invoice_settings[default_payment_method]": method})
        return str(customer)

    def plan(self, name: str, amount: int, interval: str = "month", currency: str = "usd") -> str:
        return str(
            self.post("/v1/plans", amount=amount, currency=currency, interval=interval, **{"product[name]": name})["id"]
        )

    def subscription(self, customer: str, plan: str, start: int, quantity: int = 1) -> str:
        items = {"items[0][plan]": plan, "items[0][quantity]": quantity}
        return str(self.post("/v1/subscriptions", customer=customer, backdate_start_date=start, **items)["id"])


@contextmanager
def running() -> Iterator[LocalStripe]:
    """An empty server, for the `with` block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, __file__, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        stripe = LocalStripe(port)
        for _ in range(600):
            try:
                stripe.call("GET", "/v1/customers", {})
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield stripe
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    from aiohttp import web
    from localstripe.resources import Store
    from localstripe.server import app

    Store.dump_to_disk = lambda self: None  # it would write to /tmp after each request
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
