"""The shop: what accounts buy, whether they come back and pay in time."""
