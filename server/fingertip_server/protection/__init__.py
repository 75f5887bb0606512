"""Protects personal data: seals, finds, commits to, signs, masks and redacts it.

Knows no business and opens no connection: whoever holds the key ring calls it.
"""

from fingertip_server.protection.protection import Protection
from fingertip_server.protection.types import Blind, DataClass, Protected, Sealed

__all__ = ["Blind", "DataClass", "Protected", "Protection", "Sealed"]
