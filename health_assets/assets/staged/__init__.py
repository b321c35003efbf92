"""Parsed, cleaned and gated by contract; what fails is in quarantine with its reasons."""
