"""Answers: one file a business question."""
