"""Options that several commands share, declared once as types, and what completes them in a shell."""
