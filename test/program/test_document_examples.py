"""Every call's answer is the example of the API's document: same keys, same nesting, same JSON types, and on data that
were made for it the same values. document_examples.json holds the document's calls."""

import contextlib
import copy
import json
import os
import re
import time
from pathlib import Path

import pytest

from clock import at, environment, restart_at
from mqtt import Closed, Device
from openapi import read
from server import wait_until
from world import REPORT, World, hex_id, query, request, status_report

DOCUMENT = {call["name"]: call for call in json.loads(Path(__file__).with_name("document_examples.json").read_text("utf-8"))}
GUANGZHOU = {"country": "China", "region": "Guangdong", "city": "Guangzhou"}
BUILT = {}


def example(name, moment="2017-12-28 18:45:33", more=()):
    """Registers what builds a call's example in a fresh world at that moment: (expected, answer, other answers …).
    more: keys that the contract adds to the document's."""
    def register(build):
        BUILT[name] = (moment, set(more), build)
        return build
    return register


class Then(World):
    """A world in the days of the document."""

    def __init__(self, server):
        super().__init__(server)
        self.began = self.now()

    def now(self):
        """What the server's clock shows."""
        return time.time() + int(self.server.env["FAKETIME"])

    def just_now(self, value, later=0):
        assert self.began - 2 <= value - later <= self.now() + 2, value
        return value

    def log_in(self, mac, did=None, **fields):
        self.import_devices({"mac": mac, "passcode": "123456", **({"did": did} if did else {}), **fields})
        did = self.get("devices", mac=mac).json["did"]
        return Device(self.server.mqtt, did, "123456", self.product_key, 4).login()

    def bring(self, mac, **place):
        """A device that has logged in and reported."""
        device = self.log_in(mac, **place)
        device.report(REPORT, qos=1)
        return device

    def add_users(self, *users):
        """(appid, uids)"""
        appid = hex_id()
        users = [{"uid": hex_id(), "appid": appid, **user} for user in users]
        self.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [self.product_key]}], "users": users})
        return appid, [user["uid"] for user in users]

    def bind(self, appid, uid, *dids, method="POST"):
        return self.call(method, "devices/bindings", {"uid": uid, "appid": appid, "dids": list(dids)})

    def users(self, call, **parameters):
        return request(self.server.http, "GET", f"/v1/users/{call}?{query(**parameters)}", headers={
            "X-Gizwits-Enterprise-ID": self.enterprise_id, "X-Gizwits-Enterprise-Secret": self.enterprise_secret})

    def create_group(self):
        return self.call("POST", "device_groups", {})


def page(given, *rows):
    """The example's page with these rows."""
    return {"meta": {**given["meta"], "total": len(rows)}, "objects": list(rows)}


# --- the examples, in the document's order ------------------------------------------------------------------------------

@example("获取token", more={"expire_at"})
def build_token(world, given):
    answer = world.take_token()
    content = answer.json
    assert answer.status == 201 and re.fullmatch("[0-9a-f]{32}", content["token"])
    end = world.just_now(content["expired_at"], later=7 * 86400)
    return {**given, "token": content["token"], "expired_at": end, "expire_at": end}, answer


@example("获取产品数据点")
def build_datapoint(world, given):
    world.configure_product(name=given["name"], datapoint={"entities": given["entities"]})
    answer = world.get("datapoint")
    every_kind = World(world.server, datapoint="power-meter").get("datapoint")
    return {**given, "product_key": world.product_key}, answer, every_kind, World(world.server).get("datapoint")


@example("搜索注册用户")
def build_registered_users(world, given):
    _, uids = world.add_users(*[{"is_anonymous": True, "created_at": 1513135417}] * 20)
    rows = [{**given["objects"][0], "uid": uid} for uid in reversed(uids)]
    return page(given, *rows), world.users("search", product_key=world.product_key)


@example("搜索绑定用户")
def build_bound_users(world, given):
    appid, uids = world.add_users(*[{"is_anonymous": True, "created_at": 1513135417}] * 3)
    did = world.register()[0]
    for uid in uids:
        world.bind(appid, uid, did)
    rows = [{**given["objects"][0], "uid": uid} for uid in reversed(uids)]
    by_did = world.get("users/search", type="did", val=did)
    assert by_did.json == page(given, *[{**row, "is_owner": row["uid"] == uids[0]} for row in rows])
    return page(given, *rows), world.get("users/search"), by_did


@example("获取设备did")
def build_devices(world, given):
    world.import_devices({"mac": "virtual:site", **given})
    return given, world.get("devices", mac="virtual:site")


@example("获取设备详情")
def build_device_detail(world, given):
    world.import_devices({"mac": given["mac"], "did": given["did"]})
    return {**given, "product_key": world.product_key}, world.get("device_detail", mac=given["mac"])


@example("搜索设备", moment="2018-01-30 15:17:45")
def build_search(world, given):
    row = given["objects"][0]
    told = ("mac", "did", "country", "region", "city", "longitude", "latitude", "created_at")
    device = world.log_in(passcode="123456", **{field: row[field] for field in told})
    device.report(REPORT, qos=1)
    device.disconnect()
    wait_until(lambda: world.get("devices/search", is_online=1).json["meta"]["total"] == 0)
    answer = world.get("devices/search")
    return page(given, {**row, "online_latest": world.just_now(answer.json["objects"][0]["online_latest"])}), answer


@example("设备远程控制")
def build_control(world, given):
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    return {}, world.control(device.did, raw=[97, 98, 99]), world.control(device.did, attrs={"switch": 1})


def silent_after_21_pings(world):
    """(how it is registered, when it began, the device) that then has had no keepalive for a second and a half."""
    while True:
        registered, began = world.register(), world.now()
        with contextlib.suppress(Closed, ConnectionError):  # if it was silent before, on a busy machine
            device = world.device(level=4, registered=registered, keepalive=1)
            for _ in range(21):
                device.ping()
            device.expect_closed()
            return registered, began, device


@example("设备上下线记录")
def build_online(world, given):
    registered, began, silent = silent_after_21_pings(world)
    wait_until(lambda: world.get(f"devices/{silent.did}/online").json["meta"]["total"] == 2)
    lived = world.now() - began
    present = world.device(level=4, registered=registered, keepalive=125)
    answer = world.get(f"devices/{silent.did}/online", limit=2)
    online, offline = copy.deepcopy(given["objects"])
    for row, told in zip((online, offline), answer.json["objects"], strict=True):
        row["timestamp"] = world.just_now(told["timestamp"])
    said, told = offline["payload"], answer.json["objects"][1]["payload"]
    assert 1 <= told["duration"] <= lived + 1 and 1 <= told["heartbeat"]["last"] <= lived + 1
    present.disconnect()
    assert 0 <= told["heartbeat"]["min"] <= told["heartbeat"]["avg"] <= told["heartbeat"]["max"] <= lived + 1
    said["duration"] = told["duration"]
    said["heartbeat"].update({name: told["heartbeat"][name] for name in ("max", "avg", "last", "min")})
    link = world.path(f"devices/{silent.did}/online", limit=2, skip=2)
    return {"meta": {**given["meta"], "total": 3, "limit": 2, "next": link}, "objects": [online, offline]}, answer


@example("设备通信日志")
def build_cmd(world, given):
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    assert world.control(device.did, attrs={"switch": 1}).status == 200
    answer = world.get(f"devices/{device.did}/cmd")
    stamps = [world.just_now(row["timestamp"]) for row in answer.json["objects"]]
    assert stamps == sorted(stamps, reverse=True)
    return page(given, *[{**row, "timestamp": stamp} for row, stamp in zip(given["objects"], stamps, strict=True)]), answer


@example("获取设备历史数据")
def build_data(world, given):
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    answer = world.get(f"devices/{device.did}/data")
    return page(given, {**given["objects"][0], "ts": world.just_now(answer.json["objects"][0]["ts"])}), answer


@example("获取设备组树形结构")
def build_group_tree(world, given):
    return {world.create_group().json["gid"]: ""}, world.get("device_groups")


@example("创建设备组")
def build_group(world, given):
    answer = world.create_group()
    assert answer.status == 201 and re.fullmatch("[0-9a-f]{32}", answer.json["gid"])
    return {"gid": answer.json["gid"]}, answer


@example("删除设备组")
def build_group_delete(world, given):
    return {}, world.call("DELETE", f"device_groups/{world.create_group().json['gid']}")


def assign(world):
    world.import_devices({"mac": "virtual:site"})
    path = f"device_groups/{world.create_group().json['gid']}"
    return path, world.call("PUT", path, {"action": "assign", "reassign": False, "macs": ["virtual:site"]})


@example("获取设备组下的mac列表")
def build_group_macs(world, given):
    return given, world.get(assign(world)[0])


@example("更新设备组")
def build_group_update(world, given):
    return given, assign(world)[1]


@example("设备绑定功能")
def build_bind(world, given):
    world.import_devices({"mac": "m", "did": given["success"][0]})
    appid, uids = world.add_users({})
    answer = world.bind(appid, uids[0], *given["success"])
    assert answer.status == 201
    return given, answer


@example("解除绑定")
def build_unbind(world, given):
    did, (appid, uids) = world.register()[0], world.add_users({})
    world.bind(appid, uids[0], did)
    return {**given, "success": [did]}, world.bind(appid, uids[0], did, method="DELETE")


@example("获取设备地理位置分布")
def build_locations(world, given):
    world.import_devices(*[{"mac": f"m{n}", **GUANGZHOU} for n in range(3)], {"mac": "nowhere"})
    return given, world.get("devices/locations")


@example("设备概览", moment="2017-10-01 12:00")
def build_summary(world, given):
    for n in range(3):
        world.bring(f"m{n}").disconnect()
    restart_at(world.server, at("2017-12-28 12:00"))
    world._token = None  # it lived for a week
    answers = [world.get(call) for call in ("devices/summary", "summary")]
    assert answers[0].json == answers[1].json
    return given, answers[0]


@example("设备激活详情", moment="2017-12-07 10:12:45")
def build_incr_devices(world, given):
    return build_rows(world, given, "incr_devices")


@example("设备活跃详情")
def build_active_devices(world, given):
    return build_rows(world, given, "active_devices")


def build_rows(world, given, call):
    row = given["objects"][0]
    world.bring(row["mac"], created_at=at(row["created_at"]), **GUANGZHOU)
    answer = world.get(call)
    world.bring("b", type="bluetooth", device_sn="sn")
    return page(given, {**row, "product_key": world.product_key}), answer, world.get(call)


@example("获取活跃历史报表")
def build_liveness_history(world, given):
    world.bring("placed", **GUANGZHOU)
    world.bring("nowhere")
    days = {"start": "2017-12-28", "end": "2017-12-28"}
    asked = {name: given[name] for name in ("start", "end", "cycle")}
    for call in ("devices/report/activation", "devices/report/liveness/history"):  # the first has rows as the second
        assert world.get(call, **asked).json == given
    return given, world.get("devices/report/liveness/history", **asked), world.get("devices/report/liveness/history", **days)


@example("设备实时统计报表", more={"activated", "alert", "faulty"})
def build_rt(world, given):
    """Every level has all three counters, which the example shows at some."""
    world.bring("nowhere")
    for number in range(3):
        world.bring(f"m{number}", **GUANGZHOU).report(status_report(alerts=number == 0, faults=0), qos=1)

    def counts(activated):
        return {"count": {"faulty": 0, "activated": activated, "alert": 1}}

    answer = world.get("devices/report/devices/report/rt")
    assert world.get("devices/report/rt").json == answer.json
    expected = {**given, "location": {"China": {**counts(3), "Guangdong": {**counts(3), "Guangzhou": counts(3)}}}}
    return expected, answer


def build_faulty_devices(world, given, kind):
    one, two = world.bring("one", **GUANGZHOU), world.bring("two", **GUANGZHOU)
    for device in (one, two):
        device.report(status_report(**{kind + "s": 1}), qos=1)
    one.report(status_report(), qos=1)
    return given, world.get(f"{kind}/report/devices")


@example("获取故障设备台数报表")
def build_fault_devices(world, given):
    return build_faulty_devices(world, given, "fault")


@example("获取报警设备台数报表")
def build_alert_devices(world, given):
    return build_faulty_devices(world, given, "alert")


def build_events(world, given, kind, *calls):
    device = world.bring("m", country="China")
    device.report(status_report(**{kind + "s": 1}), qos=1)
    device.report(status_report(), qos=1)
    answers = [world.get(call) for call in calls]
    assert all(answer.json == answers[0].json for answer in answers)
    return given, answers[0]


@example("获取故障次数报表")
def build_fault_events(world, given):
    return build_events(world, given, "fault", "fault/report/events")


@example("获取报警次数报表")
def build_alert_events(world, given):
    """The document's address is a copy slip."""
    return build_events(world, given, "alert", "alert/report/events", "fault/alert/events")


@example("用户新增报表")
def build_new_users(world, given):
    did, (appid, uids) = world.register()[0], world.add_users({}, {}, {}, {})
    for uid in uids[:3]:
        world.bind(appid, uid, did)
    return given, world.get("users/report/new", **{name: given[name] for name in ("start", "end", "cycle")})


@example("企业活跃用户人数", moment="2017-12-13 12:00")
def build_active_users(world, given):
    (appid, uids), day = world.add_users({}, {}, {}), given["data"][0]["date"]
    for uid in uids[:2]:
        world.bind(appid, uid, world.bring(uid).did)
    return given, world.users("liveness_total", product_secret=world.product_key, start_date=day, end_date=day)


@example("用户地理分布")
def build_user_location(world, given):
    world.add_users(*[{"country": "China", "region": region, "city": city} for region, city in
                      [("Beijing", "Beijing")] * 14 + [("Guangdong", "Guangzhou")] * 4], {})
    return given, world.users("location", product_secret=world.product_key)


@example("用户总数报表")
def build_all_users(world, given):
    did, (appid, uids) = world.register()[0], world.add_users(*[{}] * 32)
    for uid in uids[:31]:
        world.bind(appid, uid, did)
    world.bind(appid, uids[0], did, method="DELETE")  # whoever was ever bound
    return given, world.get("users/report/total")


# --- comparing ------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def server_at(make_shared_server):
    started = {}

    def server(moment):
        if moment not in started:
            started[moment] = make_shared_server(env=environment(at(moment)))
        return started[moment]

    return server


def shape(value, without=frozenset()):
    """Keys, nesting and JSON types; of a list, all shapes in it. An object whose keys are data is one of identifiers."""
    if isinstance(value, dict):
        return {"<id>" if re.fullmatch("[0-9a-f]{32}", key) else key: shape(inner, without) for key, inner in value.items()
                if key not in without}
    if isinstance(value, list):
        shapes = [shape(inner, without) for inner in value]
        return [one for number, one in enumerate(shapes) if one not in shapes[:number]]
    return type(value)


def names_in(value):
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set().union(*map(names_in, value)) if isinstance(value, list) else set()


def linked(content):
    """Without links, which the example does not show."""
    if "meta" in content:
        content = {**content, "meta": {**content["meta"], "next": None, "previous": None}}
    return content


# Names of the document's tables that no answer has.
SLIPS = {
    "设备上下线记录": {"KeepAlive"},             # keep_alive in its example
    "获取设备组树形结构": {"gid"},                # the keys themselves
    "用户新增报表": {"did"},                     # gid in its example, which the description means
    "获取产品数据点": {"unit_spec"},              # uint_spec in every real definition
}


@pytest.mark.parametrize("name", DOCUMENT)
def test_the_answer_is_the_documents_example(server_at, name):
    moment, more, build = BUILT[name]
    given = DOCUMENT[name]["example"]
    world = Then(server_at(moment))
    expected, answer, *others = build(world, copy.deepcopy(given))
    assert answer.status in (200, 201), answer.body
    assert answer.json == expected
    if given is not None:
        assert shape(linked(answer.json), more) == shape(linked(given), more)
    found = set().union(*(names_in(told.json) for told in (answer, *others)))
    assert set(DOCUMENT[name]["fields"]) - SLIPS.get(name, set()) <= found
    assert SLIPS.get(name, set()).isdisjoint(found - {"gid"})


def test_every_example_is_built():
    assert set(BUILT) == set(DOCUMENT)


def test_every_call_of_the_document_takes_the_documents_parameters(server_at):
    described = read(server_at("2017-12-28 18:45:33"))
    for name, call in DOCUMENT.items():
        operation = described["paths"][call["path"]][call["method"].lower()]
        taken = {parameter["name"] for parameter in operation["parameters"]}
        if "requestBody" in operation:
            taken |= set(operation["requestBody"]["content"]["application/json"]["schema"]["properties"])
        for way in operation["security"]:
            taken |= {described["components"]["securitySchemes"][scheme]["name"] for scheme in way}
        assert set(call["parameters"]) <= taken, name


# --- the calls that the document leaves out ------------------------------------------------------------------------------

def test_association(shared_server):
    world, product = World(shared_server), {"product_key": hex_id(), "product_secret": hex_id()}
    shared_server.apply({"products": [{**product, "name": "Free"}]})
    answer = request(shared_server.http, "POST", f"/v1/products/{product['product_key']}/association", {
        "enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret,
        "product_secret": product["product_secret"]})
    assert (answer.status, answer.json) == (201, {})


def test_liveness(server_at):
    world = Then(server_at("2017-12-28 18:45:33"))
    world.bring("m")
    content = world.get("devices/report/liveness").json
    assert content == {"gid": None, "latest_1": 0, "latest_7": 1, "latest_30": 1}
    assert all(type(content[name]) is int for name in content if name != "gid")


@pytest.mark.parametrize("unit,datetime", [("HOURS", "2015072010"), ("DAYS", "20150720"), ("WEEKS", "201530"),
                                           ("MONTHS", "201507")])
def test_agg_data(server_at, unit, datetime):
    world = Then(server_at("2015-07-20 10:30"))
    device = world.log_in("m")
    for degrees in (16, 21):
        device.report(status_report(set_temp=degrees, room_temp=degrees), qos=1)
    asked = {"start_ts": at("2015-07-20 00:00") * 1000, "end_ts": at("2015-07-21 00:00") * 1000, "attrs": "set_temp,room_temp",
             "aggregator": "avg", "unit": unit}
    content = world.get(f"devices/{device.did}/agg_data", **asked).json
    assert content == {"query": asked, "data": [{"attrs": {"set_temp": 18.5, "room_temp": 18.5}, "datetime": datetime}]}


# --- the document itself ------------------------------------------------------------------------------------------------

def sections():
    """[(name, method, path, text of the answer)] of the document that MUSTER_API_DOCUMENT names."""
    text = Path(os.environ["MUSTER_API_DOCUMENT"]).read_text("utf-8").split("# 错误信息表")[0]
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        address = re.search(r"(GET|POST|PUT|DELETE)\s+http://enterpriseapi[^/]*(/\S+)", part)
        if address:
            yield re.sub("<.*?>", "", part.split("\n")[0]).strip(), *address.groups(), part.split("#### 响应参数")[1]


@pytest.mark.skipif("MUSTER_API_DOCUMENT" not in os.environ, reason="the API's document is not at hand")
def test_the_examples_are_the_documents():
    found = {}
    for name, method, path, answer in sections():
        written = re.search(r"```json\s*(.*?)```", answer, re.S)
        content = json.loads(re.sub(r",\s*}", "}", written[1])) if written else None
        found[name] = (method, path, content)
    assert found == {name: (call["method"], call["path"], call["example"]) for name, call in DOCUMENT.items()}
