"""Data protection: sealing, finding, committing, signing, masking and redacting."""
