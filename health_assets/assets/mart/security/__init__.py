"""Managed security: incidents, satisfaction and the journey of accounts."""
