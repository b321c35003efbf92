"""Answers: one folder for who asks, one file a question."""
