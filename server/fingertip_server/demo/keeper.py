"""Outlives the narrator: when he is killed, ends what he started."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fingertip_server.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from fingertip_server.demo import remains

# A shell costs nothing while it waits for a word; silence for good means that nobody is left who
# could give it.
_WAIT = 'read word || exec "$0" -m fingertip_server.demo.keeper "$1"'


@contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """Ends all processes of the folder before and after, and has them ended after a kill -9.

    Belongs inside the supervisor's context, so that they are nobody else's.
    """
    remains.end(folder)
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", _WAIT, sys.executable, str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    remains.mark(folder)
    try:
        yield
    finally:
        remains.end(folder)
        keeper.communicate(b"done\n")


def clean_up(folder: Path) -> None:
    """Ends what a killed narrator left, PostgreSQL last."""
    remains.end(folder)
    postgres = EmbeddedPostgres(folder / "postgres")
    try:
        # Adopts the one that lost its supervisor.
        postgres.start()
    except EmbeddedPostgresError as error:
        # The next narrator was quicker, and looks after it now.
        sys.stderr.write(f"{error}\n")
        return
    postgres.stop()


if __name__ == "__main__":
    clean_up(Path(sys.argv[1]))
