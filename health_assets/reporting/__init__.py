"""The queries and the formatting behind everything that is shown. No page and no command computes a metric."""
