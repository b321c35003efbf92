"""Answers to business questions: one folder per domain, one file per question."""
