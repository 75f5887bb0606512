"""The demo bank with its scene changed, for a test."""

from dataclasses import replace

from fingertip_server.app import App
from fingertip_server.packs.bank import Bank
from tests.world import read_demo


def change_scene(server: App, code: str = "debit_card_account", **update: object) -> None:
    """Has a running server work with another version of a scene, which goes by no amount."""
    pack = read_demo()
    scenes = tuple(
        scene.model_validate({**scene.model_dump(), "amount_field": None, "levels": (), **update})
        if scene.code == code
        else scene
        for scene in pack.scenes
    )
    server.frame.bank = Bank(replace(pack, scenes=scenes), pack.forms, pack.agreements)
