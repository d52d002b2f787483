"""GET /openapi.json: valid, complete, and true: what it says of the answers is what the program answers."""

import datetime
import json
import re
import zoneinfo

import pytest

from openapi import check_answer, check_value, operations, read, resolve
from world import REPORT, World, hex_id, query, request

# --- the document ---------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def document(shared_server):
    return read(shared_server)


PRODUCT = "/v1/products/{product_key}"
ROUTES = {("post", f"{PRODUCT}/access_token"), ("get", f"{PRODUCT}/datapoint"), ("get", f"{PRODUCT}/devices"),
          ("get", f"{PRODUCT}/device_detail"), ("get", f"{PRODUCT}/devices/search"),
          ("post", f"{PRODUCT}/devices/{{did}}/control"), ("get", f"{PRODUCT}/devices/{{did}}/online"),
          ("get", f"{PRODUCT}/devices/{{did}}/cmd"), ("get", f"{PRODUCT}/devices/{{did}}/data"),
          ("get", f"{PRODUCT}/device_groups"), ("post", f"{PRODUCT}/device_groups"),
          ("get", f"{PRODUCT}/device_groups/{{gid}}"), ("put", f"{PRODUCT}/device_groups/{{gid}}"),
          ("delete", f"{PRODUCT}/device_groups/{{gid}}"), ("post", f"{PRODUCT}/devices/bindings"),
          ("delete", f"{PRODUCT}/devices/bindings"), ("get", f"{PRODUCT}/users/search"),
          ("get", "/v1/users/search"), ("get", f"{PRODUCT}/devices/{{did}}/agg_data"),
          ("post", f"{PRODUCT}/association"),
          *(("get", f"{PRODUCT}/{call}") for call in (
              "devices/locations", "devices/summary", "summary", "incr_devices", "active_devices", "devices/report/activation",
              "devices/report/liveness", "devices/report/liveness/history", "devices/report/rt",
              "devices/report/devices/report/rt", "fault/report/devices", "alert/report/devices", "fault/report/events",
              "alert/report/events", "fault/alert/events", "users/report/new", "users/report/total")),
          ("get", "/v1/users/liveness_total"), ("get", "/v1/users/location")}

# Which fields the objects of OpenAPI 3.1 may have, and which they must.
OBJECTS = {
    "document": ({"openapi", "info", "paths"}, {"servers", "tags", "components", "security", "externalDocs", "webhooks"}),
    "info": ({"title", "version"}, {"description", "summary", "contact", "license", "termsOfService"}),
    "operation": ({"responses"}, {"tags", "summary", "description", "operationId", "security", "parameters", "requestBody",
                                  "deprecated", "externalDocs", "servers"}),
    "parameter": ({"name", "in", "schema"}, {"description", "required", "example", "examples", "style", "explode"}),
    "body": ({"content"}, {"description", "required"}),
    "media": ({"schema"}, {"example", "examples"}),
    "response": ({"description"}, {"headers", "content", "links"}),
    "header": ({"schema"}, {"description", "required", "example"}),
    "example": (set(), {"summary", "description", "value", "externalValue"}),
}


def check_object(kind, thing):
    needed, allowed = OBJECTS[kind]
    assert needed <= set(thing) <= needed | allowed, (kind, set(thing))


def check_content(document, content):
    for media_type, media in content.items():
        assert media_type == "application/json"
        check_object("media", media)
        assert not ("example" in media and "examples" in media)
        examples = [media["example"]] if "example" in media else []
        for example in media.get("examples", {}).values():
            check_object("example", example)
            examples.append(example["value"])
        assert examples
        for example in examples:
            check_value(document, media["schema"], example, "example")


def test_it_is_openapi_3_1(document):
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    check_object("document", document)
    check_object("info", document["info"])


def test_every_operation_has_the_shape_that_openapi_asks_for(document):
    names = set()
    for path, method, operation in operations(document):
        assert path.startswith("/") and method in ("get", "put", "post", "delete")
        check_object("operation", operation)
        assert operation["operationId"] not in names
        names.add(operation["operationId"])
        for parameter in operation.get("parameters", []):
            check_object("parameter", parameter)
        if "requestBody" in operation:
            check_object("body", operation["requestBody"])
            check_content(document, operation["requestBody"]["content"])
        assert operation["responses"]
        for status, response in operation["responses"].items():
            assert re.fullmatch("[2-5][0-9][0-9]", status)
            response = resolve(document, response)
            check_object("response", response)
            for header in response.get("headers", {}).values():
                check_object("header", resolve(document, header))
            check_content(document, response.get("content", {}))


def test_path_parameters_are_those_of_the_path(document):
    for path, _, operation in operations(document):
        declared = [(p["name"], p["in"]) for p in operation.get("parameters", [])]
        assert len(set(declared)) == len(declared)
        assert {name for name, place in declared if place == "path"} == set(re.findall(r"\{(\w+)\}", path))
        assert all(p["required"] is True for p in operation.get("parameters", []) if p["in"] == "path")


def test_examples_of_parameters_are_of_their_type(document):
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                check_value(document, parameter["schema"], parameter["example"], parameter["name"])
            if "default" in parameter["schema"]:
                check_value(document, parameter["schema"], parameter["schema"]["default"], parameter["name"])


def test_every_call_of_the_enterprise_is_there(document):
    assert ROUTES <= {(method, path) for path, method, _ in operations(document)}


def test_every_path_that_is_there_is_served(document, shared_server):
    for path, method, _ in operations(document):
        concrete = re.sub(r"\{\w+\}", "x", path)
        answer = request(shared_server.http, method.upper(), concrete, "{}" if method != "get" else None)
        assert answer.status in (200, 400) and (answer.status == 200 or answer.json["error_code"] != 400), path
        unused = next(other for other in ("put", "post", "get") if other not in document["paths"][path])
        assert request(shared_server.http, unused.upper(), concrete).error == (405, 405)


def test_security_is_declared_where_a_token_is_needed(document):
    schemes = document["components"]["securitySchemes"]
    for path, _, operation in operations(document):
        for alternative in operation["security"]:
            assert set(alternative) <= set(schemes)
        needs_token = path.startswith("/v1/") and not path.endswith(("/access_token", "/association"))
        assert bool(operation["security"]) is needs_token
        has_headers = path.startswith("/v1/users/")
        assert ({"enterprise_id", "enterprise_secret"} in [set(way) for way in operation["security"]]) is has_headers
    assert all(scheme["type"] == "apiKey" and scheme["in"] == "header" and scheme["name"] for scheme in schemes.values())


def test_the_searchs_parameters_are_the_documents(document):
    operation = document["paths"][f"{PRODUCT}/devices/search"]["get"]
    assert {p["name"] for p in operation["parameters"]} == {
        "product_key", "gid", "country", "region", "city", "is_online", "is_faulty", "is_alert", "show_disabled",
        "liveness_start", "type", "val", "limit", "skip"}


# --- languages ------------------------------------------------------------------------------------------------

def texts_of(thing):
    if isinstance(thing, dict):
        for key, value in thing.items():
            if key in ("summary", "description", "title") and isinstance(value, str):
                yield value
            yield from texts_of(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from texts_of(value)


def without_texts(thing):
    if isinstance(thing, dict):
        return {key: without_texts(value) for key, value in thing.items()
                if key not in ("summary", "description", "title", "tags", "examples", "example")}
    return [without_texts(value) for value in thing] if isinstance(thing, list) else thing


def is_chinese(text):
    return bool(re.search("[\u4e00-\u9fff]", text))


@pytest.mark.parametrize("wanted,chinese", [({}, False), ({"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}, True),
                                            ({"Accept-Language": "en-GB,en;q=0.9,zh;q=0.8"}, False),
                                            ({"Accept-Language": "de"}, False), ({"Accept-Language": "zh"}, True),
                                            ({"Accept-Language": "en;q=0.1, zh;q=0.5"}, True)])
def test_the_language_is_the_callers(shared_server, wanted, chinese):
    content = read(shared_server, **wanted)
    assert is_chinese(content["paths"][f"{PRODUCT}/devices/search"]["get"]["summary"]) is chinese


def test_every_text_is_there_in_both_languages(shared_server):
    english, chinese = (read(shared_server, **{"Accept-Language": lang}) for lang in ("en", "zh"))
    assert without_texts(english) == without_texts(chinese)
    for text in texts_of({path: {method: {**o, "responses": {}} for method, o in item.items()}
                          for path, item in chinese["paths"].items()}):
        assert is_chinese(text), text
    for text in texts_of({path: {method: {**o, "responses": {}} for method, o in item.items()}
                          for path, item in english["paths"].items()}):
        assert text and not is_chinese(text), text


# --- what it says is true ---------------------------------------------------------------------------------------

def app_user(world, did):
    """What binds a device to a new user."""
    appid, uid = hex_id(), hex_id()
    world.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}],
                        "users": [{"uid": uid, "appid": appid}]})
    return {"appid": appid, "uid": uid, "dids": [did]}


def registered_users(world, **parameters):
    return request(world.server.http, "GET", f"/v1/users/search?{query(**parameters)}", headers=world.headers)


RANGE = {"start": "today", "end": "today"}
REPORTS = [*((path, {}) for path in ("devices/locations", "devices/summary", "summary", "incr_devices", "active_devices",
                                     "devices/report/liveness", "devices/report/rt", "fault/report/devices",
                                     "alert/report/devices", "fault/report/events", "alert/report/events")),
           ("devices/report/activation", RANGE), ("devices/report/liveness/history", RANGE), ("users/report/new", RANGE),
           ("users/report/total", {})]


def test_successes_are_as_declared(document, world):
    device = world.device(mac="m", level=4)
    world.import_devices({"mac": "placed", "city": "Guangzhou", "longitude": 113.28, "latitude": 23.12})
    device.report(REPORT, qos=1)
    check_answer(document, "post", f"{PRODUCT}/access_token", world.take_token())
    check_answer(document, "post", f"{PRODUCT}/devices/{{did}}/control", world.control(device.did, raw=[1]))
    device.disconnect()
    for path, parameters in (("datapoint", {}), ("devices", {"mac": "m"}), ("device_detail", {"mac": "m"}),
                             ("devices/search", {"limit": 1}), ("devices/search", {})):
        check_answer(document, "get", f"{PRODUCT}/{path}", world.get(path, **parameters))
    root = world.call("POST", "device_groups")
    check_answer(document, "post", f"{PRODUCT}/device_groups", root)
    group = f"device_groups/{root.json['gid']}"
    for method, path, body in (("GET", "device_groups", None), ("PUT", group, {"action": "assign", "macs": ["m"]}),
                               ("GET", group, None), ("PUT", group, {"action": "unassign", "macs": ["m"]}),
                               ("DELETE", group, None)):
        declared = f"{PRODUCT}/{path}".replace(root.json["gid"], "{gid}")
        check_answer(document, method.lower(), declared, world.call(method, path, body))
    user = app_user(world, device.did)
    for method in ("POST", "DELETE"):
        check_answer(document, method.lower(), f"{PRODUCT}/devices/bindings", world.call(method, "devices/bindings", user))
        for parameters in ({}, {"type": "did", "val": device.did}):
            check_answer(document, "get", f"{PRODUCT}/users/search", world.get("users/search", **parameters))
    check_answer(document, "get", "/v1/users/search", registered_users(world, product_key=world.product_key))
    today = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d")
    for path, parameters in REPORTS:
        answer = world.get(path, **{name: today if value == "today" else value for name, value in parameters.items()})
        check_answer(document, "get", f"{PRODUCT}/{path}", answer)
    for path, parameters in (("location", {}), ("liveness_total", {"start_date": today, "end_date": today})):
        parameters = query(product_key=world.product_key, **parameters)
        answer = request(world.server.http, "GET", f"/v1/users/{path}?{parameters}", headers=world.headers)
        check_answer(document, "get", f"/v1/users/{path}", answer)
    answer = world.get(f"devices/{device.did}/agg_data", start_ts=0, end_ts=1, attrs="set_temp", aggregator="avg", unit="DAYS")
    check_answer(document, "get", f"{PRODUCT}/devices/{{did}}/agg_data", answer)
    for call in ("online", "cmd", "data"):
        answer = world.get(f"devices/{device.did}/{call}")
        assert answer.json["objects"]
        check_answer(document, "get", f"{PRODUCT}/devices/{{did}}/{call}", answer)


def failures(world, other):
    foreign, did = other.register()[0], world.register()[0]
    search, control = f"{PRODUCT}/devices/search", f"{PRODUCT}/devices/{{did}}/control"
    yield "post", f"{PRODUCT}/access_token", request(world.server.http, "POST", world.path("access_token"), "{")
    for wrong in ({"enterprise_id": None}, {"enterprise_id": hex_id()}, {"enterprise_secret": hex_id()},
                  {"product_secret": hex_id()}):
        yield "post", f"{PRODUCT}/access_token", world.take_token(**wrong)
    yield "get", search, request(world.server.http, "GET", world.path("devices/search"))
    yield "get", search, request(world.server.http, "GET", world.path("devices/search"), headers=other.headers)
    for wrong in ({"limit": "x"}, {"gid": hex_id()}, {"type": "uid", "val": hex_id()}):
        yield "get", search, world.get("devices/search", **wrong)
    for parameters in ({}, {"start": "x", "end": "x"}, {"start": "2999-01-01", "end": "2999-01-02"}):
        yield "get", f"{PRODUCT}/devices/report/activation", world.get("devices/report/activation", **parameters)
    yield "get", f"{PRODUCT}/incr_devices", world.get("incr_devices", start="2999-01-01")
    yield "get", f"{PRODUCT}/fault/report/events", world.get("fault/report/events", gid=hex_id())
    for attrs in ("nothing", "switch"):
        yield "get", f"{PRODUCT}/devices/{{did}}/agg_data", world.get(
            f"devices/{did}/agg_data", start_ts=0, end_ts=1, attrs=attrs, aggregator="avg", unit="DAYS")
    yield "post", f"{PRODUCT}/association", request(world.server.http, "POST", world.path("association"), {
        "enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret,
        "product_secret": world.product_secret})
    for path in ("devices", "device_detail"):
        yield "get", f"{PRODUCT}/{path}", world.get(path)
        yield "get", f"{PRODUCT}/{path}", world.get(path, mac="nobody")
    for call in ("online", "cmd", "data"):
        for device, parameters in ((foreign, {}), ("x" * 22, {}), (did, {"start_ts": 1})):
            yield "get", f"{PRODUCT}/devices/{{did}}/{call}", world.get(f"devices/{device}/{call}", **parameters)
    for device, body in ((foreign, {"raw": [1]}), ("x" * 22, {"raw": [1]}), (did, {}), (did, {"raw": []}), (did, {"raw": [1]}),
                         (did, {"attrs": {"nothing": 1}}), (did, {"attrs": {"switch": 9}})):
        yield "post", control, world.control(device, **body)
    yield "post", control, world.call("POST", f"devices/{did}/control", "{")
    groups, root = f"{PRODUCT}/device_groups", world.call("POST", "device_groups").json["gid"]
    other_root = other.call("POST", "device_groups").json["gid"]
    for wrong in ("[]", {}, {"parent_gid": 1}, {"parent_gid": "x"}, {"parent_gid": other_root}):
        yield "post", groups, world.call("POST", "device_groups", wrong)
    assert world.call("POST", "device_groups", {"parent_gid": root}).status == 201
    for gid in ("x", other_root, root):
        yield "delete", f"{groups}/{{gid}}", world.call("DELETE", f"device_groups/{gid}")
        yield "put", f"{groups}/{{gid}}", world.call("PUT", f"device_groups/{gid}", {"macs": []})
    yield "get", f"{groups}/{{gid}}", world.get("device_groups/x")
    for wrong in ({"dids": 1}, {"appid": "x"}, {"uid": "x"}):
        for method in ("POST", "DELETE"):
            yield method.lower(), f"{PRODUCT}/devices/bindings", world.call(
                method, "devices/bindings", {**app_user(world, did), **wrong})
    for wrong in ({}, {"product_key": "x"}, {"product_key": other.product_key}, {"product_key": world.product_key, "appid": "x"}):
        yield "get", "/v1/users/search", registered_users(world, **wrong)
    yield "get", "/v1/users/search", request(world.server.http, "GET", "/v1/users/search")
    for wrong in ({"type": "did"}, {"gid": "x"}, {"gid": other_root}):
        yield "get", f"{PRODUCT}/users/search", world.get("users/search", **wrong)
    world.configure_product(remote_control=False, datapoint=None)
    yield "post", control, world.control(did, raw=[1])
    yield "get", f"{PRODUCT}/datapoint", world.get("datapoint")
    world.configure(hourly_quota=0)
    yield "get", f"{PRODUCT}/datapoint", world.get("datapoint")
    world.configure(ip_allow=["192.0.2.0/24"])
    yield "get", f"{PRODUCT}/datapoint", world.get("datapoint")


def test_failures_are_as_declared(document, world, shared_server):
    codes = set()
    for method, path, answer in failures(world, World(shared_server)):
        assert answer.status >= 400, (path, answer.body)
        check_answer(document, method, path, answer)
        codes.add(answer.json["error_code"])
    assert len(codes) >= 19


def test_it_is_small_enough_to_be_read_by_a_browser(document):
    assert len(json.dumps(document)) < 1_000_000
