"""What happened, dense and typed: dimensions and facts."""
