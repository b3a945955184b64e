"""What a power cut may leave of a folder: its files as a model, fed by the journal of the file layer.

What was synced is there. Of what was not, any part may be: some writes and not others, a part of one, torn at sectors. A name
that was made, changed or removed is certain once its directory is synced. After a sync that failed the writes before it may be
lost although a later one succeeds.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from random import Random
from typing import Literal, TypeVar

from msgspec import Struct, field

SECTOR = 512

T = TypeVar("T")

Style = Literal["nothing", "all", "prefix", "any"]
"""Of what was not synced: nothing, everything, what came first, or any part of it."""

_HEAD = struct.Struct("<BBxxIIIQq")


class _Change(Struct):
    """A write, or (``data`` is ``None``) a new size."""

    number: int
    offset: int
    data: bytes | None


class _Move(Struct):
    """Names of one directory that change together; ``None`` takes the name away."""

    number: int
    names: dict[str, Node | None]


class Node(Struct, eq=False):
    """A file or a directory: what is certain, and what came since. ``shown`` is what the system shows of a file."""

    folder: bool = False
    data: bytearray = field(default_factory=bytearray)
    shown: bytearray = field(default_factory=bytearray)
    changes: list[_Change] = field(default_factory=list[_Change])
    orphans: list[_Change] = field(default_factory=list[_Change])
    entries: dict[str, Node] = field(default_factory=dict[str, "Node"])
    kept: dict[str, Node] = field(default_factory=dict[str, "Node"])
    moves: list[_Move] = field(default_factory=list[_Move])


class Disk:
    """One folder. ``feed`` it the journal of each process that has ended; ``cut`` the power."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._top = Node(folder=True)
        self._inodes: dict[int, Node] = {}
        self._number = 0
        self.load()

    def load(self) -> None:
        """Take the folder as it lies there for certain."""
        self._inodes.clear()
        self._top = self._loaded(self.root)

    def _loaded(self, path: Path) -> Node:
        if path.is_dir():
            entries = {one.name: self._loaded(one) for one in path.iterdir() if not one.name.endswith("-shm")}
            node = Node(folder=True, entries=entries, kept=dict(entries))
        else:
            content = path.read_bytes()
            node = Node(data=bytearray(content), shown=bytearray(content))
        self._inodes[path.stat().st_ino] = node
        return node

    # ── the journal ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def feed(self, journal: bytes) -> int:
        """The journal of a process that has ended; its end may be cut off.

        Returns how many files and names are not as the journal says: a process that is killed in the middle of a call has done
        it, or a part of it, and cannot note it any more. That is taken in too.
        """
        self._read(journal)
        self._number += 1
        return self._caught_up(self._top, self.root)

    def _read(self, journal: bytes) -> None:
        at, syncs = 0, dict[int, int]()
        while at + _HEAD.size <= len(journal):
            kind, result, path_len, data_len, token, inode, offset = _HEAD.unpack_from(journal, at)
            at += _HEAD.size
            if at + path_len + data_len > len(journal):
                return
            path = journal[at : at + path_len].decode()
            data = journal[at + path_len : at + path_len + data_len]
            at += path_len + data_len
            self._number += 1
            match chr(kind):
                case "S":
                    syncs[token] = self._number
                case "E":
                    self._synced(self._inodes.get(inode), syncs.pop(token), failed=bool(result))
                case "W" | "T" as change:
                    if inode in self._inodes:  # a file that never had a name is not kept
                        self._change(self._inodes[inode], offset, data if change == "W" else None)
                case other:
                    self._named(other, path, data.decode() if other == "R" else "", inode)

    def _caught_up(self, node: Node, path: Path) -> int:
        if not node.folder:
            return self._contents_caught_up(node, path.read_bytes())
        there = {one.name: one for one in path.iterdir() if not one.name.endswith("-shm")}
        names: dict[str, Node | None] = dict.fromkeys(node.entries.keys() - there.keys())
        for name, one in there.items():
            if name not in node.entries:
                names[name] = self._inodes.setdefault(one.stat().st_ino, Node(folder=one.is_dir()))
        if names:
            self._move(node, names)
        return len(names) + sum(self._caught_up(node.entries[name], one) for name, one in there.items())

    def _contents_caught_up(self, node: Node, found: bytes) -> int:
        if bytes(node.shown) == found:
            return 0
        pairs = enumerate(zip(node.shown, found, strict=False))
        same = next((at for at, (old, new) in pairs if old != new), min(len(node.shown), len(found)))
        if len(node.shown) > len(found):
            self._change(node, len(found), None)
        if same < len(found):
            self._change(node, same, found[same:])
        return 1

    def _change(self, node: Node, offset: int, data: bytes | None) -> None:
        change = _Change(self._number, offset, data)
        node.changes.append(change)
        _apply(node.shown, change)

    def _named(self, kind: str, path: str, new: str, inode: int) -> None:
        if Path(path) == self.root:
            self._inodes[inode] = self._top
            return
        folder, name = self._place(path)
        if folder is None:
            return
        if kind in ("C", "M"):
            node = Node(folder=kind == "M")
            self._inodes[inode] = node
            self._move(folder, {name: node})
        elif kind == "O" and name in folder.entries:
            self._inodes[inode] = folder.entries[name]
        elif kind == "U":
            self._move(folder, {name: None})
        elif kind == "R":
            target, new_name = self._place(new)
            if target is not folder:
                raise ValueError(f"{path} was renamed into another directory, which the model cannot do: {new}")
            self._move(folder, {name: None, new_name: folder.entries.get(name)})

    def _place(self, path: str) -> tuple[Node | None, str]:
        *folders, name = Path(path).relative_to(self.root).parts
        node: Node | None = self._top
        for one in folders:
            node = node.entries.get(one) if node is not None else None
        return node, name

    def _move(self, folder: Node, names: dict[str, Node | None]) -> None:
        folder.moves.append(_Move(self._number, names))
        _rename(folder.entries, names)

    def _synced(self, node: Node | None, number: int, *, failed: bool) -> None:
        if node is None:
            return
        covered = [change for change in node.changes if change.number < number]
        node.changes = [change for change in node.changes if change.number >= number]
        if failed:
            node.orphans += covered
            return
        for change in covered:
            _apply(node.data, change)
            node.orphans = [one for one in node.orphans if not _overlap(one, change)]
        for move in [move for move in node.moves if move.number < number]:
            _rename(node.kept, move.names)
            node.moves.remove(move)

    def forget(self, path: Path) -> None:
        """A file was taken away from the outside, for good."""
        folder, name = self._place(str(path))
        if folder is not None:
            folder.entries.pop(name, None)
            folder.kept.pop(name, None)
            folder.moves = [move for move in folder.moves if name not in move.names]

    # ── the power cut ────────────────────────────────────────────────────────────────────────────────────────────────────

    def cut(self, random: Random, style: Style) -> None:
        """Leave in the folder what the power cut leaves, and go on from that."""
        shutil.rmtree(self.root)
        self._write(self._top, self.root, random, style)
        self.load()

    def _write(self, node: Node, path: Path, random: Random, style: Style) -> None:
        if not node.folder:
            path.touch(0o600)
            path.write_bytes(remains(node, random, style))
            return
        path.mkdir()
        entries = dict(node.kept)
        for move in _chosen(node.moves, random, style):
            _rename(entries, move.names)
        for name, child in entries.items():
            self._write(child, path / name, random, style)


def remains(node: Node, random: Random, style: Style) -> bytes:
    """A file's content after the cut."""
    data = bytearray(node.data)
    for orphan in node.orphans:
        if style == "all" or (style != "nothing" and random.random() < 0.5):
            _apply(data, orphan)
    changes = _chosen(node.changes, random, style)
    for place, change in enumerate(changes):
        last = style == "prefix" and place == len(changes) - 1
        if change.data and (last or (style == "any" and random.random() < 0.3)):
            for piece in _torn(change, random, in_order=last):
                _apply(data, piece)
        else:
            _apply(data, change)
    return bytes(data)


def _chosen(those: list[T], random: Random, style: Style) -> list[T]:
    if style == "any":
        keep = random.random()
        return [one for one in those if random.random() < keep]
    if style == "prefix":
        return those[: random.randint(0, len(those))]
    return those if style == "all" else []


def _torn(change: _Change, random: Random, *, in_order: bool) -> list[_Change]:
    """Some sectors of a write: the first ones, or any."""
    assert change.data is not None
    pieces: list[_Change] = []
    start, end = change.offset, change.offset + len(change.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        pieces.append(_Change(change.number, start, change.data[start - change.offset : stop - change.offset]))
        start = stop
    if in_order:
        return pieces[: random.randint(0, len(pieces))]
    return [piece for piece in pieces if random.random() < 0.5]


def _apply(data: bytearray, change: _Change) -> None:
    if len(data) < change.offset:
        data.extend(bytes(change.offset - len(data)))
    if change.data is None:
        del data[change.offset :]
    else:
        data[change.offset : change.offset + len(change.data)] = change.data


def _overlap(one: _Change, other: _Change) -> bool:
    if one.data is None or other.data is None:
        return other.data is None and (one.data is None or one.offset >= other.offset)
    return one.offset < other.offset + len(other.data) and other.offset < one.offset + len(one.data)


def _rename(entries: dict[str, Node], names: dict[str, Node | None]) -> None:
    for name, node in names.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node
