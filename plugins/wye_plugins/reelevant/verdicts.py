"""What the vendor's answers mean. It takes a request as a whole or not at all, never judges what is in it, and says no more
than a status: fields that it cannot use are told to the operator in its own logs alone."""

from __future__ import annotations

from wye.answer import BUSY, asked_secs, reason_in, redirected
from wye.message import HttpResponse
from wye.verdict import DELIVERED, Verdict

_OPERATOR = {
    401: "the vendor asks for no credentials; something before it does",
    403: "refused; perhaps the datasource is paused",
    404: "no such datasource (see `datasource_id`), or no such path (it is /collect/{id}/rlvt)",
    407: "the proxy wants credentials",
}


def verdict(events: int, response: HttpResponse, *, id_is_sound: bool) -> Verdict:
    """The verdict on all ``events`` of a request. ``id_is_sound``: the datasource's id has the vendor's form."""
    status = response.status
    if status == 200:
        return DELIVERED
    if status == 202:
        return Verdict("rejected", "202: dropped as bot traffic, for the request's User-Agent", status=status, faulty=events)
    if status in BUSY or status >= 500:
        return Verdict("busy", reason_in(response), asked_secs(response), status)
    if status == 400:
        return _bad_request(response, id_is_sound)
    if status == 413:
        return Verdict("rejected", reason_in(response), status=413)
    if 300 <= status < 400:
        return redirected(response)
    if status >= 400:
        # A paused datasource is answered with a 4xx that the vendor does not name, so any of them may be it.
        said = _OPERATOR.get(status, "perhaps the datasource is paused")
        return Verdict("hold", f"{reason_in(response)} ({said})", status=status)
    return Verdict("retry", f"{reason_in(response)} (only 200 is success)", status=status)


def _bad_request(response: HttpResponse, id_is_sound: bool) -> Verdict:
    """The vendor knows two reasons: an empty body, which is never sent, and an id that is none."""
    if id_is_sound:
        return Verdict("rejected", reason_in(response), status=400)
    return Verdict(
        "hold", f"{reason_in(response)} (the datasource id in the sink's url must be 24 hexadecimal digits)", status=400
    )
