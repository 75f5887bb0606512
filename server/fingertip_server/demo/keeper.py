"""Outlives the narrator, even a killed one: when he goes without a word, ends what he started."""

import sys
from pathlib import Path

from fingertip_server.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from fingertip_server.demo import remains

# The narrator's last word when he has ended everything himself.
DONE = "done\n"


def keep(folder: Path) -> None:
    """Waits until standard input ends, and cleans up unless told that nothing is left."""
    if sys.stdin.read() == DONE:
        return
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
    keep(Path(sys.argv[1]))
