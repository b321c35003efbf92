"""What a table guarantees: contracts, shared columns, expressions, breakdowns and months. No table is declared here."""
