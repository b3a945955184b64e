"""Where each event of a spool is on its way through memory and file. Sans-io: it is told what was written and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from wye.batch import Batch
from wye.buffer.pieces import Piece, joined
from wye.buffer.rows import Counts, StoredRow, Totals
from wye.buffer.window import Row, Window
from wye.delivery import Fate
from wye.event import Event
from wye.ledger import SinkAccount


class NewRow(Struct, eq=False):
    """A row that is about to be written, and the pieces it is made of."""

    stored: StoredRow
    pieces: Sequence[Piece]


class Backlog:
    """Pending pieces become rows of the file. The oldest rows are in memory too, in the window; the others are unread. A row
    whose events are all settled is ended, and waits for being taken out.

    ``held`` is what is not settled. ``on_end`` is called when a row has ended.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self.held_events = 0
        self.held_bytes = 0
        self.pending: list[Piece] = []
        self.pending_bytes = 0
        self.writing: list[NewRow] = []
        self.window = Window()
        self.rows: dict[int, Row] = {}
        self.unread_events = 0
        self.unread_bytes = 0
        self.read_upto = 0
        self.last_seq = 0
        self.ended: list[int] = []
        self._composed = 0
        self._partly = Counts()
        self._on_end = on_end

    @property
    def safe_events(self) -> int:
        """Held ones that are not on their way into the file."""
        return self.held_events - sum(len(piece.events) for piece in self._unwritten())

    @property
    def oldest_held_at(self) -> float | None:
        """When the oldest event came that is in memory and not settled."""
        for row in self.rows.values():
            return row.batch.came_at
        unwritten = self._unwritten()
        return unwritten[0].batch.came_at if unwritten else None

    def _unwritten(self) -> list[Piece]:
        return [piece for row in self.writing for piece in row.pieces] + self.pending

    def restore(self, totals: Totals) -> None:
        """Begin with what a file holds."""
        self.held_events = self.unread_events = totals.events
        self.held_bytes = self.unread_bytes = totals.bytes
        self.last_seq = self._composed = totals.last_seq

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, piece: Piece) -> None:
        """One more to be written."""
        self.pending.append(piece)
        self._count(piece, 1)

    def add_safe(self, batch: Batch) -> None:
        """One that is safe elsewhere: to be taken behind what is in memory now, and never written."""
        self.held_events += len(batch.events)
        self.window.append(batch)

    def give_back_oldest(self) -> Piece:
        """The oldest piece that is not being written, out again."""
        piece = self.pending.pop(0)
        self._count(piece, -1)
        return piece

    def give_back_all(self) -> list[Piece]:
        """All that is not written, out again."""
        pieces = self._unwritten()
        self.writing, self.pending = [], []
        for piece in pieces:
            self._count(piece, -1)
        return pieces

    def _count(self, piece: Piece, sign: int) -> None:
        self.held_events += sign * len(piece.events)
        self.held_bytes += sign * len(piece.payload)
        self.pending_bytes += sign * len(piece.payload)

    def compose(self, now_ms: int, now: float) -> list[NewRow]:
        """All that is pending, as the rows to write next."""
        for pieces in joined(self.pending):
            self._composed += 1
            payload = b"".join(piece.payload for piece in pieces)
            count = sum(len(piece.events) for piece in pieces)
            came_ms = now_ms - int((now - pieces[0].batch.came_at) * 1000)
            self.writing.append(NewRow(StoredRow.of(self._composed, count, came_ms, payload), pieces))
        self.pending = []
        return self.writing

    def written(self) -> list[NewRow]:
        """What was composed is in the file: it can be taken, or read when its turn comes. Returns it."""
        done, self.writing = self.writing, []
        for new in done:
            stored = new.stored
            self.last_seq = stored.seq
            self.pending_bytes -= len(stored.payload)
            if self.unread_events or not self.window.has_room(stored.count, len(stored.payload)):
                self.unread_events += stored.count
                self.unread_bytes += len(stored.payload)
                continue
            self.read_upto = stored.seq
            self._append(stored, [event for piece in new.pieces for event in piece.events], new.pieces[0].batch.came_at)
        return done

    def read(self, stored: StoredRow, events: Sequence[Event], came_at: float) -> Row:
        """An unread row is in memory now, with the ``events`` that could be read of it."""
        self.read_upto = stored.seq
        self.unread_events -= stored.count
        self.unread_bytes -= len(stored.payload)
        return self._append(stored, events, came_at)

    def _append(self, stored: StoredRow, events: Sequence[Event], came_at: float) -> Row:
        row = Row(stored.seq, events, stored.count, len(stored.payload), stored.came_ms, came_at, self._row_ended)
        self.rows[stored.seq] = row
        self.window.append(row.batch)
        return row

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def settled(self, batch: Batch, count: int, fate: Fate | None) -> None:
        """``count`` events of ``batch`` have come to their end; ``None`` is dropped. A row hears of it as its delivery."""
        self.held_events -= count
        row = batch.delivery
        if isinstance(row, Row):
            one = Counts(**{fate or "dropped": count})
            row.ended = row.ended.plus(one)
            self._partly = self._partly.plus(one)

    def evict_from_window(self) -> int:
        """The oldest row that nobody has begun to take ends; returns how many events that costs, 0 where there is no row."""
        batch = self.window.evict()
        if batch is None:
            return 0
        count = len(batch.events)
        self.settled(batch, count, None)
        batch.delivery.settle(count)
        return count

    def evicted(self, upto: int, events: int, size: int) -> None:
        """The unread rows up to number ``upto`` were taken out."""
        self.read_upto = max(self.read_upto, upto)
        self.lose(events, size)

    def lose(self, events: int, size: int) -> None:
        """Unread events that are not there any more."""
        self.unread_events -= events
        self.unread_bytes -= size
        self.held_events -= events
        self.held_bytes -= size

    def _row_ended(self, row: Row) -> None:
        del self.rows[row.seq]
        self.held_bytes -= row.bytes
        self.ended.append(row.seq)
        self._partly = self._partly.minus(row.ended)
        self._on_end()

    def take_ended(self) -> list[int]:
        """The numbers of the rows that are to go out of the file now."""
        seqs, self.ended = self.ended, []
        return seqs

    def counts(self, account: SinkAccount) -> Counts:
        """What has come to its end when the ended rows are out: what ``account`` says, but for events of rows still in."""
        return Counts.of(account).minus(self._partly)
