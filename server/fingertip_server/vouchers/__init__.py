"""Counted vouchers: blank cards and security devices, in the vault or in one teller's hands."""
