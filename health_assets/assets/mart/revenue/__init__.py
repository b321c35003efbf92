"""Recurring revenue: does it stay, grow, come back?"""
