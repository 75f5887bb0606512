"""Printers: where a slip goes. Into a file by default."""

import socket
from pathlib import Path
from typing import Protocol

from fingertip_ticket_machine import slips
from fingertip_ticket_machine.slips import Slip

_RAW_PORT = 9100
_PRINTER_SECONDS_MAX = 5.0


class PrinterFault(Exception):
    """The slip did not come out, as far as the machine can tell."""


class Printer(Protocol):
    """Prints slips."""

    def print_slip(self, slip: Slip) -> str:
        """Prints a slip and tells where it came out; raises PrinterFault."""


class FolderPrinter:
    """Writes what a printer would have been sent, one file for each slip."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def print_slip(self, slip: Slip) -> str:
        """Writes the slip's file and returns its path."""
        path = self._folder / f"{slip.time:%Y%m%d}-{slip.number}.escpos"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(slips.render(slip))
        except OSError as error:
            raise PrinterFault(str(error)) from error
        return str(path)


class DevicePrinter:
    """Writes to a printer's device file, for example /dev/usb/lp0."""

    def __init__(self, device: Path) -> None:
        self._device = device

    def print_slip(self, slip: Slip) -> str:
        """Sends the slip to the device."""
        try:
            with self._device.open("ab", buffering=0) as device:
                device.write(slips.render(slip))
        except OSError as error:
            raise PrinterFault(str(error)) from error
        return str(self._device)


class NetworkPrinter:
    """Sends to a printer in the network, by default on port 9100."""

    def __init__(self, host: str, port: int = _RAW_PORT) -> None:
        self._host = host
        self._port = port

    def print_slip(self, slip: Slip) -> str:
        """Sends the slip over a connection of its own."""
        address = (self._host, self._port)
        try:
            with socket.create_connection(address, timeout=_PRINTER_SECONDS_MAX) as connection:
                connection.sendall(slips.render(slip))
        except OSError as error:
            raise PrinterFault(str(error)) from error
        return f"{self._host}:{self._port}"


def printer_at(place: str) -> Printer:
    """Returns the printer at `folder:PATH`, `device:PATH` or `network:HOST[:PORT]`.

    Raises ValueError for any other place.
    """
    kind, _, rest = place.partition(":")
    match kind:
        case "folder" if rest:
            return FolderPrinter(Path(rest))
        case "device" if rest:
            return DevicePrinter(Path(rest))
        case "network" if rest:
            host, _, port = rest.partition(":")
            return NetworkPrinter(host, int(port or _RAW_PORT))
        case _:
            raise ValueError(
                f"A printer is folder:PATH, device:PATH or network:HOST[:PORT], not {place!r}."
            )
