"""Faults, made for real: processes are killed and stopped, and what is left behind is looked at."""
