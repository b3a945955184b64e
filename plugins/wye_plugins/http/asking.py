"""A request's way to its reply, step by step: read by its endpoint, taken in by the sinks, settled. No step waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from wye.message import Received, Reply
from wye_plugins.http.protocol import Request
from wye_plugins.http.settlement import Settlement
from wye_plugins.http.site import NOT_SAFE, Site


def read(site: Site, request: Request) -> None:
    """Let the endpoint read it, unless that was done before."""
    if request.reply is not None or request.accepted is not None:
        return
    endpoint, head = request.endpoint, request.head
    assert endpoint is not None
    assert head is not None
    outcome = site.endpoints.receive(endpoint, Received(head, request.content, int(time.time() * 1000)))
    if isinstance(outcome, Reply):
        request.reply = outcome
    else:
        request.accepted = outcome


def offer(site: Site, request: Request, now: float) -> bool:
    """Hand its events over, unless that was done before; ``False`` where there is no room now, and somebody has to wait."""
    accepted = request.accepted
    if request.reply is not None or request.taken is not None or accepted is None:
        return True
    settlement, on_settled = new_settlement(site)
    if not site.intake.offer(accepted.decoded, on_settled=on_settled):
        return False
    took(site, request, settlement, now)
    return True


def offer_all(site: Site, requests: Iterable[Request], now: float) -> None:
    """Hand over together what nobody waits for; what is not taken now is to be offered one by one."""
    waiting = [one for one in requests if one.reply is None and one.taken is None and one.accepted is not None]
    if site.waits_for_delivery or len(waiting) < 2:
        return
    try:
        taken = site.intake.offer_all([one.accepted.decoded for one in waiting if one.accepted is not None])
    except Exception:  # it is raised again for the one that it is due to
        return
    for one in waiting if taken else ():
        took(site, one, None, now)


def new_settlement(site: Site) -> tuple[Settlement | None, Callable[[bool], None] | None]:
    """What waits for the word, and whom to give it to; neither where nobody waits."""
    if not site.waits_for_delivery:
        return None, None
    settlement = Settlement()
    return settlement, settlement.note


def took(site: Site, request: Request, settlement: Settlement | None, now: float) -> None:
    """The intake has its events."""
    site.full.over()
    request.until = now + site.options.answer_timeout_secs
    request.taken = settlement
    settle(site, request)


def settle(site: Site, request: Request) -> None:
    """Give it its reply, if the word that it waits for has come."""
    accepted, settlement = request.accepted, request.taken
    assert accepted is not None
    if settlement is None or settlement.safe:
        request.reply = accepted.success
    elif settlement.safe is not None:
        request.reply = site.refuse(request.endpoint, request.head, *NOT_SAFE)
