"""docs/alert.png: the message of an alert run as a phone shows it. Needs chromium: `python docs/alert_image.py`."""

import html
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from health_assets import settings
from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.message import Context, messages
from health_assets.alerts.routing import entries_of
from health_assets.settings.alerts import Person

WIDTH, SCALE, COLOURS = 390, 2, 32
DAY = date(2026, 11, 27)
SIGNS = {":red_circle:": "#e01e5a", ":large_orange_circle:": "#ecb22e", ":large_green_circle:": "#2eb67d"}
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; width: {width}px; background: #fff; color: #1d1c1d; font: 15px/1.46 "Noto Sans", Lato, Arial, sans-serif }}
main {{ padding: 12px 14px 14px 56px; position: relative }}
.logo {{ position: absolute; left: 14px; top: 14px; width: 32px; height: 32px; border-radius: 6px; background: #4a154b; color: #fff;
  text-align: center; line-height: 32px; font-weight: 700 }}
.from {{ font-weight: 900 }} .app {{ background: #e8e8e8; font-size: 10px; padding: 1px 3px; border-radius: 2px; color: #616061 }}
h1 {{ font-size: 18px; line-height: 1.33; margin: 4px 0 8px }}
section {{ margin: 0 0 12px; overflow-wrap: anywhere }} footer {{ color: #616061; font-size: 13px }}
a {{ color: #1264a3; text-decoration: none }} b a {{ font-weight: 700 }}
.at {{ background: #e8f5fa; color: #1264a3; border-radius: 3px; padding: 0 2px }}
.sign {{ display: inline-block; width: 13px; height: 13px; border-radius: 50%; vertical-align: -1px; margin-right: 2px }}
</style><main><div class="logo">h</div><div><span class="from">health-assets</span> <span class="app">APP</span></div>{blocks}</main>"""


def alert(account_id: str, name: str, mrr: float, news: str, reasons: list[str], **given: Any) -> AccountAlert:
    """An alert of the demo company."""
    about: dict[str, Any] = {
        "rule": "risk_level",
        "severity": "critical",
        "kind": "entered",
        "before": None,
        "now": "high",
        "as_of_date": DAY,
        "is_good_news": False,
        "owner": "Lena Fischer",
        "segment": None,
        "tier": None,
        "region": None,
        "next_step": None,
        "listed_count": 9,
    }
    return AccountAlert(account_id=account_id, name=name, mrr=mrr, news=news, reasons=reasons, **(about | given))


ALERTS = [
    alert(
        "ACC-0088",
        "Pine Schools Group",
        2100.0,
        "Churn risk is now critical, was medium until 24 November",
        [
            "The account is suspended in the CRM",
            "No login for 22 days",
            "Past due and unpaid: 4 invoices (8,400 in total)",
        ],
        rank=1,
        next_step="Have an executive sponsor call and agree a recovery plan (Head of Customer Success, within 1 day)",
    ),
    alert(
        "ACC-0102",
        "Arbor Learning & Co",
        840.0,
        "Health is now at risk (55), down 13 points in 30 days, was neutral until 25 November",
        [
            "Usage fell 62% compared with the previous 30 days, from 418 to 159 events",
            "Weakest: usage 31 (no login for 19 days), support 44 (58.3% of tickets within SLA in 90 days)",
        ],
        severity="warning",
        rank=2,
        next_step="Review the weakest areas with the account (Customer Success Manager, within 7 days)",
    ),
    alert("ACC-0031", "Cobalt Partners", 3750.0, "Churned on 26 November", [], rule="churned", owner="Emily Rodriguez"),
    alert(
        "ACC-0140",
        "Delta Trading",
        360.0,
        "Recovered: health is 71 (neutral), churn risk is low",
        [],
        rule="recovered",
        severity="info",
        is_good_news=True,
        owner="Emily Rodriguez",
    ),
]


def shown(markup: str) -> str:
    """Slack's mrkdwn as HTML."""
    text = re.sub(r"<@\w+>", '<span class="at">@Lena Fischer</span>', markup)
    text = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"\*([^*]+)\*", r"<b>\1</b>", text)
    for sign, colour in SIGNS.items():
        text = text.replace(sign, f'<i class="sign" style="background: {colour}"></i>')
    return text.replace("\n", "<br>")


def page() -> str:
    """The message as HTML."""
    context = Context(
        company="Demo Company",
        currency="USD",
        account_link="https://crm.example.com/accounts/{account_id}",
        people={"Lena Fischer": Person(slack="U0123ABCD")},
    )
    (message,) = messages(entries_of(ALERTS, settings.load(), datetime(2026, 11, 27, 12, tzinfo=UTC)), context)
    tags = {"header": "h1", "section": "section", "context": "footer"}
    blocks = [
        (tags[block["type"]], (block["text"] if "text" in block else block["elements"][0])["text"])
        for block in message.blocks
    ]
    return PAGE.format(width=WIDTH, blocks="".join(f"<{tag}>{shown(text)}</{tag}>" for tag, text in blocks))


def main(image: Path) -> None:
    """Write the image, as high as the message."""
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed")
    with TemporaryDirectory() as folder:
        file = Path(folder, "message.html")
        file.write_text(page(), encoding="utf-8")
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
        ]
        measure = "<script>document.title = document.querySelector('main').offsetHeight</script>"
        Path(folder, "height.html").write_text(page() + measure, encoding="utf-8")
        dom = subprocess.run(
            [chromium, *options, f"--window-size={WIDTH},900", "--dump-dom", f"file://{folder}/height.html"],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
        height = int(html.unescape(re.search(r"<title>(\d+)</title>", dom)[1]))  # type: ignore[index]
        size = [f"--window-size={WIDTH},{height}", f"--force-device-scale-factor={SCALE}", f"--screenshot={image}"]
        subprocess.run([chromium, *options, *size, f"file://{file}"], check=True, capture_output=True, timeout=120)
    Image.open(image).convert("RGB").quantize(COLOURS).save(image, optimize=True)


if __name__ == "__main__":
    main(Path(__file__).with_name("alert.png").resolve())
