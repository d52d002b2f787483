"""What all calls of the enterprise API have in common: who may call, what is checked first, what errors
look like, and the headers that stand on every answer."""

import json
import re
import time

import pytest

from mqtt import Device
from rawhttp import Connection
from world import World, hex_id, request

# The document's rows for what the calls of this program can answer.
ERRORS = {
    5001: (400, "body json invalid"),
    5002: (400, "form invalid"),
    5003: (404, "enterprise id not exist"),
    5004: (400, "enterprise secret error"),
    5005: (400, "product secret error"),
    5007: (404, "association not exist"),
    5009: (400, "token invalid"),
    5010: (400, "token not match product_key"),
    5012: (400, "ip not in white list"),
    5013: (403, "API call rate limit execeed quota"),
    5015: (404, "Product key not exist!"),
    5017: (404, "Uid not exist!"),
    5206: (404, "group not exist"),
    5301: (404, "device not exist"),
    5302: (403, "device not belong to this product"),
    5304: (400, "device is disabled"),
    5305: (400, "device offline!"),
    5401: (400, "attr invalid!"),
    5402: (404, "datapoint data not found!"),
    5403: (400, "send command failed!"),
    5404: (403, "remote control not allowed!"),
    5405: (404, "attrs not exist!"),
    5408: (400, "raw data error!"),
}


def now():
    return int(time.time())


def away_from_the_hours_end(seconds=60):
    """Quotas begin anew with the hour: nothing that counts may lie across it."""
    left = 3600 - time.time() % 3600
    if left < seconds:
        time.sleep(left + 0.1)


@pytest.fixture
def other(shared_server):
    return World(shared_server)


def post_token(world, body):
    return request(world.server.http, "POST", world.path("access_token"), body)


def unassociated_product(world):
    product_key, product_secret = hex_id(), hex_id()
    world.server.apply({"products": [{"product_key": product_key, "product_secret": product_secret, "name": "P"}]})
    return {"product_key": product_key, "product_secret": product_secret}


def denied(world):
    assert world.token
    world.configure(ip_allow=["192.0.2.0/24"])
    return world


def exhausted(world):
    away_from_the_hours_end()
    assert world.token
    world.configure(hourly_quota=0)
    return world


def token_for(world, product_key, product_secret):
    return request(world.server.http, "POST", f"/v1/products/{product_key}/access_token",
                   {"enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret,
                    "product_secret": product_secret})




def silent_device(world):
    """Logged in, but subscribed to nothing."""
    did, passcode = world.register()
    world.silent = Device(world.server.mqtt, did, passcode, world.product_key, 4).login()
    return did


def imported(world, **device):
    world.import_devices({"mac": "imported", **device})
    return world.get("devices", mac="imported").json["did"]


def provoke(world, other, code):
    switch = {"attrs": {"switch": 1}}
    calls = {
        5001: lambda: post_token(world, "{"),
        5002: lambda: post_token(world, {}),
        5003: lambda: world.take_token(enterprise_id=hex_id()),
        5004: lambda: world.take_token(enterprise_secret=hex_id()),
        5005: lambda: world.take_token(product_secret=hex_id()),
        5007: lambda: token_for(world, **unassociated_product(world)),
        5009: lambda: request(world.server.http, "GET", world.path("datapoint")),
        5010: lambda: request(world.server.http, "GET", world.path("datapoint"), headers=other.headers),
        5012: lambda: denied(world).get("datapoint"),
        5013: lambda: exhausted(world).get("datapoint"),
        5015: lambda: request(world.server.http, "GET", f"/v1/products/{hex_id()}/datapoint", headers=world.headers),
        5017: lambda: world.get("devices/search", type="uid", val=hex_id()),
        5206: lambda: world.get("devices/search", gid=hex_id()),
        5301: lambda: world.get("devices", mac="nobody"),
        5302: lambda: world.control(other.register()[0], **switch),
        5304: lambda: world.control(imported(world, is_disabled=True), **switch),
        5305: lambda: world.control(world.register()[0], **switch),
        5401: lambda: world.control(world.register()[0], attrs={"room_temp": 1}),
        5402: lambda: World(world.server, datapoint=None).get("datapoint"),
        5403: lambda: world.control(silent_device(world), **switch),
        5404: lambda: (w := World(world.server, remote_control=False)).control(w.register()[0], **switch),
        5405: lambda: world.control(world.register()[0], attrs={"nothing": 1}),
        5408: lambda: world.control(world.register()[0], raw="x", binary_coding="hex"),
    }
    return calls[code]()


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_has_the_documents_status_code_and_message(world, other, code):
    answer = provoke(world, other, code)
    status, message = ERRORS[code]
    assert answer.error == (status, code)
    assert answer.json["error_message"] == message


@pytest.mark.parametrize("method,path,status", [
    ("GET", "/v1/nothing", 404), ("GET", "/v1", 404), ("GET", "/v2/products", 404), ("GET", "/nothing", 404),
    ("GET", "/v1/products/{pk}/devices/x/nothing", 404), ("POST", "/v1/products/{pk}/datapoint", 405),
    ("DELETE", "/v1/products/{pk}/devices/search", 405), ("GET", "/v1/products/{pk}/access_token", 405),
    ("PATCH", "/v1/products/{pk}/devices", 405),
])
def test_unknown_paths_and_methods_have_the_same_error_body(world, method, path, status):
    answer = request(world.server.http, method, path.replace("{pk}", world.product_key))
    assert answer.error == (status, status)


@pytest.mark.parametrize("path,method", [("datapoint", "GET"), ("access_token", "POST"), ("devices/x/control", "POST")])
def test_a_405_names_the_methods_there_are(world, path, method):
    allowed = set(re.split(r",\s*", request(world.server.http, "PUT", world.path(path)).headers["Allow"]))
    assert {method} <= allowed <= {method, "OPTIONS", "HEAD"}


# --- the order of the checks: everything later is wrong as well -----------------------------------

def test_an_unknown_path_comes_before_the_token(world):
    assert request(world.server.http, "GET", world.path("nothing")).error == (404, 404)


def test_an_unknown_method_comes_before_the_token(world):
    assert request(world.server.http, "DELETE", world.path("devices/x/control"), "{").error == (405, 405)


def test_a_missing_token_comes_before_the_product(world):
    denied(exhausted(world))
    assert request(world.server.http, "POST", f"/v1/products/{hex_id()}/devices/x/control", "{").error == (400, 5009)


def test_an_unknown_product_comes_before_the_address_and_the_quota(world):
    denied(exhausted(world))
    assert request(world.server.http, "POST", f"/v1/products/{hex_id()}/devices/x/control", "{",
                   world.headers).error == (404, 5015)


def test_another_products_token_comes_before_the_address_and_the_quota(world, other):
    denied(exhausted(world))
    assert request(world.server.http, "POST", other.path("devices/x/control"), "{", world.headers).error == (400, 5010)


def test_the_address_comes_before_the_quota(world):
    assert denied(exhausted(world)).call("POST", "devices/x/control", "{").error == (400, 5012)


def test_the_quota_comes_before_the_body(world):
    assert exhausted(world).call("POST", "devices/x/control", "{").error == (403, 5013)


def test_the_quota_comes_before_the_parameters(world):
    assert exhausted(world).get("devices/search", limit="many").error == (403, 5013)


def test_the_body_comes_before_its_fields_and_the_device(world):
    assert world.call("POST", "devices/x/control", "{").error == (400, 5001)


def test_the_parameters_come_before_the_device(world):
    assert world.call("POST", "devices/x/control", {}).error == (400, 5002)
    assert world.get("devices/x/data", sort="up").error == (400, 5002)


def test_the_parameters_come_before_a_group_and_a_user(world):
    assert world.get("devices/search", gid=hex_id(), limit="many").error == (400, 5002)
    assert world.get("devices/search", type="uid", val=hex_id(), skip=-1).error == (400, 5002)


def test_the_device_comes_before_its_state(world, other):
    did = other.register()[0]
    assert world.control("x" * 22, attrs={"switch": 1}).error == (404, 5301)
    assert world.control(did, attrs={"switch": 1}).error == (403, 5302)


def test_a_disabled_device_comes_before_an_offline_one(world):
    assert world.control(imported(world, is_disabled=True), attrs={"switch": 1}).error == (400, 5304)


# --- the token --------------------------------------------------------------------------------------

@pytest.mark.parametrize("header", ["token {}", "Token {}", "TOKEN\t {}", "token     {}", "  token {}  ", "{}"])
def test_a_token_is_understood(world, header):
    answer = request(world.server.http, "GET", world.path("datapoint"), headers={"Authorization": header.format(world.token)})
    assert answer.status == 200


@pytest.mark.parametrize("header", ["", "token", "token ", "Bearer {}", "Basic {}", "token{}", "token {}0", "token {} {}",
                                    "token zz", "token " + "0" * 32])
def test_what_is_no_token_is_5009(world, header):
    answer = request(world.server.http, "GET", world.path("datapoint"),
                     headers={"Authorization": header.replace("{}", world.token)})
    assert answer.error == (400, 5009)


def test_an_upper_case_token_is_not_the_token(world):
    token = world.token if re.search("[a-f]", world.token) else world.take_token().json["token"]
    assert request(world.server.http, "GET", world.path("datapoint"),
                   headers={"Authorization": f"token {token.upper()}"}).error == (400, 5009)


# --- the quota and its headers ----------------------------------------------------------------------

def rate(answer):
    return tuple(int(answer.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


def test_a_success_has_the_rate_headers(world):
    away_from_the_hours_end()
    world.configure(hourly_quota=100)
    assert rate(world.take_token())[:2] == (100, 99)
    answer = world.get("datapoint")  # takes a token of its own first
    limit, remaining, reset = rate(answer)
    assert (limit, remaining) == (100, 97)
    assert reset % 3600 == 0 and now() < reset <= now() + 3600


def erroneous_calls(world, other):
    return {
        5001: lambda: world.call("POST", "devices/x/control", "{"),
        5002: lambda: world.get("devices/search", limit="many"),
        5010: lambda: request(world.server.http, "GET", other.path("datapoint"), headers=world.headers),
        5012: lambda: denied(world).get("datapoint"),
        5015: lambda: request(world.server.http, "GET", f"/v1/products/{hex_id()}/datapoint", headers=world.headers),
        5206: lambda: world.get("devices/search", gid="x"),
        5301: lambda: world.get("devices", mac="nobody"),
        5005: lambda: world.take_token(product_secret=hex_id()),
    }


@pytest.mark.parametrize("code", erroneous_calls(None, None))
def test_a_known_callers_error_has_the_rate_headers_and_counts(world, other, code):
    away_from_the_hours_end()
    before = rate(world.get("datapoint"))
    answer = erroneous_calls(world, other)[code]()
    assert answer.error[1] == code
    assert rate(answer) == (before[0], before[1] - 1, before[2])
    if code == 5012:
        world.configure(ip_allow=None)
    assert rate(world.get("datapoint")) == (before[0], before[1] - 2, before[2])


def test_an_unknown_caller_has_no_rate_headers(world):
    for answer in (request(world.server.http, "GET", world.path("datapoint")), world.take_token(enterprise_id=hex_id())):
        assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]


def test_over_the_quota_every_call_is_5013_and_told_when_to_come_again(world):
    away_from_the_hours_end()
    assert world.token
    world.configure(hourly_quota=4)
    answers = [world.get("datapoint"), world.get("nothing"), world.get("devices", mac="nobody"), world.get("devices/search"),
               world.get("datapoint"), world.take_token()]
    # The token was the first call of the hour; a path that is not there is nobody's call.
    assert [a.status for a in answers] == [200, 404, 404, 200, 403, 403]
    for answer in answers[4:]:
        assert answer.error == (403, 5013)
        limit, remaining, reset = rate(answer)
        assert (limit, remaining) == (4, 0)
        assert abs(int(answer.headers["Retry-After"]) - (reset - now())) <= 2
    assert "Retry-After" not in answers[0].headers


def test_the_quota_is_the_enterprises_over_all_its_products(world):
    away_from_the_hours_end()
    product = unassociated_product(world)
    world.configure(product_keys=[world.product_key, product["product_key"]])
    first = rate(world.take_token())
    second = rate(token_for(world, **product))
    assert second[1] == first[1] - 1


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_is_used_up_stays_used_up_in_the_next_start(make_server, end):
    away_from_the_hours_end()
    server = make_server()
    worlds = [World(server), World(server)]
    for world in worlds:
        assert world.token
    worlds[0].configure(hourly_quota=3)
    assert [worlds[0].get("datapoint").status for _ in range(3)] == [200, 200, 403]
    before = [rate(world.get("datapoint")) for world in worlds]
    assert before[0][1] == 0
    getattr(server, end)()  # at once: nothing is to be waited for
    server.start()
    refused = worlds[0].get("datapoint")
    assert refused.error == (403, 5013) and "Retry-After" in refused.headers and rate(refused) == before[0]
    assert worlds[0].take_token().error == (403, 5013)
    assert rate(worlds[1].get("datapoint")) == (before[1][0], before[1][1] - 1, before[1][2])
    worlds[0].configure(hourly_quota=4)
    assert rate(worlds[0].get("datapoint"))[:2] == (4, 0)


def test_one_enterprises_quota_is_not_anothers(world, other):
    exhausted(world)
    assert other.get("datapoint").status == 200


def test_a_raised_quota_counts_at_once(world):
    assert exhausted(world).get("datapoint").error == (403, 5013)
    world.configure(hourly_quota=10)
    assert world.get("datapoint").status == 200


def test_the_quota_is_3600_unless_configured(world):
    enterprise_id, enterprise_secret = hex_id(), hex_id()
    product = unassociated_product(world)
    world.server.apply({"enterprises": [{"enterprise_id": enterprise_id, "enterprise_secret": enterprise_secret,
                                         "name": "E", "product_keys": [product["product_key"]]}]})
    answer = request(world.server.http, "POST", f"/v1/products/{product['product_key']}/access_token",
                     {"enterprise_id": enterprise_id, "enterprise_secret": enterprise_secret,
                      "product_secret": product["product_secret"]})
    assert answer.status == 201 and answer.headers["X-RateLimit-Limit"] == "3600"


# --- the addresses that may call ----------------------------------------------------------------------

def status_from(world, forwarded_for=None):
    headers = {**world.headers, **({"X-Forwarded-For": forwarded_for} if forwarded_for else {})}
    answer = request(world.server.http, "GET", world.path("datapoint"), headers=headers)
    return 200 if answer.status == 200 else answer.error[1]


@pytest.mark.parametrize("allowed,status", [
    (["127.0.0.0/8"], 200), (["127.0.0.1"], 200), (["127.0.0.1/32"], 200), (["10.0.0.0/8", "127.0.0.1"], 200),
    (["0.0.0.0/0"], 200), ([], 200), (None, 200), (["10.0.0.0/8"], 5012), (["127.0.0.2"], 5012), (["::1/128"], 5012),
    (["::/0"], 5012), (["126.0.0.0/8"], 5012),
])
def test_an_allow_list_of_networks(world, allowed, status):
    assert world.token
    world.configure(ip_allow=allowed)
    if allowed == ["::/0"]:
        assert status_from(world) in (200, 5012)  # whether IPv4 is part of it, nobody says
    else:
        assert status_from(world) == status


def test_a_token_is_not_given_to_a_foreign_address(world):
    world.configure(ip_allow=["192.0.2.0/24"])
    assert world.take_token().error == (400, 5012)


@pytest.mark.parametrize("allowed,status", [(["::1"], 200), (["::1/128"], 200), (["0::/64"], 200), (["0.0.0.0/0"], 200),
                                            (["2001:db8::/32"], 5012), (["127.0.0.0/8"], 5012)])
def test_an_allow_list_over_ipv6(ipv6_world, allowed, status):
    assert ipv6_world.token
    ipv6_world.configure(ip_allow=allowed)
    assert status_from(ipv6_world) == status


@pytest.fixture(scope="module")
def ipv6_server(make_shared_server):
    return make_shared_server("--http", "[::1]:0")


@pytest.fixture
def ipv6_world(ipv6_server):
    return World(ipv6_server)


def test_x_forwarded_for_is_not_believed_by_default(world):
    assert world.token
    world.configure(ip_allow=["192.0.2.0/24"])
    assert status_from(world, "192.0.2.7") == 5012


@pytest.fixture(scope="module")
def proxied_server(make_shared_server):
    return make_shared_server("--trusted-proxies", "127.0.0.0/8, 10.0.0.0/8,2001:db8:1::/48")


@pytest.fixture
def proxied_world(proxied_server):
    world = World(proxied_server)
    assert world.token
    world.configure(ip_allow=["192.0.2.0/24", "2001:db8:2::/48"])
    return world


@pytest.mark.parametrize("forwarded_for,status", [
    ("192.0.2.7", 200), ("198.51.100.9", 5012), (None, 5012), ("192.0.2.7, 10.1.2.3", 200),
    ("198.51.100.9, 192.0.2.7", 200),  # what is left of the first untrusted one is its own claim
    ("192.0.2.7, 198.51.100.9", 5012), ("192.0.2.7,198.51.100.9 , 10.1.2.3", 5012),
    ("2001:db8:2::1", 200), ("2001:db8:3::1", 5012), ("2001:db8:2::1, 2001:db8:1::1", 200), ("nonsense", 5012),
    ("192.0.2.7, nonsense", 5012), ("192.0.2.7:4711", 200), ("[2001:db8:2::1]:4711", 200),
])
def test_the_client_behind_trusted_proxies(proxied_world, forwarded_for, status):
    assert status_from(proxied_world, forwarded_for) == status


def test_several_x_forwarded_for_headers_are_one_list(proxied_world):
    def status(*lines):
        with Connection(proxied_world.server.http) as c:
            c.send(f"GET {proxied_world.path('datapoint')} HTTP/1.1\r\nHost: x\r\nAuthorization: {proxied_world.token}\r\n"
                   + "".join(f"X-Forwarded-For: {line}\r\n" for line in lines) + "\r\n")
            return c.answer().status
    assert status("198.51.100.9", "192.0.2.7") == 200
    assert status("192.0.2.7", "198.51.100.9") == 400


# --- paths, bodies, identifiers -------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["//v1/products/{pk}/datapoint", "/v1//products/{pk}/datapoint",
                                  "/v1/products//{pk}//datapoint", "/v1/products/{pk}/datapoint/",
                                  "///v1///products///{pk}///datapoint///"])
def test_doubled_and_trailing_slashes_do_not_count(world, path):
    answer = request(world.server.http, "GET", path.format(pk=world.product_key), headers=world.headers)
    assert answer.status == 200


def test_a_path_may_be_escaped(world):
    escaped = "".join(f"%{ord(c):02x}" for c in world.product_key)
    assert request(world.server.http, "GET", f"/v1/products/{escaped}/datapoint", headers=world.headers).status == 200


@pytest.mark.parametrize("content_type", [None, "application/json", "application/x-www-form-urlencoded", "text/plain",
                                          "multipart/form-data; boundary=x", "application/json; charset=gbk", "nonsense"])
def test_a_body_is_json_whatever_its_type_says(world, content_type):
    body = {"enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret,
            "product_secret": world.product_secret}
    answer = request(world.server.http, "POST", world.path("access_token"), json.dumps(body),
                     {"Content-Type": content_type} if content_type else {})
    assert answer.status == 201


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"null", b'"text"', b"{} {}", b"{'raw': [1]}", b"raw=1", b"\xff\xfe{}",
                                  b'{"raw": "\xc3\x28"}', b'{"raw": [1],}', b"{" * 5000,
                                  b'{"attrs": {"switch": 1\0}}', b'{"attrs": {"switch": true\0}}', b'{"raw": [1\0]}', b"{}\0"])
def test_what_is_no_json_object_is_5001(world, body):
    did = world.register()[0]
    assert world.call("POST", f"devices/{did}/control", body).error == (400, 5001)


@pytest.mark.parametrize("identifier", ["x", "short", "0" * 31, "0" * 33, "G" * 32, "%ff%fe", "a b", "设备", "'; --"])
def test_a_malformed_identifier_is_merely_unknown(world, identifier):
    escaped = identifier if "%" in identifier else "".join(f"%{b:02x}" for b in identifier.encode())
    assert request(world.server.http, "GET", f"/v1/products/{escaped}/datapoint", headers=world.headers).error == (404, 5015)
    assert request(world.server.http, "GET", world.path(f"devices/{escaped}/data"), headers=world.headers).error == (404, 5301)
    base = world.path("devices/search")
    for query, error in ((f"gid={escaped}", (404, 5206)), (f"type=uid&val={escaped}", (404, 5017))):
        assert request(world.server.http, "GET", f"{base}?{query}", headers=world.headers).error == error


def test_a_byte_order_mark_before_a_body_is_skipped(world):
    device = world.device(level=4)
    assert world.call("POST", f"devices/{device.did}/control", b'\xef\xbb\xbf{"attrs": {"switch": 1}}').json == {}
    assert world.call("POST", f"devices/{device.did}/control", b'\xef\xbb\xbf').error == (400, 5001)


@pytest.mark.parametrize("value", ["1", "true", "True", "TRUE"])
def test_a_flag_in_a_query_is_true_in_any_case(world, value):
    device = world.device(level=4)
    offline = world.register()[0]
    found = world.get("devices/search", is_online=value).json["objects"]
    assert [row["did"] for row in found] == [device.did]
    found = world.get("devices/search", is_online={"1": "0", "true": "false", "True": "False", "TRUE": "FALSE"}[value])
    assert [row["did"] for row in found.json["objects"]] == [offline]


@pytest.mark.parametrize("value", ["yes", "2", "tru", "1.0", "on"])
def test_what_is_no_flag_is_5002(world, value):
    assert world.get("devices/search", is_online=value).error == (400, 5002)


def test_unknown_parameters_are_ignored(world):
    assert world.get("devices/search", colour="red", page=3).json["meta"]["limit"] == 20
    device = world.device(level=4)
    assert world.control(device.did, attrs={"switch": 1}, colour="red").status == 200


def test_an_empty_query_value_counts_as_absent(world):
    answer = request(world.server.http, "GET", world.path("devices/search")
                     + "?gid=&country=&is_online=&limit=&skip=&type=&val=&liveness_start=&show_disabled", headers=world.headers)
    assert answer.json["meta"] == {"total": 0, "limit": 20, "skip": 0, "previous": None, "next": None}
    assert world.get("devices", mac="").error == (400, 5002)


def test_5002_says_what_is_wrong(world):
    for parameters, name in (({"limit": "x"}, "limit"), ({"is_online": 7}, "is_online"), ({"type": "did"}, "val")):
        assert name in world.get("devices/search", **parameters).json["detail_message"]


# --- answers ----------------------------------------------------------------------------------------------

def test_every_answer_has_a_request_id_of_its_own(world):
    answers = [world.get("datapoint"), world.get("datapoint"), world.get("nothing"), world.call("PUT", "datapoint"),
               request(world.server.http, "GET", world.path("datapoint")), world.take_token(),
               request(world.server.http, "GET", "/nothing")]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert all(ids) and len(set(ids)) == len(ids)


def test_texts_are_utf_8_and_not_escaped(world):
    answer = world.get("datapoint")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "制冷".encode() in answer.body and b"\\u" not in answer.body


def test_a_success_never_has_an_error_code(world):
    device = world.device(mac="m", level=4)
    answers = [world.take_token(), world.get("datapoint"), world.get("devices", mac="m"), world.get("device_detail", mac="m"),
               world.get("devices/search"), world.control(device.did, raw=[1]),
               *(world.get(f"devices/{device.did}/{call}") for call in ("online", "cmd", "data"))]
    for answer in answers:
        assert answer.status in (200, 201)
        assert "error_code" not in answer.json


def test_head_is_get_without_the_body(world):
    got = world.get("datapoint")
    headers = f"Host: x\r\nAuthorization: token {world.token}\r\n\r\n"
    with Connection(world.server.http) as c:
        c.send(f"HEAD {world.path('datapoint')} HTTP/1.1\r\n{headers}")
        c.send(f"HEAD {world.path('devices', mac='nobody')} HTTP/1.1\r\n{headers}")
        c.send(f"GET /healthz HTTP/1.1\r\n{headers}")
        found, missing = c.answer(head=True), c.answer(head=True)
        assert c.answer().json == {"status": "ok"}
    assert found.status == 200 and int(found.headers["Content-Length"]) == len(got.body)
    assert missing.status == 404 and int(missing.headers["Content-Length"]) > 0


def test_options_needs_no_token_and_names_the_methods(world):
    answer = request(world.server.http, "OPTIONS", world.path("datapoint"))
    assert answer.status in (200, 204) and answer.body == b""
    assert "GET" in answer.headers["Allow"]


# --- pages of other origins -----------------------------------------------------------------------------------

ORIGIN = "https://console.example.test"


def cross_origin(server, method, path, **headers):
    return request(server.http, method, path, headers={"Origin": ORIGIN, **headers})


def test_cors_is_off_by_default(world):
    for method in ("GET", "OPTIONS"):
        answer = cross_origin(world.server, method, world.path("datapoint"), **{"Access-Control-Request-Method": "GET"},
                              **world.headers)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.fixture(scope="module", params=[ORIGIN, "*"])
def cors_server(request, make_shared_server):
    server = make_shared_server("--cors-origin", request.param)
    server.origin = request.param
    return server


def test_cors_lets_one_origin_read_every_answer(cors_server):
    world = World(cors_server)
    for path, status in (("datapoint", 200), ("nothing", 404), ("devices", 400)):
        answer = cross_origin(cors_server, "GET", world.path(path), **world.headers)
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == cors_server.origin
        exposed = answer.headers["Access-Control-Expose-Headers"].lower()
        assert "x-ratelimit-remaining" in exposed and "x-request-id" in exposed and "retry-after" in exposed


def test_a_preflight_is_answered_without_a_token(cors_server):
    world = World(cors_server)
    answer = cross_origin(cors_server, "OPTIONS", world.path("devices/x/control"),
                          **{"Access-Control-Request-Method": "POST",
                             "Access-Control-Request-Headers": "authorization, content-type"})
    assert answer.status in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == cors_server.origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert "authorization" in allowed and "content-type" in allowed
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def test_an_answer_for_one_origin_is_not_kept_for_others(cors_server):
    if cors_server.origin != "*":
        assert "Origin" in cross_origin(cors_server, "GET", "/v1/nothing").headers["Vary"]
