"""The texts that customers agreed to, as they are stored, whatever a process has in memory."""

from sqlalchemy import Connection, select

from fingertip_server.packs.tables import PackDocument


def agreement(connection: Connection, code: str, version: int) -> str | None:
    """Returns the stored text of an agreement; nothing when there is none."""
    content = connection.execute(
        select(PackDocument.content).where(
            PackDocument.kind == "agreement",
            PackDocument.code == code,
            PackDocument.version == version,
        )
    ).scalar_one_or_none()
    text = content.get("text") if content is not None else None
    return text if isinstance(text, str) else None
