"""What comes out of the printer."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fingertip_ticket_machine import slips
from fingertip_ticket_machine.printers import (
    DevicePrinter,
    FolderPrinter,
    NetworkPrinter,
    PrinterFault,
    printer_at,
)
from fingertip_ticket_machine.slips import Slip

SLIP = Slip("示范银行静安支行", "个人业务", "B007", 3, datetime(2026, 11, 23, 9, 5, 7, tzinfo=UTC))


def test_a_slip_shows_branch_line_number_waiting_count_and_time() -> None:
    paper = slips.render(SLIP)
    # The printer is reset and told to read Chinese before anything else.
    assert paper.startswith(b"\x1b@\x1c&")
    for text in ["示范银行静安支行", "个人业务", "前面等候 3 人", "2026-11-23 09:05:07"]:
        assert text.encode("gb18030") in paper
    # Four times as high and as wide as the rest.
    assert paper.index(b"\x1d!\x33") < paper.index(b"B007")
    assert paper.endswith(b"\x1dV\x00")


def test_a_slip_taken_without_the_server_does_not_make_up_a_waiting_count() -> None:
    paper = slips.render(Slip("支行", "个人业务", "B007", None, SLIP.time))
    assert "等候人数暂时无法显示".encode("gb18030") in paper
    assert "前面等候".encode("gb18030") not in paper


def test_characters_outside_the_basic_plane_are_printed() -> None:
    assert "𠮷林支行".encode("gb18030") in slips.render(
        Slip("𠮷林支行", "个人业务", "B007", 0, SLIP.time)
    )


def test_by_default_a_slip_goes_into_a_file_of_its_own(tmp_path: Path) -> None:
    place = FolderPrinter(tmp_path / "tickets").print_slip(SLIP)
    assert place == str(tmp_path / "tickets" / "20261123-B007.escpos")
    assert Path(place).read_bytes() == slips.render(SLIP)


def test_a_device_gets_one_slip_after_the_other(tmp_path: Path) -> None:
    device = tmp_path / "lp0"
    device.touch()
    DevicePrinter(device).print_slip(SLIP)
    DevicePrinter(device).print_slip(SLIP)
    assert device.read_bytes() == slips.render(SLIP) * 2


async def test_a_printer_in_the_network_gets_the_slip() -> None:
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.read())
        writer.close()

    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.to_thread(NetworkPrinter("127.0.0.1", port).print_slip, SLIP)
        async with asyncio.timeout(5):
            assert await received == slips.render(SLIP)


async def test_a_printer_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    with pytest.raises(PrinterFault):
        NetworkPrinter("127.0.0.1", port).print_slip(SLIP)
    with pytest.raises(PrinterFault):
        DevicePrinter(tmp_path / "absent" / "lp0").print_slip(SLIP)
    (tmp_path / "taken").touch()
    with pytest.raises(PrinterFault):
        FolderPrinter(tmp_path / "taken").print_slip(SLIP)


def test_a_place_names_its_kind_of_printer() -> None:
    assert isinstance(printer_at("folder:/tmp/tickets"), FolderPrinter)
    assert isinstance(printer_at("device:/dev/usb/lp0"), DevicePrinter)
    assert isinstance(printer_at("network:10.0.0.9"), NetworkPrinter)
    assert isinstance(printer_at("network:10.0.0.9:9101"), NetworkPrinter)
    for place in ["", "paper", "folder:", "usb:1"]:
        with pytest.raises(ValueError, match="A printer is"):
            printer_at(place)
