"""How old clients of the enterprise API speak: curl as PHP and scripts use it, HTTP/1.0, requests typed by hand."""

import json
import subprocess
import urllib.parse

import pytest

from rawhttp import Connection
from server import ENOUGH_S
from world import hex_id, status_report

PLACE = {"city": "广 州", "country": "中国", "longitude": 113, "latitude": -0.5}


def curl(world, path, *options, token=True, body=None):
    """(status, body): what curl gets for a call of the product."""
    host, port = world.server.http
    headers = ["-H", f"Authorization: token {world.token}"] if token else []
    done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", *headers, *options, *(["-d", json.dumps(body)] if body else []),
                           f"http://{host}:{port}{world.path(path)}"], capture_output=True, text=True, timeout=ENOUGH_S)
    assert done.returncode == 0, done.stderr
    text, _, status = done.stdout.rpartition("\n")
    return int(status), text


def send(world, text):
    """The answer to a request in which {path} is that of the product's calls and {token} a token."""
    with Connection(world.server.http) as c:
        return c.send(text.replace("{path}", world.path("")).replace("{token}", world.token)).answer()


# --- curl ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("version", ["--http1.0", "--http1.1", "--http2"])
def test_curl_posts_json_as_a_form_and_walks_through_the_calls(world, version):
    status, text = curl(world, "access_token", version, token=False, body={
        "enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret, "product_secret": world.product_secret})
    assert status == 201 and set(json.loads(text)) == {"token", "expire_at", "expired_at"}
    appid, uid, device = hex_id(), hex_id(), world.device("m", level=4)
    world.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}],
                        "users": [{"uid": uid, "appid": appid}]})
    status, text = curl(world, "device_groups", version, "-X", "POST")
    assert status == 201
    group, binding = f"device_groups/{json.loads(text)['gid']}", {"uid": uid, "appid": appid, "dids": device.did}
    for path, method, body, expected in (
            (f"devices/{device.did}/control", "POST", {"attrs": {"switch": 1}}, (200, {})),
            (group, "PUT", {"action": "assign", "macs": ["m"]}, (200, {"success": ["m"], "failed": []})),
            (group, "PUT", {"action": "unassign", "macs": ["m"]}, (200, {"success": ["m"], "failed": []})),
            ("devices/bindings", "POST", binding, (201, {"success": [device.did], "failed": []})),
            ("devices/bindings", "DELETE", binding, (200, {"success": [device.did], "failed": []})),
            (group, "DELETE", None, (200, {}))):
        status, text = curl(world, path, version, "-X", method, body=body)
        assert (status, json.loads(text)) == expected


def test_curl_waits_for_100_continue_before_a_long_body(world):
    world.import_devices({"mac": "m"})
    gid = world.call("POST", "device_groups").json["gid"]
    macs = [f"a device that is not there, number {n}" for n in range(999)]
    status, text = curl(world, f"device_groups/{gid}", "-X", "PUT", "-H", "Expect: 100-continue", "--expect100-timeout", "60",
                        body={"action": "assign", "macs": ["m", *macs]})
    assert (status, json.loads(text)) == (200, {"success": ["m"], "failed": macs})


def test_curl_escapes_a_query_as_forms_do(world):
    world.import_devices({"mac": "m", **PLACE})
    status, text = curl(world, "devices/search", "-G", "--data-urlencode", "city=广 州", "--data-urlencode", "country=中国")
    assert status == 200 and json.loads(text)["meta"]["total"] == 1


def test_curl_shows_a_head(world):
    world.import_devices({"mac": "m"})
    status, text = curl(world, "devices?mac=m", "-I")
    assert status == 200 and "X-RateLimit-Remaining: " in text and "Content-Type: application/json; charset=utf-8" in text


# --- by hand ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("query", ["city=%E5%B9%BF%20%E5%B7%9E", "city=%e5%b9%bf+%e5%b7%9e", "city=广+州", "city=广%20州&&",
                                   "%63ity=广+州&unknown[]=1", "city=nowhere&city=广+州&city="])
def test_a_query_may_be_escaped_in_any_way(world, query):
    world.import_devices(*[{"mac": f"m{n}", **PLACE} for n in range(2)])
    answer = send(world, f"GET {{path}}devices/search?{query}&limit=1 HTTP/1.1\r\nHost: x\r\nAuthorization: token {{token}}\r\n\r\n")
    assert answer.status == 200 and answer.json["meta"]["total"] == 2
    link = answer.json["meta"]["next"]
    assert link.isascii() and urllib.parse.urlsplit(link).query.endswith("limit=1&skip=1")
    assert world.follow(link).json["objects"][0]["city"] == PLACE["city"]


@pytest.mark.parametrize("head", [
    "GET {path}devices?mac=m HTTP/1.0\r\nAuthorization: token {token}\r\n\r\n",
    "GET {path}devices?mac=m HTTP/1.0\r\nConnection: Keep-Alive\r\nauthorization: TOKEN {token}\r\n\r\n",
    "GET {path}devices?mac=m HTTP/1.1\r\nhost:x\r\nAUTHORIZATION:token {token}\r\n\r\n",
    "GET {path}devices?mac=m HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 2\r\n\r\n{}",
    "GET {path}/devices/?mac=m HTTP/1.1\r\nHost: x\r\nAuthorization: token {token}\r\nConnection: close\r\n\r\n",
    "GET http://enterpriseapi.example.test{path}devices?mac=m HTTP/1.1\r\nHost: x\r\nAuthorization: token {token}\r\n\r\n",
    "GET {path}devices?mac=m HTTP/1.1\r\nHost: x\r\nAuthorization: token {token}\r\nAccept: text/html\r\nTE: trailers\r\n\r\n"])
def test_a_request_may_look_odd(world, head):
    world.import_devices({"mac": "m"})
    answer = send(world, head)
    assert answer.status == 200 and set(answer.json) == {"did", "passcode"}


def test_the_enterprises_headers_are_named_in_any_case(world):
    answer = send(world, f"GET /v1/users/location?product_key={world.product_key} HTTP/1.1\r\nHost: x\r\n"
                  f"x-gizwits-enterprise-id: {world.enterprise_id}\r\nX-GIZWITS-ENTERPRISE-SECRET: {world.enterprise_secret}\r\n\r\n")
    assert (answer.status, answer.json) == (200, {})


def test_a_connection_of_http_1_0_is_kept_when_the_caller_asks_for_it(world):
    head = f"GET {world.path('devices')}?mac=m HTTP/1.0\r\nConnection: keep-alive\r\nAuthorization: {world.token}\r\n\r\n"
    world.import_devices({"mac": "m"})
    with Connection(world.server.http) as c:
        for _ in range(3):
            answer = c.send(head).answer()
            assert answer.status == 200 and answer.headers["Connection"] == "keep-alive"


# --- numbers, as typed clients read them -----------------------------------------------------------------------------

def test_whole_degrees_are_floats_and_other_numbers_keep_their_kind(world):
    world.import_devices({"mac": "m", **PLACE, "created_at": 1505789918})
    body = world.get("devices/search").body.decode()
    assert '"longitude":113.0,' in body and '"latitude":-0.5,' in body and '"created_at":1505789918,' in body


@pytest.mark.parametrize("log", ["online", "cmd"])
def test_a_log_timestamp_has_three_decimals(world, log):
    device = world.device(level=4)
    device.report(status_report(), qos=1)
    rows = world.get(f"devices/{device.did}/{log}").body.decode().split('"timestamp":')[1:]
    assert rows and all(len(row.split(",")[0].split(".")[1]) == 3 for row in rows)
