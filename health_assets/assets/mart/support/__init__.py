"""Support and satisfaction: response times, targets, ratings, NPS."""
