from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec import structs

from plugins.google_retail.retail_kit import NOW_MS, PARENT, SAMPLES, one
from wye.event import Device, Origin, Page
from wye.message import Head, Received, Reply
from wye.plugin import Accepted, Claim
from wye_plugins.google_retail import GoogleRetailSourceOptions, build_source
from wye_plugins.google_retail.endpoint import GoogleRetailEndpoint
from wye_plugins.google_retail.reply import MAX_OPERATION_BYTES, MAX_OPERATIONS, MAX_OPERATIONS_BYTES

endpoint = GoogleRetailEndpoint(PARENT)
strict = GoogleRetailEndpoint(PARENT, wide=False)
HOME = b'{"eventType":"home-page-view","visitorId":"v","eventTime":"2022-02-23T10:27:42Z"}'
PURCHASE = (
    b'{"eventType":"purchase-complete","visitorId":"v","productDetails":[{"product":{"id":"a"},"quantity":1}],'
    b'"purchaseTransaction":{"revenue":%b,"currencyCode":"EUR"}}'
)


def head(method: str, http: str = "POST", parent: str = PARENT, query: dict[str, str] | None = None, **headers: str) -> Head:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Head(http, f"/v2/{parent}/userEvents:{method}", query or {}, fields, "203.0.113.7")


def receive(at: Head, body: bytes | str = b"", by: GoogleRetailEndpoint = endpoint) -> Accepted | Reply:
    claim = by.claim(at)
    assert claim is not None
    if claim.reply is not None:
        return claim.reply
    return by.receive(Received(at, body.encode() if isinstance(body, str) else body, NOW_MS))


def accepted(at: Head, body: bytes | str = b"", by: GoogleRetailEndpoint = endpoint) -> Accepted:
    answer = receive(at, body, by)
    assert isinstance(answer, Accepted), answer
    assert answer.success.status == 200
    return answer


def refused(at: Head, body: bytes | str = b"", by: GoogleRetailEndpoint = endpoint, status: int = 400) -> str:
    """The words of Google's refusal."""
    answer = receive(at, body, by)
    assert isinstance(answer, Reply), answer
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["status"]) == (status, status, _STATUS[status])
    assert dict(answer.headers)["Content-Type"].startswith("application/json")
    return error["message"]


_STATUS = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}


def body_of(answer: Accepted) -> Any:
    return json.loads(answer.success.body)


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/", "/v2/", "/v2/project", "/collect"])
def test_other_paths_are_left_to_others(path: str) -> None:
    assert endpoint.claim(Head("POST", path, {}, {})) is None


@pytest.mark.parametrize("path", ["/v2/projects/p", f"/v2/{PARENT}/products", f"/v2/{PARENT}/userEvents:list"])
def test_what_else_googles_clients_ask_for_is_not_found_in_googles_words(path: str) -> None:
    assert path in refused(Head("POST", path, {}, {}), status=404)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_ARGUMENT"),
        (408, "DEADLINE_EXCEEDED"),
        (413, "INVALID_ARGUMENT"),
        (415, "INVALID_ARGUMENT"),
        (431, "INVALID_ARGUMENT"),
        (500, "INTERNAL"),
        (501, "UNIMPLEMENTED"),
        (503, "UNAVAILABLE"),
    ],
)
def test_whatever_is_refused_is_refused_in_googles_form(status: int, code: str) -> None:
    reply = endpoint.refusal(head("write"), status, "it will not do")
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error["status"]) == (status, status, code)
    assert error["message"]
    headers = dict(reply.headers)
    assert headers["Content-Type"] == "application/json; charset=UTF-8"
    assert (headers.get("Retry-After") == "1") is (status == 503)
    assert "Access-Control-Allow-Origin" not in headers
    assert dict(endpoint.refusal(head("collect"), status, "").headers)["Access-Control-Allow-Origin"] == "*"


def test_another_catalogue_gets_googles_403() -> None:
    words = refused(head("write", parent="projects/other/locations/global/catalogs/c"), HOME, status=403)
    assert words.startswith("Permission 'retail.userEvents.create' denied on resource '//retail.googleapis.com/projects/other/")


def test_without_a_parent_any_catalogue_is_taken_and_remembered() -> None:
    anybodys = GoogleRetailEndpoint()
    answer = accepted(head("write", parent="projects/x/locations/y/catalogs/z"), HOME, anybodys)
    assert answer.decoded.events[0].origin.tenant == "projects/x/locations/y/catalogs/z"


@pytest.mark.parametrize(("method", "http"), [("write", "GET"), ("import", "PUT"), ("collect", "DELETE"), ("purge", "GET")])
def test_the_wrong_verb_is_not_found(method: str, http: str) -> None:
    refused(head(method, http), status=404)


# ── write ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_write_is_answered_with_the_event() -> None:
    answer = accepted(head("write", query={"writeAsync": "true", "$alt": "json;enum-encoding=int"}), HOME)
    assert body_of(answer) == json.loads(HOME)
    assert answer.decoded.events == [structs.replace(one(HOME), origin=Origin(vendor="google-retail", tenant=PARENT))]


def test_a_write_by_the_shopper_is_answered_with_the_event_as_it_was_sent() -> None:
    user = {"userId": "u", "directUserRequest": True}
    body = json.dumps({**json.loads(HOME), "userInfo": user})
    answer = accepted(head("write", user_agent="Mozilla/5.0"), body)
    assert body_of(answer)["userInfo"] == user
    assert answer.decoded.events[0].device == Device(ip="203.0.113.7", user_agent="Mozilla/5.0")


@pytest.mark.parametrize(
    ("forwarded", "ip"),
    [
        ("198.51.100.4, 10.0.0.1", "198.51.100.4"),
        ("198.51.100.4:5678", "198.51.100.4"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown", None),
        ("", "203.0.113.7"),
    ],
)
def test_what_a_proxy_says_of_the_shopper_is_no_reason_to_refuse_the_event(forwarded: str, ip: str | None) -> None:
    query = {"userEvent": '{"eventType":"home-page-view","visitorId":"v"}'}
    answer = accepted(head("collect", "GET", query=query, x_forwarded_for=forwarded, user_agent="a" * 2000), by=strict)
    assert answer.decoded.events[0].device == Device(ip=ip, user_agent="a" * 1000)


def test_a_write_fills_in_the_time() -> None:
    answer = accepted(head("write"), '{"event_type":"home-page-view","visitor_id":"v"}')
    assert body_of(answer) == {"eventType": "home-page-view", "visitorId": "v", "eventTime": "2023-11-14T22:13:20.000Z"}


def test_the_answer_has_a_shops_own_attributes_where_they_were_whatever_they_are_called() -> None:
    names = ("event_id", "order_id", "currency", "cart_id", "search_query", "brand", "wye_extra")
    attributes = {name: {"text": ["x"]} for name in names}
    document = {"eventType": "home-page-view", "visitorId": "v", "eventTime": "2022-02-23T10:27:42Z", "attributes": attributes}
    assert body_of(accepted(head("write"), json.dumps(document))) == document


def test_a_byte_order_mark_is_no_part_of_an_event() -> None:
    assert body_of(accepted(head("write"), b"\xef\xbb\xbf" + HOME)) == json.loads(HOME)


@pytest.mark.parametrize("name", [name for name in SAMPLES if "invalid-2" not in name])
def test_every_sample_is_taken(name: str) -> None:
    accepted(head("write"), SAMPLES[name])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "user_event is required"),
        (b"[]", "object"),
        (b"nonsense", "malformed"),
        (b"5", "object"),
        (b"[" + HOME + b"]", "object"),
        (b'{"eventType":"detail-page-view","visitorId":"v","productDetails":[{"product":{"id":5}}]}', "product.id is required"),
        *(
            (
                b'{"eventType":"add-to-cart","visitorId":"v","productDetails":[{"product":{"id":"a"},"quantity":%b}]}'
                % quantity,
                "quantity is required for add-to-cart, as a whole number",
            )
            for quantity in (b"1.5", b"2147483648", b'{"value":2}', b'"many"', b"true", b"null")
        ),
        (HOME + HOME, "expected one event, found 2"),
        (b'{"visitorId":"v"}', "eventType"),
        (b'{"eventType":"search"}', "visitorId"),
        (b'{"eventType":"search","visitorId":123}', "visitorId"),
        (b'{"eventType":"search","visitorId":"v"}', "searchQuery or pageCategories is required"),
        (b'{"eventType":"search","visitorId":"v","searchQuery":"q","eventTime":5}', "eventTime"),
        (SAMPLES["user_events_some_invalid-2-invalid"], "event_type 'invalid' is not one of add-to-cart, category-page-view"),
        (b'{"eventType":"category-page-view","visitorId":"v"}', "pageCategories is required"),
        (b'{"eventType":"detail-page-view","visitorId":"v"}', "productDetails is required"),
        (b'{"eventType":"add-to-cart","visitorId":"v","productDetails":[{"product":{"id":"a"}}]}', "quantity is required"),
        (b'{"eventType":"home-page-view","visitorId":"v","productDetails":[{"quantity":1}]}', "product.id is required"),
        (
            PURCHASE.partition(b',"purchaseTransaction"')[0] + b"}",
            "revenue is required",
        ),
        (
            PURCHASE % b"0",
            "must not be zero",
        ),
        (
            PURCHASE % b"1e39",
            "32-bit float",
        ),
        (b'{"eventType":"home-page-view","visitorId":"' + b"v" * 129 + b'"}', "visitorId is longer than 128"),
        (b'{"eventType":"home-page-view","visitorId":"v","sessionId":"' + "é".encode() * 65 + b'"}', "128 bytes"),
        (b'{"eventType":"home-page-view","visitorId":"v","userInfo":{"ipAddress":"x"}}', "ipAddress"),
        (b'{"eventType":"search","visitorId":"v","searchQuery":"q","offset":-1}', "offset is negative"),
    ],
)
def test_what_google_refuses_is_refused(body: bytes, words: str) -> None:
    assert words in refused(head("write"), body)


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (SAMPLES["seed-detail-page-view"], "pageCategories must not be set for detail-page-view"),
        (SAMPLES["seed-inline-page-view-INVALID-TYPE"], "event_type 'page-view' is not one of"),
        (HOME[:-1] + b',"panels":[]}', '"panels"'),
        (HOME[:-1] + b',"attributes":{"a":{"text":[""]}}}', '"attributes"'),
        (HOME[:-1] + b',"purchaseTransaction":{}}', "purchaseTransaction must not be set"),
    ],
)
def test_quirk_only_the_strict_spelling_refuses_what_the_third_party_document_shows(sample: bytes, words: str) -> None:
    accepted(head("write"), sample)
    assert words in refused(head("write"), sample, strict)


@pytest.mark.parametrize("members", ["", ',"cartId":""', ',"offset":0', ',"pageCategories":[]', ',"searchQuery":null'])
def test_what_is_empty_is_not_set(members: str) -> None:
    accepted(head("write"), HOME[:-1] + members.encode() + b"}", strict)


def test_further_types_of_events_can_be_named() -> None:
    own = GoogleRetailEndpoint(event_types=["promo-seen"])
    assert (
        accepted(head("write"), HOME.replace(b"home-page-view", b"promo-seen"), own).decoded.events[0].type
        == "custom:promo-seen"
    )


# ── collect ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def collect(query: dict[str, str]) -> Accepted:
    return accepted(head("collect", "GET", query=query, user_agent="ua"))


def test_a_pixel_is_a_gif_and_any_page_may_ask_for_it() -> None:
    answer = collect({"userEvent": HOME.decode()})
    headers = dict(answer.success.headers)
    assert (headers["Content-Type"], headers["Access-Control-Allow-Origin"]) == ("image/gif", "*")
    assert answer.success.body.startswith(b"GIF89a")
    assert answer.decoded.events[0].device == Device(ip="203.0.113.7", user_agent="ua")


@pytest.mark.parametrize("name", ["$alt", "alt"])
def test_quirk_the_python_client_wants_the_pixel_as_json(name: str) -> None:
    answer = collect({"userEvent": HOME.decode(), name: "json;enum-encoding=int"})
    assert body_of(answer)["contentType"] == "image/gif"


def test_quirk_an_event_that_was_encoded_twice() -> None:
    from urllib.parse import quote

    assert collect({"userEvent": quote(HOME.decode())}).decoded.events[0].id == one(HOME).id


def test_time_and_place_of_a_pixel() -> None:
    event = '{"eventType":"home-page-view","visitorId":"v"}'
    found = collect({"userEvent": event, "ets": "1645612062123", "uri": "https://shop.example/?a=b#c"}).decoded.events[0]
    assert found.time_ms == 1645612062123
    assert found.page == Page(url="https://shop.example/?a=b")


@pytest.mark.parametrize("place", ["http://[", "//[v", "https://shop.example/a[", "http://a\u2100b/"])
def test_a_place_that_is_no_url_goes_as_it_is_without_its_fragment(place: str) -> None:
    event = '{"eventType":"home-page-view","visitorId":"v"}'
    assert collect({"userEvent": event, "uri": f"{place}#c"}).decoded.events[0].page == Page(url=place)


def test_quirk_raw_json_wins_and_the_python_client_sends_an_empty_event_besides() -> None:
    assert collect({"userEvent": "", "rawJson": HOME.decode()}).decoded.events[0].type == "home_view"


def test_quirk_no_prebuilt_rule_is_known() -> None:
    query = {"userEvent": HOME.decode(), "prebuiltRule": "ga4_bq"}
    assert "prebuilt_rule 'ga4_bq' is not known" in refused(head("collect", "GET", query=query))


def test_quirk_a_get_beyond_16_kb_is_refused() -> None:
    query = {"userEvent": HOME.decode()[:-1] + ',"filter":"' + "x" * 17_000 + '"}'}
    assert "use POST" in refused(head("collect", "GET", query=query))


def test_collect_by_post() -> None:
    body = json.dumps({"user_event": HOME.decode(), "ets": "5", "uri": None})
    assert accepted(head("collect"), body).decoded.events[0].type == "home_view"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "user_event is required"),
        ({"userEvent": "{}"}, "eventType"),
        ({"userEvent": "%7"}, "malformed"),
        ({"userEvent": HOME.decode(), "ets": "now"}, "ets"),
        ({"userEvent": HOME.decode(), "ets": str(2**63)}, "ets"),
        ({"userEvent": HOME.decode(), "ets": "9" * 5000}, "ets"),
        ({"userEvent": HOME.decode(), "uri": "u" * 5001}, "uri is longer"),
    ],
)
def test_a_faulty_pixel_is_refused(query: dict[str, str], words: str) -> None:
    assert words in refused(head("collect", "GET", query=query))


@pytest.mark.parametrize("body", ["[]", '{"userEvent":{}}', "nonsense"])
def test_a_faulty_collect_by_post_is_refused(body: str) -> None:
    assert "Invalid" in refused(head("collect"), body)


def test_a_preflight_is_answered() -> None:
    answer = receive(head("collect", "OPTIONS"))
    assert isinstance(answer, Reply)
    assert answer.status == 204


# ── import ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def inline(*events: bytes, **more: Any) -> bytes:
    array = b"[" + b",".join(events) + b"]"
    rest = b"".join(b',"%b":%b' % (name.encode(), json.dumps(value).encode()) for name, value in more.items())
    return b'{"inputConfig":{"userEventInlineSource":{"userEvents":' + array + b"}}" + rest + b"}"


def test_an_import_is_done_at_once_and_can_be_asked_for() -> None:
    answer = accepted(head("import"), inline(HOME, SAMPLES["seed-search"]))
    operation = body_of(answer)
    assert len(answer.decoded.events) == 2
    assert operation["done"] is True
    assert operation["response"] == {
        "@type": "type.googleapis.com/google.cloud.retail.v2.ImportUserEventsResponse",
        "importSummary": {"joinedEventsCount": "2", "unjoinedEventsCount": "0"},
    }
    at = Head("GET", f"/v2/{operation['name']}", {}, {})
    again = receive(at)
    assert isinstance(again, Reply)
    assert again.body == answer.success.body


def test_an_imports_bad_events_are_in_its_samples_and_cost_nobody_else() -> None:
    bad = SAMPLES["user_events_some_invalid-2-invalid"]
    answer = accepted(head("import"), inline(HOME, bad, b'{"eventType":"search"}', HOME, b"5"))
    operation = body_of(answer)
    samples = operation["response"]["errorSamples"]
    assert [sample["code"] for sample in samples] == [3, 3, 3]
    assert [sample["message"].partition(":")[0] for sample in samples] == ["user_events[1]", "user_events[2]", "user_events[4]"]
    assert (operation["metadata"]["successCount"], operation["metadata"]["failureCount"]) == ("2", "3")
    assert len(answer.decoded.events) == 2
    assert {failure.index: failure.original for failure in answer.decoded.failures} == {
        1: bad.strip(),
        2: b'{"eventType":"search"}',
        4: b"5",
    }


def test_only_a_strict_import_requires_a_time() -> None:
    body = inline(HOME, b'{"eventType":"home-page-view","visitorId":"v"}', HOME.replace(b"eventTime", b"event_time"))
    assert len(accepted(head("import"), body).decoded.events) == 3
    operation = body_of(accepted(head("import"), body, strict))
    assert [sample["message"] for sample in operation["response"]["errorSamples"]] == [
        "user_events[1]: event_time is required for an import"
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Invalid JSON"),
        (b"{}", "input_config is required"),
        (b'{"inputConfig":{}}', "input_config.source is required"),
        (b'{"inputConfig":5}', "Invalid JSON"),
        (inline(), "user_events is required"),
        (inline(HOME, errorsConfig={"gcsPrefix": "gs://b/e"}), "errors_config cannot be set"),
        (b'{"inputConfig":{"gcsSource":{}}}', "input_uris is required"),
        (json.dumps({"inputConfig": {"gcsSource": {"inputUris": ["gs://b/f"] * 101}}}).encode(), "more than 100"),
    ],
)
def test_a_faulty_import_is_refused(body: bytes, words: str) -> None:
    assert words in refused(head("import"), body)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"gcsSource": {"inputUris": ["gs://b/f.json"]}}, "storage.objects.get access to gs://b/f.json"),
        ({"gcs_source": {"input_uris": ["gs://b/f.json"]}}, "storage.objects.get access to gs://b/f.json"),
        ({"bigQuerySource": {"datasetId": "d", "tableId": "t"}}, "BigQuery"),
    ],
)
def test_an_import_from_storage_is_refused_as_google_refuses_what_it_cannot_reach(config: Any, words: str) -> None:
    assert words in refused(head("import"), json.dumps({"inputConfig": config}), status=403)


# ── rejoin, purge ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        ("", None),
        ("{}", None),
        ('{"user_event_rejoin_scope":"JOINED_EVENTS"}', "JOINED_EVENTS"),
        ('{"userEventRejoinScope":7}', "USER_EVENT_REJOIN_SCOPE_UNSPECIFIED"),
    ],
)
def test_a_rejoin_is_passed_on(body: str, scope: str | None) -> None:
    answer = accepted(head("rejoin"), body)
    (event,) = answer.decoded.events
    assert (event.type, event.origin.tenant) == ("control:google-retail.rejoin", PARENT)
    assert event.extra == ({} if scope is None else {"userEventRejoinScope": scope})
    assert body_of(answer)["response"]["rejoinedUserEventsCount"] == "0"


@pytest.mark.parametrize(("number", "scope"), [(1, "JOINED_EVENTS"), (2, "UNJOINED_EVENTS")])
def test_quirk_enums_may_be_numbers(number: int, scope: str) -> None:
    (event,) = accepted(head("rejoin"), json.dumps({"userEventRejoinScope": number})).decoded.events
    assert event.extra == {"userEventRejoinScope": scope}


def test_quirk_the_third_party_documents_rejoin_type_is_understood() -> None:
    (event,) = accepted(head("rejoin"), '{"rejoin_type":"UNJOINED_EVENTS"}').decoded.events
    assert event.extra == {"userEventRejoinScope": "UNJOINED_EVENTS"}
    assert "rejoin_type" in refused(head("rejoin"), '{"rejoin_type":"UNJOINED_EVENTS"}', strict)


@pytest.mark.parametrize(
    "words",
    [
        'eventTime > "2012-04-23T18:25:43.511Z" eventTime < "2012-04-23T18:30:43.511Z"',
        'eventTime > "2012-04-23T18:25:43.511Z" eventType = "search"',
        'visitorId = "visitor1024"',
        'userId="u" AND visitorId="v" ',
    ],
)
def test_a_purge_is_checked_and_passed_on(words: str) -> None:
    answer = accepted(head("purge"), json.dumps({"filter": words, "force": True}))
    (event,) = answer.decoded.events
    assert (event.type, event.extra) == ("control:google-retail.purge", {"filter": words, "force": True})
    assert body_of(answer)["response"]["purgedEventsCount"] == "0"


def test_quirk_the_third_party_documents_purge_is_read_as_a_span_of_time() -> None:
    body = json.dumps({"filter": '(event_time: ["2023-01-01T00:00:00Z", "2023-12-31T23:59:59Z"])', "force": True})
    (event,) = accepted(head("purge"), body).decoded.events
    assert event.extra["filter"] == 'eventTime >= "2023-01-01T00:00:00Z" eventTime <= "2023-12-31T23:59:59Z"'
    assert "cannot read" in refused(head("purge"), body, strict)


@pytest.mark.parametrize(
    ("method", "body", "words"),
    [
        ("purge", "{}", "filter is required"),
        ("purge", '{"filter":" "}', "filter is required"),
        ("purge", '{"filter":"eventType = \'x\'"}', "cannot read"),
        ("purge", '{"filter":"*"}', "cannot read"),
        ("purge", '{"filter":"eventType = \\"x\\" AND"}', "cannot read"),
        ("purge", '{"filter":"eventTime > \\"yesterday\\""}', "is no time"),
        ("purge", '{"filter":"eventType > \\"x\\""}', "only be compared with ="),
        ("purge", '{"filter":"visitorId = \\"v\\"","force":1}', "force"),
        ("purge", json.dumps({"filter": f'visitorId = "{"v" * 5000}"'}), "longer than 5,000"),
        ("purge", '{"filter":"visitorId = \\"v\\"","all":true}', "Unknown name"),
        ("rejoin", '{"userEventRejoinScope":"SOME"}', "user_event_rejoin_scope"),
        ("rejoin", "[]", "no JSON object"),
        ("rejoin", "nonsense", "malformed"),
    ],
)
def test_a_faulty_call_is_refused(method: str, body: str, words: str) -> None:
    assert words in refused(head(method), body)


def test_a_purge_that_only_counts_is_not_forced() -> None:
    (event,) = accepted(head("purge"), '{"filter":"visitorId = \\"v\\""}').decoded.events
    assert event.extra["force"] is False


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "projects/p/operations/1",
        "projects/p/locations/l/operations/1",
        f"{PARENT}/operations/1",
        f"{PARENT}/branches/0/operations/1",
    ],
)
def test_an_unknown_operation_is_not_found(name: str) -> None:
    assert name in refused(Head("GET", f"/v2/{name}", {}, {}), status=404)


def test_operations_are_remembered_within_bounds() -> None:
    by = GoogleRetailEndpoint()
    names = [
        body_of(accepted(head("purge"), json.dumps({"filter": f'visitorId = "{number}"'}), by))["name"]
        for number in range(MAX_OPERATIONS + 1)
    ]
    refused(Head("GET", f"/v2/{names[0]}", {}, {}), by=by, status=404)
    assert isinstance(receive(Head("GET", f"/v2/{names[1]}", {}, {}), by=by), Reply)


def imported(event: Mapping[str, object], by: GoogleRetailEndpoint) -> str:
    """The name of the operation."""
    body = json.dumps({"inputConfig": {"userEventInlineSource": {"userEvents": [event]}}})
    return body_of(accepted(head("import"), body, by))["name"]


def is_known(name: str, by: GoogleRetailEndpoint) -> bool:
    return by.claim(Head("GET", f"/v2/{name}", {}, {})) == Claim()


def test_operations_that_quote_what_was_wrong_are_remembered_within_bytes() -> None:
    by = GoogleRetailEndpoint(wide=False)
    event = {"eventType": "home-page-view", "visitorId": "v", "eventTime": "2022-02-23T10:27:42Z"}
    names = [imported({**event, f"{number}" * (MAX_OPERATIONS_BYTES // 5): 1}, by) for number in range(5)]
    assert [is_known(name, by) for name in names] == [False, True, True, True, True]


def test_an_operation_that_quotes_too_much_is_not_remembered_and_drives_no_other_out() -> None:
    by = GoogleRetailEndpoint(wide=False)
    event = {"eventType": "home-page-view", "visitorId": "v", "eventTime": "2022-02-23T10:27:42Z"}
    small, large = imported(event, by), imported({**event, "x" * MAX_OPERATION_BYTES: 1}, by)
    assert (is_known(small, by), is_known(large, by)) == (True, False)


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_endpoint_is_built_from_its_options() -> None:
    options = {"parent": PARENT, "spelling": "api", "event_types": ["x"]}
    built = build_source(msgspec.convert(options, GoogleRetailSourceOptions)).endpoint
    assert isinstance(built, GoogleRetailEndpoint)
    refused(head("write"), SAMPLES["seed-detail-page-view"], built)
    accepted(head("write"), HOME.replace(b"home-page-view", b"x"), built)
    refused(head("write", parent="projects/other/locations/global/catalogs/c"), HOME, built, status=403)


@pytest.mark.parametrize(
    "parent", ["", "shop", "projects/p", "projects/p/locations/l/catalogs/c/branches/b", "projects/ /locations/l/catalogs/c"]
)
def test_a_parent_is_a_catalogues_name(parent: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="parent"):
        msgspec.convert({"parent": parent}, GoogleRetailSourceOptions)
