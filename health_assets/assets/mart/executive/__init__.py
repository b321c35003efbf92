"""Summaries for executives: one row per month, one row per segment."""
