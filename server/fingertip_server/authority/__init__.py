"""The bank's own small certificate authority: signs for customers, for the bank, and the time.

Knows no business and opens no database. What it makes, other programs read: X.509 (RFC 5280), CMS
(RFC 5652, with the attributes of CAdES) and time-stamps (RFC 3161).
"""
