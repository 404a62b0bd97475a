"""Programs that run as runs: started, watched and ended; what their words and output say. Knows no store."""
