"""Work for the adapters of the bank's systems: queued, leased, reported."""
