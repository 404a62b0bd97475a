"""The commands, one file each: arguments, one call, one render."""
