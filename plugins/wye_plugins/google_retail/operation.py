"""Imports from the sender's side: many events in a request, an operation for an answer, and what became of each event.

Google names an import's failures by number and by samples. Where the samples do not say which events they were, the core
repeats the import in halves, until one event stands alone: Google skips events that it has already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct, field, structs

from wye.message import FollowUp, HttpRequest, HttpResponse
from wye.verdict import DELIVERED, Verdict, Verdicts
from wye.words import cut
from wye_plugins.google_retail.verdicts import JSON, Status, refusal, status_in, wait_secs

MAX_EVENTS = 10_000
"""Events of an inline import: Google's advice, in its documentation of imports."""

_OPENING = b'{"inputConfig":{"userEventInlineSource":{"userEvents":['
_CLOSING = b"]}}}"
_FIRST_WAIT_SECS = 0.5
_LONGEST_WAIT_SECS = 30.0

# The sink cuts answers here; what is longer cannot be read to its end.
_CUT_BYTES = 65_536

_PLACE = re.compile(r"user_?[eE]vents\[(\d{1,6})\]")

# gRPC's codes, which operations have for their errors.
_PAYLOAD = frozenset((3, 11))
_OPERATORS = frozenset((5, 7, 9, 12, 16))
_BUSY = frozenset((8, 14))


class ImportRequest(HttpRequest, frozen=True):
    """An inline import."""


class PollRequest(HttpRequest, frozen=True):
    """How does an import stand? ``asked`` counts how often that has been asked before."""

    imported: HttpRequest = ImportRequest(())
    asked: int = 0


class Counts(Struct, frozen=True):
    """Metadata of an import; 64-bit numbers are texts in Google's JSON."""

    failures: int | str = field(default=0, name="failureCount")


class Result(Struct, frozen=True):
    """Response of an import."""

    samples: list[Status] = field(default_factory=list[Status], name="errorSamples")


class Operation(Struct, frozen=True):
    name: str = ""
    done: bool = False
    error: Status | None = None
    metadata: Counts = Counts()
    response: Result = Result()


_operation = msgspec.json.Decoder(Operation)


def import_of(parent: str, indices: Sequence[int], documents: Sequence[bytes]) -> ImportRequest:
    """The import of ``documents``, which are the events at ``indices``."""
    body = _OPENING + b",".join(documents) + _CLOSING
    return ImportRequest(indices, body, path=f"/v2/{parent}/userEvents:import", headers=JSON)


def import_verdicts(request: ImportRequest, response: HttpResponse) -> Verdicts | FollowUp:
    """What the answer to an import means."""
    if response.status == 200:
        return _read(request, response, asked=0)
    return refusal(response)


def poll_verdicts(request: PollRequest, response: HttpResponse) -> Verdicts | FollowUp:
    """What the answer to a poll means. That an operation cannot be asked after now says nothing about the import."""
    if response.status == 200:
        return _read(request.imported, response, asked=request.asked + 1)
    verdict = refusal(response)
    if verdict.kind == "busy" or response.status >= 500:
        wait = wait_secs(response, status_in(response)) or _wait_secs(request.asked)
        return FollowUp((_poll(request.path, request.imported, request.asked + 1),), wait)
    if response.status == 404:
        return Verdict("retry", "the import's operation is no longer known; it is done again", status=404)
    return verdict if verdict.kind == "hold" else Verdict("retry", verdict.reason, status=response.status)


def _read(request: HttpRequest, response: HttpResponse, *, asked: int) -> Verdicts | FollowUp:
    try:
        operation = _operation.decode(response.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        if len(response.body) >= _CUT_BYTES:
            return Verdict("rejected", "the import's answer is too long to be read")
        return Verdict("retry", "200 without an operation: this is no answer of Google's; look at the sink's `url`")
    if operation.error is not None and operation.error.code:
        return _verdict_on(operation.error)
    if not operation.done:
        if not operation.name:
            return Verdict("retry", "the import's operation has no name to ask for")
        return FollowUp((_poll(f"/v2/{operation.name}", request, asked),), _wait_secs(asked))
    return _done(request, operation)


def _poll(path: str, request: HttpRequest, asked: int) -> PollRequest:
    return PollRequest(request.indices, method="GET", path=path, imported=request, asked=asked)


def _wait_secs(asked: int) -> float:
    return min(_FIRST_WAIT_SECS * 2.0 ** min(asked, 16), _LONGEST_WAIT_SECS)


def _verdict_on(error: Status) -> Verdict:
    reason = cut(" ".join(f"import failed with code {error.code}: {error.message}".split()), 300)
    if error.code in _PAYLOAD:
        return Verdict("rejected", reason)
    if error.code in _OPERATORS:
        return Verdict("hold", reason)
    return Verdict("busy" if error.code in _BUSY else "retry", reason)


def _done(request: HttpRequest, operation: Operation) -> Verdicts:
    """The verdicts on an import of which some may have failed."""
    samples = operation.response.samples
    failures = max(_number(operation.metadata.failures), len(samples))
    if not failures:
        return DELIVERED
    count = len(request.indices)
    faults = {place: sample for place, sample in _placed(samples) if place < count}
    if len(faults) == failures:
        return [_verdict_on(faults[place]) if place in faults else DELIVERED for place in range(count)]
    verdict = _verdict_on(samples[0]) if samples else Verdict("rejected", "import: the event failed")
    return structs.replace(verdict, of=count, faulty=min(failures, count))


def _placed(samples: Sequence[Status]) -> Iterator[tuple[int, Status]]:
    """Which event each sample is about, where it says so."""
    for sample in samples:
        match = _PLACE.search(sample.message)
        if match is not None:
            yield int(match[1]), sample


def _number(value: int | str) -> int:
    return value if isinstance(value, int) else int(value) if value.isascii() and value.isdigit() else 0
