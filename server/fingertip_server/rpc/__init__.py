"""From the contract to the handler. Knows no banking."""
