from __future__ import annotations

from typing import Any

import msgspec
import pytest

from samples.payloads import payloads
from wye.message import Payload
from wye.plugin import RequestEncoder, SinkContext
from wye.testing import HttpPartner, shipment_of
from wye.verdict import DELIVERED
from wye_plugins.http import build_sink as build_http_sink
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.moloco import MolocoSinkOptions, MolocoSourceOptions, build_sink, build_source, wye_adapters
from wye_plugins.moloco.decode import MolocoDecoder


def sink(**given: Any) -> MolocoSinkOptions:
    return msgspec.convert(given, MolocoSinkOptions)


def test_no_option_is_required() -> None:
    (part,) = wye_adapters()
    assert part.name == "moloco"
    assert build_source(MolocoSourceOptions()).endpoint is not None
    assert isinstance(build_sink(MolocoSinkOptions()).encoder, RequestEncoder)


@pytest.mark.parametrize(
    ("options", "base_url"),
    [
        ({}, None),
        ({"platform": "shop"}, "https://shop-evt.rmp-api.moloco.com"),
        ({"platform": "SHOP_TEST"}, "https://shop-test-evt.rmp-api.moloco.com"),
        ({"platform": "ショップ"}, None),
        ({"platform": "a.b/c"}, None),
        ({"platform": "SHOP", "region": "sel"}, "https://evt-sel.rmp-api.moloco.com"),
        ({"platform": "SHOP", "base_url": "https://shop-evt.mcm-api.moloco.com"}, "https://shop-evt.mcm-api.moloco.com"),
    ],
)
def test_where_an_http_sink_sends_to_that_has_no_url(options: dict[str, str], base_url: str | None) -> None:
    assert build_sink(sink(**options)).base_url == base_url


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"platform": "SHOP", "region": "sel", "base_url": "https://a.b"}, "`region` and `base_url`"),
        ({"platform": "SHOP", "region": "sel.evil.example/"}, "`region` is"),
        ({"platform": "SHOP", "base_url": "shop-evt.mcm-api.moloco.com"}, "`base_url` is not a complete URL"),
        ({"region": "sel"}, "`platform` is missing"),
        ({"base_url": "https://a.b"}, "`platform` is missing"),
        ({"platform": ""}, "platform"),
        ({"api_key": ""}, "api_key"),
        ({"channel_type": "site"}, "channel_type"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        sink(**options)


def test_an_empty_key_does_not_open_the_endpoint() -> None:
    with pytest.raises(msgspec.ValidationError, match="api_key"):
        msgspec.convert({"api_key": ""}, MolocoSourceOptions)


async def test_an_http_sink_posts_each_event_by_itself_with_the_key() -> None:
    async with HttpPartner().listening() as partner:
        outbound = build_sink(sink(platform="SHOP", api_key="secret", base_url=partner.url))
        transport = build_http_sink(HttpSinkOptions(), SinkContext("out", outbound))
        bodies = [payloads("moloco")[name] for name in ("connector-HOME", "connector-PURCHASE")]
        events = [event for body in bodies for event in MolocoDecoder().decode(Payload(body)).events]
        documents = [document for document in outbound.encoder.encode(events) if isinstance(document, bytes)]
        async with transport.open():
            assert await transport.send(shipment_of(events, documents)) == DELIVERED
    assert [post.target for post in partner.posts] == ["/rmp/event/v1/platforms/SHOP/userevents"] * 2
    assert {post.headers["x-api-key"] for post in partner.posts} == {"secret"}
    assert {post.headers["content-type"] for post in partner.posts} == {"application/json"}
    assert [post.json()["event_type"] for post in partner.posts] == ["HOME", "PURCHASE"]
