"""What a person types. One file a command: arguments -> one call -> one render. Owns both streams."""
