"""A write-back in a process of its own that kills itself with SIGKILL: FAULT is "posting 2", for example.

It is killed before or after it writes a batch, or while it marks what was written.
"""

import os

from health_assets import settings
from health_assets.write_back.store import WriteBackOutbox
from health_assets.write_back.web_targets import HubSpot
from health_assets.write_back.writing import write_back
from health_assets_tests.faults.killed_delivery import killing

PLACES = {"posting": (HubSpot, "post"), "posted": (HubSpot, "post"), "marking": (WriteBackOutbox, "settle")}

if __name__ == "__main__":
    place, count = os.environ["FAULT"].split()
    owner, name = PLACES[place]
    setattr(owner, name, killing(getattr(owner, name), int(count), before=place == "posting"))
    HubSpot.rows_at_once = 2
    write_back(settings.load())
