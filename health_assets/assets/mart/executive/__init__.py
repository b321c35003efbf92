"""Everything in one look: a row a month, a row a segment."""
