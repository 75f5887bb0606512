"""The second teller's desk: he is on shift, and comes to a colleague's tablet to approve there."""

from fingertip_server.demo import party
from fingertip_server.demo.party import Party


async def stand_by(desk: Party) -> None:
    """Works at his own desk until the day is over."""
    desk.ready("到岗，随时为同事现场授权")
    await desk.cues.get()


if __name__ == "__main__":
    party.play("second-desk", "柜员", stand_by)
