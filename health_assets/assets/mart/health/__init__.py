"""Health of accounts, the risk that they leave, and what drives it."""
