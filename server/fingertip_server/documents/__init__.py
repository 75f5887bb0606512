"""Renders what people take home as PDF (ISO 32000), with the bank's signature in it (PAdES).

Knows no business. The same blocks give the same bytes, up to the signature.
"""
