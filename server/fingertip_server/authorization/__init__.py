"""Dual control: a second person decides about exactly what he was shown."""
