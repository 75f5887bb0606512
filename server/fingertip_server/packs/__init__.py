"""Bank packs: folders of YAML with what a bank is and decided, read, checked and kept."""

from pathlib import Path
from typing import Final

DEMO: Final = Path(__file__).parent / "demo"
