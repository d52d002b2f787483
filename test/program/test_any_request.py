"""Every call, with parameters of any kind: what the API's description of itself does not know is never answered.

Runs a fixed choice of requests. For a longer run with others each time:
MUSTER_EXAMPLES=5000 python3 -m pytest test/program/test_any_request.py"""

import datetime
import json
import os
import re
import threading
import time
import urllib.parse

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mqtt import Closed as DeviceClosed
from openapi import check_answer, read
from rawhttp import Closed, Connection
from refusals import documented
from server import HANGS_S, PATIENCE
from test_openapi import ROUTES
from world import REPORT, World, hex_id, request, status_report

LONG = "MUSTER_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("MUSTER_EXAMPLES", max(15, 60 // PATIENCE)))
CALLS = sorted([*ROUTES, ("get", "/openapi.json")])
TABLE = {code: (status, message) for rows in documented() for code, status, message in rows}


class Place:
    """A server with something of everything, so that requests can name it, and one connection to it."""

    def __init__(self, server):
        self.server, self.document = server, read(server)
        self.world, self.other = World(server), World(server)
        self.other_group = self.other.call("POST", "device_groups").json["gid"]
        self.other_did = self.other.register("other")[0]
        self.device = self.world.device("m", level=4, keepalive=0)
        for report in (REPORT, status_report(alerts=3, faults=1), REPORT):
            self.device.report(report, qos=1)
        threading.Thread(target=self.listen, daemon=True).start()
        self.world.import_devices({"mac": "disabled", "is_disabled": True}, {"mac": "silent", "device_sn": "sn", "type": "bluetooth"},
                                  {"mac": "far+away", "country": "中国", "city": "Guangzhou"})
        self.appid, self.uid = hex_id(), hex_id()
        server.apply({"apps": [{"appid": self.appid, "name": "App", "product_keys": [self.world.product_key]}],
                      "users": [{"uid": self.uid, "appid": self.appid, "phone": "138", "country": "China"}]})
        self.connection, self.groups, self.seen = None, [], set()

    def listen(self):
        """The device reads what it is sent, as firmware does."""
        try:
            while True:
                self.device.sock.settimeout(None)
                self.device.receive()
        except (DeviceClosed, OSError):
            pass

    def known(self):
        """Values that mean something here, by the parameter that they are for. The first ones go together."""
        if not self.groups or self.world.get(f"device_groups/{self.groups[-1]}").status != 200:
            tree = self.world.get("device_groups").json
            parent = {"parent_gid": next(iter(tree))} if tree else {}
            self.groups.append(self.world.call("POST", "device_groups", parent).json["gid"])
        dids = [self.device.did, self.other_did,
                *(self.world.get("devices", mac=mac).json["did"] for mac in ("disabled", "silent"))]
        keys = [self.world.product_key, self.world.product_secret, self.other.product_key]
        days = [datetime.date.today().isoformat(), "2026-12-01", "2027-01-01", "2026-53", "2026-12", "2999-01-01", "0000-00-00"]
        gids, now = [*reversed(self.groups[-2:]), self.other_group], int(time.time())
        return {
            "product_key": keys, "product_secret": keys[1:], "enterprise_id": [self.world.enterprise_id],
            "enterprise_secret": [self.world.enterprise_secret, self.other.enterprise_secret], "did": dids, "dids": [dids],
            "mac": ["m", "far+away", "disabled"], "action": ["assign"], "macs": [["m", "far+away", "nobody", "m"]], "gid": gids,
            "parent_gid": gids, "uid": [self.uid], "appid": [self.appid], "type": ["did"], "val": [*dids, "m", self.uid, "138"],
            "country": ["China", "中国"], "cycle": ["date"], "start": days, "end": days, "start_date": days, "end_date": days,
            "start_ts": [now - 100, 0, 1, 2**53], "end_ts": [now, 0, 1, 2**53], "aggregator": ["avg"], "unit": ["HOURS"],
            "attrs": ["set_temp,room_temp", {"switch": 1}, {"set_temp": 20, "mode": "自动"}], "raw": [[1, 2], "0102", "AQI="]}

    def send(self, data):
        """The answer to these bytes, and whether the connection goes on after it."""
        for _ in range(2):
            fresh = self.connection is None
            self.connection = self.connection or Connection(self.server.http)
            try:
                return self.connection.send(data).answer()
            except (Closed, BrokenPipeError, ConnectionResetError):
                self.connection = None
                assert not fresh, f"no answer to {data!r}"  # an old one may have been idle for too long
        return None


@pytest.fixture(scope="module")
def place(make_shared_server):
    return Place(make_shared_server())


# --- values -----------------------------------------------------------------------------------------------------------

AWKWARD = ["", " ", "0", "1", "-1", "true", "null", "None", "1.5", "1e3", "+1", "0x10", "٣", "00000001", "1 ", "x" * 300,
           "0" * 32, "F" * 32, "%", "'", "\"", "\\", "{}", "[]", "\0", "a\0b", "\r\n", "\x7f", "\ufeff", "\u202e", "😀", "é",
           "e\u0301", "../..", *map(str, (2**31, 2**32, 2**63 - 1, 2**63, -2**63, 2**64, 10**40))]
texts = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=40), st.integers().map(str),
                  st.from_regex(r"[0-9a-f]{32}", fullmatch=True), st.from_regex(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?", fullmatch=True))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-2**70, 2**70), st.floats(), texts),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=4), max_leaves=12)


def depth(levels, opening, closing):
    return opening * levels + closing * levels


# Bodies that no serializer writes.
raw_bodies = st.one_of(
    st.binary(max_size=60), values.map(lambda value: json.dumps(value).encode("utf-16")),
    values.map(lambda value: b"\xef\xbb\xbf" + json.dumps(value).encode()),
    st.sampled_from([
        b"", b"{", b"{}", b"{}x", b" {} ", b"\0", b'{"raw":[1],"raw":[2]}', b'{"attrs":{"switch":1,"switch":0}}',
        b'{"raw":"\\u0000"}', b'{"attrs":{"\\u0000":1}}', b'{"uid":"\\ud800"}', b'{"uid":"\xff"}', b'{"uid":"\xed\xa0\x80"}',
        b'{"raw":[1e999]}', b'{"raw":[1.0]}', b'{"raw":[-1]}', b'{"raw":[256]}', b'{"raw":[1e2]}', b'{"raw":NaN}', b"{'raw':[1]}",
        b'{"raw":[1],}', b'{"raw":[01]}', b'{"raw":' + b"9" * 5000 + b"}", b'{"raw":[' + b"1," * 3000 + b"1]}",
        b'{"":' + b"\xf0\x9f\x98\x80" * 3 + b"}", depth(100, b'{"raw":', b"}"), depth(3000, b"[", b"]"),
        depth(100000, b'{"a":', b"}"), b'{"macs":' + depth(1500, b"[", b"]") + b"}",
        b'{"dids":"' + b"," * 2000 + b'"}', b'{"macs":["' + b"m" * 70000 + b'"],"action":"assign"}', b"raw=1&attrs=2"]))
HOSTILE_ESCAPES = ["%", "%%", "%zz", "%0", "%u1234", "%00", "%ff", "%c0%80", "%2f", "%2e%2e%2f", "%25", "+", "%ed%a0%80"]


def plausible(schema):
    """Values that a parameter's schema speaks of, and those just beyond."""
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], *(str(value).upper() for value in schema["enum"])])
    if schema.get("type") == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**63 - 1)
        return st.one_of(st.integers(low, high), st.sampled_from([low, high, low - 1, high + 1]))
    return texts


@st.composite
def written(draw, text, safe=""):
    """A text as it may stand in a URL: escaped as clients do, or otherwise."""
    style = draw(st.sampled_from(["quote", "plus", "all", "raw", "hostile"]))
    data = text.encode("utf-8", "surrogatepass")
    if style == "plus":
        return urllib.parse.quote_plus(data).encode()
    if style == "all":
        return b"".join(b"%%%02x" % byte for byte in data)
    if style == "raw":  # what would end the target or the parameter is escaped nevertheless
        return re.sub(rb"[\x00-\x20\x7f#?&=%/+]", lambda match: b"%%%02X" % match[0][0], data)
    if style == "hostile":
        return urllib.parse.quote(data, safe=safe).encode() + draw(st.sampled_from(HOSTILE_ESCAPES)).encode()
    return urllib.parse.quote(data, safe=safe).encode()


@st.composite
def targets(draw, path, parameters, known, sound):
    """The request's target, and whether its path is well formed. sound: nothing is wrong with it."""
    in_path, query = {}, []
    for parameter in parameters:
        name = parameter["name"]
        choices = [plausible(parameter["schema"]), texts]
        if name in known:
            choices = [st.sampled_from(known[name])] * 4 + choices
        if parameter["in"] == "path":
            right = sound or name == "product_key" and draw(st.integers(0, 9))
            in_path[name] = known[name][0].encode() if right else draw(written(str(draw(st.one_of(choices))) or "x")) or b"x"
        elif sound and name in known and (parameter["required"] or draw(st.booleans()) or name == "val"):
            query.append(f"{name}={urllib.parse.quote_plus(str(known[name][0]))}".encode())
        elif not sound and draw(st.integers(0, 9 if parameter["required"] else 3)):
            for _ in range(1 + (draw(st.integers(0, 9)) == 0)):
                query.append(name.encode() + b"=" + draw(written(str(draw(st.one_of(choices))))))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        query.append(draw(st.sampled_from([b"", b"=", b"=x", b"x", b"limit", b"limit[]=1", b"%6cimit=1", b"%=1", b"a;b=c",
                                           b"skip=0"])))
    target = re.sub(rb"\{(\w+)\}", lambda match: in_path[match[1].decode()], path.encode())
    slash = draw(st.sampled_from([b"", b"", b"", b"/"]))
    is_right = not re.search(rb"%(?![0-9a-fA-F]{2})|%00", target)
    return target + slash + (b"?" + b"&".join(draw(st.permutations(query))) if query else b""), is_right


@st.composite
def bodies(draw, schema, known, sound):
    if sound:
        content = {name: known[name][0] for name in schema["properties"] if name in known and name not in ("raw", "attrs")}
        if "attrs" in schema["properties"]:  # or raw, not both
            content["attrs"] = known["attrs"][1]
        return json.dumps(content, ensure_ascii=draw(st.booleans())).encode()
    if draw(st.integers(0, 4)) == 0:
        return draw(st.one_of(raw_bodies, values.map(json.dumps).map(str.encode)))
    content = {}
    for name, inner in schema["properties"].items():
        if draw(st.integers(0, 5)):
            likely = [st.sampled_from(known[name])] * 5 if name in known else []
            content[name] = draw(st.one_of(*likely, plausible(inner), values))
    content.update(draw(st.dictionaries(texts, values, max_size=1)))
    return json.dumps(content, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def headers(place, operation):
    """Those of a known caller mostly; for the calls with the enterprise's headers, either way."""
    world, other = place.world, place.other
    right = {"Authorization": f"token {world.token}"}
    if {"enterprise_id": [], "enterprise_secret": []} in operation["security"]:
        own = {"X-Gizwits-Enterprise-ID": world.enterprise_id, "X-Gizwits-Enterprise-Secret": world.enterprise_secret}
        usual = [right, own, {**own, "X-Gizwits-Enterprise-Secret": "x"}, {**own, "X-Gizwits-Enterprise-ID": "x"}]
    else:
        usual = [right]
    odd = [{}, {"Authorization": "x"}, {"Authorization": f"Token   {world.token.upper()}"}, {"authorization": world.token},
           {"Authorization": f"token {other.token}"}, {"Authorization": f"token {hex_id()}"}, {"X-Gizwits-Enterprise-ID": "\xff"}]
    more = [{}, {}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "\xe9;=\""}, {"Range": "bytes=5-2"},
            {"Accept-Language": ";q=,zh;q=x"}, {"X-Forwarded-For": "1.2.3.4, ,,[::"}, {"Accept": "text/html"},
            {"Content-Encoding": "gzip"}, {"Cookie": "=" * 3000}, {"X-HTTP-Method-Override": "DELETE"}, {"If-None-Match": "*"}]
    return st.builds(lambda caller, extra: {**caller, **extra}, st.sampled_from(usual * 6 + odd), st.sampled_from(more))


@st.composite
def requests(draw, place, method, path, known):
    """The request's bytes, and whether its path is well formed."""
    operation, sound = place.document["paths"][path][method], draw(st.integers(0, 2)) == 0
    target, is_right = draw(targets(path, operation["parameters"], known, sound))
    body = b""
    if "requestBody" in operation:
        body = draw(bodies(operation["requestBody"]["content"]["application/json"]["schema"], known, sound))
    lines = [method.upper().encode() + b" " + target + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body)]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in draw(headers(place, operation)).items()]
    return b"\r\n".join([*lines, b"", body]), is_right


# --- the test ---------------------------------------------------------------------------------------------------------

def check_error(answer, is_right, knows_callers):
    status, code = answer.error
    assert (status, answer.json["error_message"]) == TABLE[code]
    assert status < 500, answer.body
    assert is_right or code == 400
    known = code not in (400, 5003, 5004, 5009)
    if knows_callers:
        assert all((f"X-RateLimit-{name}" in answer.headers) is known for name in ("Limit", "Remaining", "Reset"))
    return code


@pytest.mark.timeout(0 if LONG else HANGS_S * PATIENCE)
@pytest.mark.parametrize("method,path", CALLS)
def test_any_request_is_answered_as_declared(place, method, path):
    @settings(max_examples=EXAMPLES, derandomize=not LONG, database=None, deadline=None,
              suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink])
    @given(st.data())
    def check(data):
        sent, is_right = data.draw(requests(place, method, path, place.known() if method == "delete" else known))
        answer = place.send(sent)
        if answer.status == 304:
            assert b"If-None-Match" in sent and not answer.body
            return
        assert json.loads(answer.body) is not None
        if answer.headers["Connection"] == "close":
            place.connection.expect_closed()
            place.connection = None
        if answer.status >= 400:
            place.seen.add(check_error(answer, is_right, knows_callers))
        if is_right:
            check_answer(place.document, method, path, answer)
        if answer.status < 400:
            place.seen.add((method, path))
            assert "error_code" not in answer.json

    known, knows_callers = place.known(), bool(place.document["paths"][path][method]["security"])
    check()


def test_the_requests_were_worth_sending(place):
    """Most calls succeeded at times, and the errors were not always the same few."""
    if sum(isinstance(what, tuple) for what in place.seen) == 0:
        pytest.skip("runs after the others")
    refused_always = {("post", "/v1/products/{product_key}/association")}  # the product is taken already
    assert {call for call in CALLS if call not in place.seen} <= refused_always
    assert len({what for what in place.seen if isinstance(what, int)}) >= 12


def test_after_all_that_the_server_is_well(place):
    assert place.server.process.poll() is None
    assert request(place.server.http, "GET", "/healthz").json == {"status": "ok"}
    assert place.world.get("devices", mac="m").json["did"] == place.device.did
    assert [line for line in place.server.log if " level=error " in line] == []
