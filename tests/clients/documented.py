"""Requests as the vendors' SDKs and pages write them, byte for byte, where no package of theirs can be run here.

Where each is from: Moloco's event-api-client-js, user-event-sink-connector-js and event_tester.py; Reelevant's
product-documentation (overview, events-reference) and its analytics-android and -ios; the Android SDK of Clickstream Analytics
on AWS; Google's JavaScript pixel and the REST calls on its pages. Ids and names are made up.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from hashlib import sha256

from msgspec import Struct

PARENT = "projects/p/locations/global/catalogs/default_catalog"
DATASOURCE = "61a095fdd8d2e20011544831"
CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/104.0.0.0 Safari/537.36"
ORIGIN = "Origin: https://shop.example"


class Documented(Struct, frozen=True):
    """A request, what the vendor answers (``None``: a body of its own words), and whose events are in it."""

    name: str
    data: bytes
    status: int
    answer: bytes | None = b""
    who: tuple[str, ...] = ()


def _request(method: str, target: str, headers: str, body: str | bytes = b"") -> bytes:
    """``headers`` are lines, without the two that every client writes by itself."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/1.1", "Host: collector.example", *headers.strip().splitlines()]
    if method == "POST":
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


# ── Moloco ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

_AXIOS = """Accept: application/json, text/plain, */*
Content-Type: application/json
X-API-Key: secret
User-Agent: axios/0.27.2
Connection: close"""
_CONNECTOR = """Accept: application/json
Content-Type: application/json
x-api-key: {key}
User-Agent: node-fetch
Accept-Encoding: gzip, deflate, br"""
_PYTHON = """User-Agent: python-requests/2.31.0
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
x-api-key: secret
Content-Type: application/json"""
_USEREVENTS = "/rmp/event/v1/platforms/{platform}/userevents"
_HOME = (
    '{{"id":"m-{who}","event_type":"HOME","timestamp":"1617870506121","channel_type":"SITE","user_id":"{who}","session_id":""}}'
)


def _moloco(name: str, headers: str, body: str, platform: str = "SHOP", status: int = 200) -> Documented:
    data = _request("POST", _USEREVENTS.format(platform=platform), headers, body)
    return Documented(name, data, status, b"{}" if status == 200 else None, (name,) if status == 200 else ())


MOLOCO = [
    Documented(
        "client-js",
        _request(
            "POST",
            "/retail/v1/platforms/SHOP/events",
            _AXIOS,
            '{"id":"m-client-js","event_type":"ADD_TO_CART","timestamp":1632418357000,"channel_type":"SITE",'
            '"user_id":"client-js","device":{"os":"ios","os_version":"14.4.1","ip":"203.0.113.7","ua":"ua","language":"en"},'
            '"items":[{"id":"A1","price":{},"quantity":1},{"id":"B2","price":{"currency":"USD","amount":12.34},"quantity":3}],'
            '"revenue":{"currency":"USD","amount":37.02}}',
        ),
        200,
        b"{}",
        ("client-js",),
    ),
    _moloco("connector-js", _CONNECTOR.format(key="secret"), _HOME.format(who="connector-js")),
    _moloco(
        "event-tester",
        _PYTHON,
        '{"event_type": "PURCHASE", "channel_type": "APP", "id": "m-event-tester", "timestamp": "1617870506121", '
        '"user_id": "event-tester", "session_id": "s", "device": {"os": "ios", "os_version": "14.4.1"}, '
        '"items": [{"id": "A1", "price": {"currency": "USD", "amount": ""}, "quantity": 1}], '
        '"revenue": {"currency": "USD", "amount": ""}}',
    ),
    _moloco("no-key", "Content-Type: application/json", _HOME.format(who="u"), status=401),
    _moloco("wrong-key", _CONNECTOR.format(key="wrong"), _HOME.format(who="u"), status=403),
    _moloco("no-platform", _CONNECTOR.format(key="secret"), _HOME.format(who="u"), platform="OTHER", status=404),
    _moloco("nobody", _CONNECTOR.format(key="secret"), _HOME.format(who=""), status=400),
    Documented(
        "moloco-preflight",
        _request(
            "OPTIONS",
            _USEREVENTS.format(platform="SHOP"),
            f"{ORIGIN}\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: content-type,x-api-key",
        ),
        204,
    ),
]

# ── Reelevant ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CURL = "User-Agent: curl/8.5.0\nAccept: */*\ncontent-type: application/json"
_ANDROID = """Content-Type: application/json
User-Agent: Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230805.001)
Connection: Keep-Alive
Accept-Encoding: gzip"""
_IOS = f"Content-Type: application/json\nUser-Agent: {CHROME}\nAccept: */*\nAccept-Language: en-GB,en;q=0.9"
_UNDICI = "accept: */*\naccept-language: *\nsec-fetch-mode: cors\nuser-agent: node\ncontent-type: application/json"
_ENVELOPE = (
    '{{"key":"k","name":"page_view","url":"https://shop.example/","tmpId":"{who}","data":{{}},"eventId":"r-{who}","v":1}}'
)


def _reelevant(
    name: str, headers: str, body: str, datasource: str = DATASOURCE, status: int = 200, who: tuple[str, ...] = ()
) -> Documented:
    data = _request("POST", f"/collect/{datasource}/rlvt", headers, body)
    return Documented(name, data, status, b"", who or ((name,) if status == 200 else ()))


REELEVANT = [
    _reelevant(
        "overview-curl",
        _CURL,
        '{\n    "key": "k",\n    "name": "product_page",\n    "url": "https://shop.example.com/p/SKU-12345",\n'
        '    "tmpId": "overview-curl",\n    "clientId": "user@example.com",\n'
        '    "data": { "ids": ["SKU-12345"], "locale": "EN-GB" },\n    "eventId": "r-overview-curl",\n    "v": 1\n  }',
    ),
    _reelevant(
        "server-to-server",
        _UNDICI,
        '{"key":"k","name":"purchase","url":"https://shop.example.com/checkout/confirmation","tmpId":"server-to-server",'
        '"clientId":"server-to-server","data":{"ids":["SKU-12345","SKU-67890"],"value":129.9,"transId":"order-456",'
        '"channel":"backoffice"},"eventId":"0b8f5a6e-6f0e-4f1e-9a8a-0d6f3a4f9d11","v":1,"timestamp":1700000000123}',
    ),
    _reelevant(
        "android",
        _ANDROID,
        '{"key":"k","name":"product_page","url":"https:\\/\\/shop.example\\/p","tmpId":"android","clientId":null,'
        '"data":{"id":"SKU-1","lang":"fr"},"eventId":"AbCdEfGhIjKlMnOpQrStUvWxY","v":1,"timestamp":1700000000123}',
    ),
    _reelevant(
        "ios",
        _IOS,
        '{"timestamp":1700000000123,"v":1,"eventId":"ZyXwVuTsRqPoNmLkJiHgFeDcB","data":{"transId":null,"ids":["SKU-1"],'
        '"value":129.5},"url":"unknown","tmpId":"ios","name":"purchase","key":"k"}',
    ),
    _reelevant(
        "web",
        f"{ORIGIN}\nReferer: https://shop.example/\nContent-Type: application/json\nUser-Agent: {CHROME}",
        _ENVELOPE.format(who="web"),
    ),
    _reelevant(
        "array", _CURL, f"[{_ENVELOPE.format(who='array-1')},{_ENVELOPE.format(who='array-2')}]", who=("array-1", "array-2")
    ),
    _reelevant(
        "form",
        _CURL.replace("application/json", "application/x-www-form-urlencoded"),
        "key=k&name=category_view&url=https%3A%2F%2Fshop.example%2F&tmpId=form&eventId=r-form&v=1&data%5Bids%5D%5B%5D=Shoes",
    ),
    _reelevant("empty", _CURL, "", status=400),
    _reelevant("no-id", _CURL, _ENVELOPE.format(who="u"), datasource="shop", status=400),
    _reelevant("no-datasource", _CURL, _ENVELOPE.format(who="u"), datasource=DATASOURCE[::-1], status=404),
    Documented(
        "reelevant-preflight",
        _request(
            "OPTIONS",
            f"/collect/{DATASOURCE}/rlvt",
            f"{ORIGIN}\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: content-type",
        ),
        204,
    ),
]

# ── Clickstream ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _clickstream_event(who: str) -> str:
    return (
        f'{{"unique_id":"{who}","event_type":"purchase","event_id":"c-{who}","timestamp":1700000000123,"app_id":"shop",'
        '"items":[{"id":"A1","price":10.99,"quantity":1}],"user":{},"attributes":{"currency":"EUR","value":10.99}}'
    )


def _mobile(who: str, *, packed: bool) -> Documented:
    """The Android SDK packs a body into base64, and says so in the query alone."""
    body = f"[{_clickstream_event(who)}]".encode()
    if packed:
        body = b64encode(gzip.compress(body, mtime=0))
    query = f"platform=Android&appId=shop&hashCode={sha256(body).hexdigest()[:8]}&event_bundle_sequence_id=7"
    target = f"/collect?{query}&upload_timestamp=1700000000456&compression={'gzip' if packed else ''}"
    headers = (
        "Content-Type: application/json; charset=utf-8\nConnection: Keep-Alive\nAccept-Encoding: gzip\nUser-Agent: okhttp/4.9.3"
    )
    return Documented(who, _request("POST", target, headers, body), 200, b"", (who,))


CLICKSTREAM = [
    _mobile("android-gzip", packed=True),
    _mobile("android-plain", packed=False),
    Documented(
        "unknown-app",
        _request("POST", "/collect?appId=nobodys", "Content-Type: application/json; charset=utf-8", "[]"),
        403,
        b"DefaultAction: Invalid request",
    ),
    Documented("ping", _request("GET", "/ping", "Accept: */*"), 200, None),
]

# ── Google ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

_BEARER = "Authorization: Bearer token\nContent-Type: application/json; charset=utf-8\nUser-Agent: curl/8.5.0\nAccept: */*"
_PIXEL = "%7B%22eventType%22%3A%22home-page-view%22%2C%22visitorId%22%3A%22pixel%22%7D"


def _google(name: str, call: str, body: str, status: int = 200, who: tuple[str, ...] = (), parent: str = PARENT) -> Documented:
    return Documented(name, _request("POST", f"/v2/{parent}/userEvents:{call}", _BEARER, body), status, None, who)


def _google_event(who: str) -> str:
    return f'{{ "eventType": "home-page-view", "visitorId": "{who}", "eventTime": "2019-11-09T12:34:56.789Z" }}'


GOOGLE = [
    Documented(
        "pixel",
        _request(
            "GET",
            f"/v2/{PARENT}/userEvents:collect?key=AIza&userEvent={_PIXEL}&uri=https%3A%2F%2Fshop.example%2F&ets=1700000000123",
            f"Accept: image/avif,image/webp,*/*;q=0.8\nReferer: https://shop.example/\nUser-Agent: {CHROME}",
        ),
        200,
        None,
        ("pixel",),
    ),
    _google("rest-write", "write", _google_event("rest-write"), who=("rest-write",)),
    _google(
        "rest-import",
        "import",
        '{ "inputConfig": { "userEventInlineSource": { "userEvents": [ '
        f"{_google_event('import-1')}, {_google_event('import-2')} ] }} }} }}",
        who=("import-1", "import-2"),
    ),
    _google("rest-purge", "purge", '{"filter": "eventTime > \\"2012-04-23T18:25:43.511Z\\"", "force": false}'),
    _google("rest-invalid", "write", '{ "eventType": "home-page-view" }', status=400),
    _google("rest-elsewhere", "write", _google_event("u"), status=403, parent=PARENT.replace("/p/", "/q/")),
]

NOBODYS = Documented("nobodys", _request("POST", "/nobodys", _CURL, "{}"), 404, None)
