"""The journal: who did or tried what, in chains that nobody rewrites unnoticed."""
