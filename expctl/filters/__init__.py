"""The filter language: a text to an expression, an expression over a run. Pure: knows no store, screen or shell."""
