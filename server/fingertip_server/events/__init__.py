"""The feed: what changed, in the order of commits, to whoever may see it."""
