"""Protects personal data: seals, finds, commits to, signs, masks and redacts it.

Knows no business and opens no connection: whoever holds the key ring calls it.
"""
