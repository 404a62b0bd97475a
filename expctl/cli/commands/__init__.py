"""One file a command: its arguments, one call of a workflow, one render. Nothing is computed here."""
