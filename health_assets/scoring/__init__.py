"""Scorecards, risk factors, churn labels and model, backtest and recurring revenue: formulas that marts share."""
