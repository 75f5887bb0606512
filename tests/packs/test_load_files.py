"""YAML files of any content."""

from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.packs.load_files import load_file

# Pieces that YAML gives a meaning to.
_pieces = st.sampled_from(
    [
        "a", "b: ", ": ", "- ", "? ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "|", ">",
        "'", '"', "\\U0011", "\\x", "\\ud800", "&a ", "*a", "!!int ", "!", "%YAML 9.9", "---",
        "...", "# c", "<<: ", "~", "null", "\ufeff", "\u2028", "\t", "\r", "0x", "示范",
    ]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(_pieces, max_size=30).map("".join)))
def test_any_bytes_are_a_tree_or_faults(content: bytes | str) -> None:
    written = content if isinstance(content, bytes) else content.encode()
    loaded, faults = load_file("a.yaml", written)
    assert loaded or faults
    assert all(fault.file == "a.yaml" and fault.line >= 0 for fault in faults)
    assert loaded is None or loaded.line(("unknown", 3)) >= 1


def test_every_place_has_its_line() -> None:
    loaded, faults = load_file("a.yaml", b"# c\na: 0101\nb:\n  - c: no\n    d: ~\n  - [e, null]\n")
    assert loaded is not None
    assert not faults
    assert loaded.tree == {"a": "0101", "b": [{"c": "no", "d": None}, ["e", None]]}
    places = {
        (): 2, ("a",): 2, ("b",): 3, ("b", 0): 4, ("b", 0, "c"): 4, ("b", 0, "d"): 5,
        ("b", 1): 6, ("b", 1, 1): 6, ("b", 0, "missing"): 4, ("b", "kind", 0, "d", 7): 5,
    }  # fmt: skip
    assert {place: loaded.line(place) for place in places} == places
