"""A bank for demonstrations and tests: deterministic, durable, and as unreliable as one likes."""
