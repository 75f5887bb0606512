"""Pure rules of the identifiers that a Chinese bank asks for: no database, no clock, no network.

Each module's `normalise` returns the value as it is stored, or raises `IdentifierFault`.
"""
