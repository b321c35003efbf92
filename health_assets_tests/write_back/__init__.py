"""Tests of health_assets.write_back."""
