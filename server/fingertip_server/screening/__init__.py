"""Screening: who stands on a list, before anything is authorised and again before it is done."""
