"""The shared core: data, features and model families, fit, evaluate. Knows nothing of MLflow, Typer or Rich."""
