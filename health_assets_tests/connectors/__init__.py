"""Pulls from APIs, over HTTP on loopback."""
