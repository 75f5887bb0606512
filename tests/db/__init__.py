"""The database: the embedded server and what stands on it."""
