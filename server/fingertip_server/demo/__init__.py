"""The demo bank at work: a standing server to try, and the story played once."""
