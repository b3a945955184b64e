"""The far end of an HTTP sink: answers every post with 200, and prints as JSON how long it took from the first event to
the last, and when (`time.monotonic`, the same for all processes) the last one came.

``python -m bench.receiver PORT EVENTS`` ends when it has seen so many events.
"""

from __future__ import annotations

import json
import sys
import time

from bench.limits.server import asking

_BODY = b'{"name":"projects/shop/operations/1","done":true}'
"""An import of Google's that is done at once; everybody else does not read it."""
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_MARK = b'"event_id"'


def main(port: int, wanted: int) -> None:
    events = requests = 0
    first = last = 0.0
    for connections in asking(port):
        first = first or time.monotonic()
        for one in connections:
            events += sum(body.count(_MARK) for body in one.bodies)
            requests += len(one.bodies)
            one.answer(_ANSWER)
        last = time.monotonic()
        if events >= wanted:
            break
    print(json.dumps({"events": events, "requests": requests, "secs": last - first, "last": last}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
