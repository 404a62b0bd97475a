"""The PNG files of a run. Values in, bytes out."""
