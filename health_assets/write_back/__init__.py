"""Write-back: scores, bands, risk levels, reasons and next steps go from the published snapshot to other systems.

What changed since the last confirmed write is put into an outbox of its own and delivered as alerts are.
"""
