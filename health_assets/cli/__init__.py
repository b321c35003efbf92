"""What people type: each command parses its options, reads through reporting and prints. No metric is computed here."""

from health_assets.worker import collect_less

collect_less()
