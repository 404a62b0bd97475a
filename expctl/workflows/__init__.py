"""The use cases, one file each: they compose training, tracking and analysis. Know no Typer, no Rich, no streams."""
