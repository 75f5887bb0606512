"""Reads a pack's YAML files into plain trees that remember their lines.

A pack uses a small part of YAML. Every scalar stays the text that was written and the schema
decides what it means: a branch `0101` is not an octal number, a country `NO` not a refusal.
Duplicate keys, anchors, tags and deep nesting are faults.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import yaml

from fingertip_server.identifiers import text
from fingertip_server.packs.faults import Fault

Tree: TypeAlias = "str | list[Tree] | dict[str, Tree] | None"
KeyPath: TypeAlias = tuple[str | int, ...]

_LONG_ESCAPE = re.compile(r"\\U[0-9A-Fa-f]")

DEPTH_MAX = 16
FILE_BYTES_MAX = 1024 * 1024


class _Mark(Protocol):
    """What PyYAML's two kinds of marks have in common."""

    line: int


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """One file: its name within the pack, its bytes, and its tree with the line of each place."""

    name: str
    content: bytes
    tree: Tree
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """Returns the line of a place, or of what is nearest around it.

        A step that is not in the file is passed over: a missing key has no line of its own, and
        validation names kinds of values between the keys.
        """
        known: KeyPath = ()
        for step in path:
            if (*known, step) in self.lines:
                known = (*known, step)
        return self.lines[known]


def load_files(folder: Path) -> tuple[list[LoadedFile], list[Fault]]:
    """Returns every readable YAML file below the folder by name, and what is wrong with them all.

    Names that begin with a dot are left out; README.md may explain the pack.
    """
    files: list[LoadedFile] = []
    faults: list[Fault] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name == "README.md" or any(p[0] == "." for p in name.split("/")):
            continue
        if path.suffix != ".yaml":
            faults.append(Fault(name, 0, "A pack has .yaml files and a README.md only."))
            continue
        loaded, found = load_file(name, path.read_bytes())
        faults += found
        if loaded:
            files.append(loaded)
    return files, faults


def load_file(name: str, content: bytes) -> tuple[LoadedFile | None, list[Fault]]:
    """Returns the file as a tree, None where it cannot be one, and what is wrong with it."""
    if len(content) > FILE_BYTES_MAX:
        return None, [Fault(name, 0, f"The file is larger than {FILE_BYTES_MAX} bytes.")]
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return None, [Fault(name, line, "The file is not UTF-8.")]
    faults = [Fault(name, line, message) for line, message in _unreadable(written)]
    if faults:
        return None, faults
    try:
        faults = [Fault(name, line, message) for line, message in _unwanted(written)]
        if faults:
            return None, faults
        node = yaml.compose(written, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [Fault(name, _line(mark), f"This is not YAML: {error.problem}.")]
    except yaml.reader.ReaderError as error:
        line = written.count("\n", 0, error.position) + 1
        return None, [Fault(name, line, "The file holds a control character.")]
    if node is None:
        return None, [Fault(name, 0, "The file is empty.")]
    lines: dict[KeyPath, int] = {(): _line(node.start_mark)}
    tree = _read(node, (), name, lines, faults)
    return LoadedFile(name, content, tree, lines), faults


def _unreadable(written: str) -> Iterator[tuple[int, str]]:
    """Finds lines that say something else than they show."""
    for number, line in enumerate(written.split("\n"), start=1):
        if any(text.is_hidden(character) for character in line.removesuffix("\r")):
            yield number, "The line holds a character that nobody sees."
        if _LONG_ESCAPE.search(line):
            # Also because PyYAML falls over those beyond Unicode.
            yield number, "A pack has no long escapes; write the character itself."


def _unwanted(written: str) -> Iterator[tuple[int, str]]:
    """Finds what would make the tree endless, enormous or something else than text.

    It looks at the flat stream of events, because composing the tree already recurses.
    """
    depth = 0
    for event in yaml.parse(written, Loader=yaml.SafeLoader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            yield line, "A pack has no aliases; write the value out."
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.anchor is not None:
                yield line, "A pack has no anchors; write the value out."
            if event.tag is not None:
                yield line, "A pack has no tags; the schema knows what a value is."
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                yield line, f"The file nests deeper than {DEPTH_MAX} levels."
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _read(
    node: yaml.Node, at: KeyPath, name: str, lines: dict[KeyPath, int], faults: list[Fault]
) -> Tree:
    if isinstance(node, yaml.SequenceNode):
        items: list[Tree] = []
        for index, item in enumerate(node.value):
            lines[*at, index] = _line(item.start_mark)
            items.append(_read(item, (*at, index), name, lines, faults))
        return items
    if isinstance(node, yaml.MappingNode):
        entries: dict[str, Tree] = {}
        for key, value in node.value:
            line = _line(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                faults.append(Fault(name, line, "A key is a word."))
            elif key.value in entries:
                faults.append(Fault(name, line, f"The key {key.value!r} stands here twice."))
            else:
                lines[*at, key.value] = line
                entries[key.value] = _read(value, (*at, key.value), name, lines, faults)
        return entries
    value = str(node.value)
    # An escape may stand for what nobody sees; a text of several lines is fine.
    if any(text.is_hidden(character) for character in value.replace("\n", "")):
        message = "The value holds a character that nobody sees."
        faults.append(Fault(name, _line(node.start_mark), message))
    is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return None if is_plain and value in {"", "~", "null"} else value


def _line(mark: _Mark | None) -> int:
    return mark.line + 1 if mark else 0
