"""Hostile inputs made of sample payloads: fast, plain and repeatable from a seed."""

from __future__ import annotations

import base64
import gzip
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

MEBIBYTE = 1 << 20

_WORDS = """null true false -1 0 -0 1.0 1e99 -1e-99 1e400 1e-400000 1e99999999999999999999 NaN -Infinity
9007199254740993 -9223372036854775809 18446744073709551616 0.00000000000000000001 99999999999
"" "null" "0" "12" "1.50" "NaN" "a\\u0000b" "\\ud83d\\ude00" "\\ud83d" "wye:rest" "a,b;c|d" "?" "#"
"2022-02-23T10:27:42.123456789Z" "1969-12-31T23:59:59-14:00" "0000-00-00T00:00:00Z"
[] {} [null] [[]] [{}] {"":null} {"a":{"a":1}} [1,[2,[3]]] {"wye:rest":{"a":1}}
{"text":["a",1,null]} {"value":0,"set_timestamp":-1}"""

TOKENS = [
    *(word.encode() for word in _WORDS.split()),
    *(b"[" * deep + b"]" * deep for deep in (30, 59, 60, 61, 300, 5000)),
    *(b'{"a":' * deep + b"1" + b"}" * deep for deep in (30, 59, 60, 61, 300)),
    b'" "',
    b'"\xff"',
    b'"' + b"x" * 20_000 + b'"',
    b'"' + "😀é".encode() * 2_000 + b'"',
    b"1" * 300,
    b"0." + b"3" * 5_000,
    b"1" * 5_000,
]
"""What takes the place of a value, or lands anywhere."""

_SCALAR = rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null'
_MEMBER = re.compile(rb'("(?:[^"\\]|\\.)*"\s*:)\s*(' + _SCALAR + rb"|\[\s*\]|\{\s*\})")
_VALUE = re.compile(rb"(?<=[:\[,])\s*(" + _SCALAR + rb")(?=\s*[,\]}])")
_OBJECT = re.compile(rb"\{[^{}]*\}")


class Seed(NamedTuple):
    """A payload, and where its values, its members and its innermost objects are."""

    body: bytes
    values: Sequence[tuple[int, int]]
    members: Sequence[tuple[bytes, bytes]]
    objects: Sequence[tuple[int, int]]


def seed_of(body: bytes) -> Seed:
    return Seed(
        body,
        [match.span(1) for match in _VALUE.finditer(body)],
        [(match[1], match[2]) for match in _MEMBER.finditer(body)],
        [match.span() for match in _OBJECT.finditer(body)],
    )


def seeds_in(*folders: Path) -> list[Seed]:
    """Every file in the folders, and on one line where it has several; what is in several folders is taken once."""
    bodies = {path.read_bytes() for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()) if path.is_file()}
    lines = {re.sub(rb"\n\s*", b" ", body).strip() for body in bodies}
    return [seed_of(body) for body in sorted(bodies | lines) if body.strip()]


class Mutator:
    """Makes one input after the other. The same seeds and the same ``random`` make the same inputs."""

    def __init__(self, seeds: Sequence[Seed], chance: random.Random, inflate_every: int = 5_000) -> None:
        self._seeds = seeds
        self._chance = chance
        self._inflate_every = inflate_every
        self._members = [member for seed in seeds for member in seed.members]

    def next(self) -> bytes:
        chance = self._chance
        if chance.random() * self._inflate_every < 1:
            return self._inflated()
        body = self._small()
        return base64.b64encode(gzip.compress(body, 1, mtime=0)) if chance.random() < 0.005 else body

    def _small(self) -> bytes:
        seed = self._chance.choice(self._seeds)
        body = self._respelt(seed) if self._chance.random() < 0.8 else seed.body
        for _ in range(self._chance.choice((0, 0, 0, 1, 1, 2))):
            body = self._chance.choice(_ANYWHERE)(self, body)
        return body

    # ── where values are ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _respelt(self, seed: Seed) -> bytes:
        """The payload with some of its values replaced, and members put in."""
        chance = self._chance
        cuts: dict[int, tuple[int, bytes]] = {}
        for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
            kind = chance.random()
            if kind < 0.55 and seed.values:
                start, end = chance.choice(seed.values)
                cuts[start] = (end, self._value())
            elif kind < 0.9 and seed.objects:
                start, end = chance.choice(seed.objects)
                cuts[start + 1] = (start + 1, self._member() + (b"," if seed.body[start + 1 : end - 1].strip() else b""))
            elif seed.objects:
                start, end = chance.choice(seed.objects)
                one = seed.body[start:end]
                cuts[start] = (end, chance.choice((b"null", b"[]", b"{}", b"5", one + b"," + one)))
        return _with(seed.body, cuts)

    def _value(self) -> bytes:
        if self._chance.random() < 0.7:
            return self._chance.choice(TOKENS)
        other = self._chance.choice(self._seeds)
        if not other.values:
            return b"null"
        start, end = self._chance.choice(other.values)
        return other.body[start:end]

    def _member(self) -> bytes:
        """One that a sample has (twice, perhaps), with its value or another, or one that nobody knows."""
        chance = self._chance
        if chance.random() < 0.25 or not self._members:
            return b'"odd_%d":' % chance.randrange(100) + self._value()
        name, value = chance.choice(self._members)
        return name + (value if chance.random() < 0.4 else self._value())

    # ── anywhere ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def flipped(self, body: bytes) -> bytes:
        changed = bytearray(body)
        for _ in range(self._chance.randint(1, 4)):
            if changed:
                changed[self._chance.randrange(len(changed))] = self._chance.randrange(256)
        return bytes(changed)

    def cut(self, body: bytes) -> bytes:
        start = self._chance.randrange(len(body) + 1)
        return body[:start] + body[start + self._chance.randint(1, 40) :]

    def spliced(self, body: bytes) -> bytes:
        start = self._chance.randrange(len(body) + 1)
        return body[:start] + self._chance.choice(TOKENS) + body[start + self._chance.choice((0, 0, 1, 5)) :]

    def crossed(self, body: bytes) -> bytes:
        other = self._chance.choice(self._seeds).body
        return body[: self._chance.randrange(len(body) + 1)] + other[self._chance.randrange(len(other)) :]

    def repeated(self, body: bytes) -> bytes:
        start = self._chance.randrange(len(body) + 1)
        end = min(len(body), start + self._chance.randint(1, 60))
        return body[:end] + body[start:end] * self._chance.randint(1, 30) + body[end:]

    def shortened(self, body: bytes) -> bytes:
        return body[: self._chance.randrange(len(body) + 1)]

    def noise(self, body: bytes) -> bytes:
        return self._chance.randbytes(self._chance.randint(0, 400))

    def framed(self, body: bytes) -> bytes:
        """Two records, in one of the ways in which records come."""
        before, between, after = self._chance.choice(_FRAMES)
        return before + body + between + self._chance.choice(self._seeds).body + after

    # ── large ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _inflated(self) -> bytes:
        """About a mebibyte: an array or lines of documents, or one document in which something is there many times."""
        chance = self._chance
        seed = chance.choice(self._seeds)
        kind = chance.randrange(5)
        if kind == 4:
            return self._swollen(seed)
        pieces = [self._respelt(seed) if kind != 1 else seed.body for _ in range(1 if kind == 0 else 40)]
        pieces = [piece.replace(b"\n", b" ") for piece in pieces if len(piece) < 8_000] or [b"{}"]
        times = MEBIBYTE // (sum(map(len, pieces)) + len(pieces)) + 1
        return b"\n".join(pieces * times) if kind == 3 else b"[" + b",".join(pieces * times) + b"]"

    def _swollen(self, seed: Seed) -> bytes:
        if not seed.objects:
            return seed.body
        start, end = self._chance.choice(seed.objects)
        if self._chance.random() < 0.5:
            one = seed.body[start:end]
            return seed.body[:start] + b",".join([one] * (MEBIBYTE // (len(one) + 1))) + seed.body[end:]
        many = b"".join(b'"odd_%d":%d,' % (number, number) for number in range(60_000))
        return seed.body[: start + 1] + many + seed.body[start + 1 :]


_FRAMES = ((b"[", b",", b"]"), (b"", b"\n", b"\n"), (b"", b"", b""), (b"\xef\xbb\xbf", b" ", b""))

_ANYWHERE: tuple[Callable[[Mutator, bytes], bytes], ...] = (
    Mutator.flipped,
    Mutator.cut,
    Mutator.spliced,
    Mutator.crossed,
    Mutator.repeated,
    Mutator.shortened,
    Mutator.noise,
    Mutator.framed,
)


def _with(body: bytes, cuts: dict[int, tuple[int, bytes]]) -> bytes:
    """``body`` with the bytes from each place up to its end replaced; of what overlaps, the first counts."""
    pieces: list[bytes] = []
    done = 0
    for start in sorted(cuts):
        end, text = cuts[start]
        if start >= done:
            pieces += (body[done:start], text)
            done = end
    return b"".join((*pieces, body[done:]))
