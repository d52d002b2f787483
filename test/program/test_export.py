"""muster export, and muster import of what it wrote: another directory that answers the same."""

import csv
import json
import os
import random
import signal
import stat
import subprocess

import pytest

from bulk import csv_text, import_rows, run_import
from clock import at, environment, restart_at
from mqtt import Device
from server import ENOUGH_S, muster, run, stand_still, wait_until
from world import REPORT, World, definition, device_request, hex_id, query, request

KINDS = ["users", "groups", "devices", "bindings"]
MOMENTS = ["2026-11-30 23:50", "2026-12-01 00:10", "2026-12-20 08:00", "2026-12-28 00:10"]
LATER = "2026-12-28 00:30"


class Life:
    """Some weeks of a product: devices, users, groups, bindings that begin and end, and reports."""

    def __init__(self, make_server):
        chance = random.Random(3)
        self.server = make_server(env=environment(at(MOMENTS[0])))
        self.world = World(self.server)
        self.other = World(self.server)
        self.apps = [hex_id(), hex_id()]
        for appid, world in zip(self.apps, (self.world, self.other)):
            self.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}]})
        self.uids = [hex_id() for _ in range(20)]
        import_rows(self.server.data, "users", [
            {"uid": uid, "appid": self.apps[0], "username": f"user {i}", "phone": str(13800000000 + i), "name": "名,\"字\"",
             "email": "\\N" if i else None, "auth_src": {"src": "x"} if i % 2 else None, "created_at": 1513135417 + i,
             "country": "China", "region": "Guangdong" if i % 3 else None} for i, uid in enumerate(self.uids)], "ndjson")
        self.devices = []
        for i in range(30):
            did, passcode = self.world.register(mac=f"mac{i}", passcode=f"pass\"{i}"[:12])
            self.devices.append((f"mac{i}", did, passcode))
        self.world.register(mac="mac3", passcode="another")  # a second registration, which disables the first
        self.world.import_devices({"mac": "mac4", "country": "China", "city": "Guangzhou", "longitude": 113.280637,
                                   "latitude": 23.125178, "device_sn": "line\nbreak"}, {"mac": "mac5", "type": "bluetooth"})
        self.other.register(mac="elsewhere")
        root = self.world.call("POST", "device_groups", {}).json["gid"]
        self.groups = [root] + [self.world.call("POST", "device_groups", {"parent_gid": root}).json["gid"] for _ in range(2)]
        for i, gid in enumerate(self.groups):
            self.world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": [f"mac{k}" for k in range(i, 30, 5)]})
        for moment in MOMENTS:
            restart_at(self.server, at(moment))
            self.world._token = None
            self.live(chance)
        gone = self.devices[0][1]
        assert run("delete", "--data", self.server.data, "device", gone, "--unbind").returncode == 0

    def live(self, chance):
        for _ in range(25):
            uid, device = chance.choice(self.uids), chance.choice(self.devices)
            method = chance.choice(["POST", "POST", "DELETE"])
            self.world.call(method, "devices/bindings", {"uid": uid, "appid": self.apps[0], "dids": [device[1]]})
        uid, device = self.uids[0], self.devices[1]
        for method in ("POST", "DELETE", "POST"):  # all in one second
            self.world.call(method, "devices/bindings", {"uid": uid, "appid": self.apps[0], "dids": [device[1]]})
        for _, did, passcode in chance.sample([d for d in self.devices if d[0] != "mac3"], 12):
            connection = Device(self.server.mqtt, did, passcode, self.world.product_key, 4).login()
            if chance.random() < 0.8:
                connection.report(REPORT, qos=1)
            connection.disconnect()


def configure(server, *worlds, apps):
    """The enterprises, products and apps, which are no rows: they come by apply."""
    for world in worlds:
        server.apply({"enterprises": [{"enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret,
                                       "hourly_quota": 1000000, "product_keys": [world.product_key]}],
                      "products": [{"product_key": world.product_key, "product_secret": world.product_secret,
                                    "registration": "known", "datapoint": definition("air-conditioner", world.product_key)}]})
    for appid, world in zip(apps, worlds):
        server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}]})


def twin(world, server):
    """The same enterprise and product on another server."""
    copy = object.__new__(World)
    copy.__dict__.update({**world.__dict__, "server": server, "_token": None})
    return copy


def export_all(server, folder, format, *options):
    files = {}
    for kind in KINDS:
        files[kind] = folder / f"{kind}.{format}"
        result = run("export", kind, "--data", server.data, files[kind], *options)
        assert result.returncode == 0, result.stderr
    return files


def import_all(server, files):
    for kind in KINDS:
        result = run("import", kind, "--data", server.data, files[kind])
        assert result.returncode == 0, result.stderr


def answers(life, world):
    """What every call says that tells of devices, users, groups and bindings."""
    days = {"start": "2026-11-20", "end": "2026-12-28"}
    headers = {"X-Gizwits-Enterprise-ID": world.enterprise_id, "X-Gizwits-Enterprise-Secret": world.enterprise_secret}
    told = {}

    def ask(path, **parameters):
        answer = world.get(path, **parameters)
        assert answer.status == 200, (path, parameters, answer.body)
        told[path, json.dumps(parameters)] = answer.json

    for gid in (None, *life.groups):
        ask("devices/search", limit=1000, gid=gid, show_disabled=1)
        ask("users/search", limit=1000, gid=gid)
        ask("users/report/total", gid=gid)
        ask("users/report/new", gid=gid, **days)
        ask("devices/summary", gid=gid)
        ask("devices/locations", gid=gid)
    for when in MOMENTS:
        ask("devices/search", limit=1000, liveness_start=at(when))
    for mac, did, _ in life.devices[1:]:
        ask("users/search", type="did", val=did)
        ask("devices", mac=mac)
        ask("device_detail", mac=mac)
    for uid in life.uids:
        ask("devices/search", type="uid", val=uid)
    ask("device_groups")
    ask("incr_devices", limit=1000, **days)
    ask("active_devices", limit=1000, **days)
    for cycle, start, end in (("date", "2026-11-29", "2026-12-28"), ("week", "2026-48", "2026-53"), ("month", "2026-11", "2026-12")):
        ask("devices/report/liveness/history", cycle=cycle, start=start, end=end)
        ask("devices/report/activation", cycle=cycle, start=start, end=end)
    for call, parameters in (("search", {"limit": 100}), ("location", {}),
                             ("liveness_total", {"start_date": "2026-11-20", "end_date": "2026-12-28"})):
        told[call] = request(world.server.http, "GET", f"/v1/users/{call}?" +
                             query(product_key=world.product_key, **parameters), headers=headers).json
    return told


@pytest.fixture(scope="module")
def life(make_shared_server):
    return Life(make_shared_server)


@pytest.mark.parametrize("format", ["csv", "ndjson"])
@pytest.mark.parametrize("running", [True, False])
def test_another_directory_answers_the_same(life, make_server, tmp_path, monkeypatch, format, running):
    files = export_all(life.server, tmp_path, format)
    server = make_server(env=environment(at(LATER)))
    configure(server, life.world, life.other, apps=life.apps)
    if running:
        import_all(server, files)
    else:
        server.stop()
        with monkeypatch.context() as there:
            for name, value in server.env.items():
                there.setenv(name, value)
            import_all(server, files)
        server.start()
    world = twin(life.world, server)
    expected, found = answers(life, life.world), answers(life, world)
    for call in expected:
        assert found[call] == expected[call], call
    again = export_all(server, tmp_path, "again." + format)
    for kind in KINDS:
        assert again[kind].read_bytes() == files[kind].read_bytes(), kind
    server.kill()
    server.start()
    assert answers(life, world) == expected


def test_a_product_is_exported_alone(life, make_server, tmp_path):
    files = export_all(life.server, tmp_path, "csv", "--product", life.world.product_key)
    rows = {kind: list(csv.DictReader(open(file, encoding="utf-8", newline=""))) for kind, file in files.items()}
    assert {row["product_key"] for kind in ("devices", "groups", "bindings") for row in rows[kind]} == {life.world.product_key}
    assert len(rows["users"]) == len(life.uids) and {row["appid"] for row in rows["users"]} == {life.apps[0]}
    assert len(rows["devices"]) == 30 and len(rows["groups"]) == 3
    empty = export_all(life.server, tmp_path, "other.csv", "--product", life.other.product_key)
    assert empty["users"].read_text().count("\n") == 1


def test_many_rows_come_in_pages_while_the_server_runs(make_server, tmp_path):
    world = World(make_server())
    rows = [{"product_key": world.product_key, "mac": f"mac{i}", "passcode": "p", "created_at": 1500000000 + i}
            for i in range(2500)]
    import_rows(world.server.data, "devices", rows)
    result = run("export", "devices", "--data", world.server.data)
    assert result.returncode == 0
    assert [row["mac"] for row in csv.DictReader(result.stdout.splitlines())] == [row["mac"] for row in rows]


@pytest.mark.parametrize("arguments,status,why", [
    (("things",), 2, "'things' is none of users, devices, groups, bindings"), (("devices", "file.txt"), 2, "csv or ndjson?"),
    (("devices", "--product", "1" * 32), 2, "there is no product"), (("devices", "--product", "x"), 2, "a product key has"),
    (("devices", "missing/file.csv"), 2, "No such file or directory")])
def test_a_wrong_command_line(life, arguments, status, why):
    result = run("export", *arguments, "--data", life.server.data)
    assert result.returncode == status and why in result.stderr


def test_a_file_is_for_its_owner_and_has_its_name_when_it_is_whole(life, tmp_path):
    target = tmp_path / "devices.csv"
    assert run("export", "devices", "--data", life.server.data, target).returncode == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["devices.csv"]
    before = target.read_bytes()
    assert run("export", "devices", "--data", life.server.data, "--product", "1" * 32, target).returncode == 2
    assert os.listdir(tmp_path) == ["devices.csv"] and target.read_bytes() == before


# --- moving in from a service that is known by its calls only ------------------------------------------------------------

def pages(world, path, **parameters):
    rows = []
    while True:
        answer = world.get(path, limit=7, skip=len(rows), **parameters).json
        rows += answer["objects"]
        if not answer["objects"]:
            return rows


def test_devices_move_from_another_service_and_come_back_unchanged(life, make_server):
    """What docs/moving-in.md says: read the old service through its calls, import it, let devices reconnect."""
    old = life.world
    devices = pages(old, "devices/search")
    activated = {row["mac"]: row["report_date"] for row in pages(old, "incr_devices", start="2026-11-20", end="2026-12-28")}
    active = {}
    for row in pages(old, "active_devices", start="2026-11-20", end="2026-12-28"):
        active.setdefault(row["mac"], []).append(row["report_date"])
    rows = []
    for device in devices:
        secret = old.get("devices", mac=device["mac"]).json
        assert secret["did"] == device["did"]
        row = {"product_key": old.product_key, **secret, "mac": device["mac"], "created_at": device["created_at"],
               "online_latest": device["online_latest"], "active_days": " ".join(sorted(active.get(device["mac"], [])))}
        if device["mac"] in activated:
            row["activated_at"] = at(activated[device["mac"]] + " 00:00")
        rows.append({name: value for name, value in row.items() if value not in (None, "")})
    users = [{"uid": user["uid"], "appid": life.apps[0], "created_at": user["created_at"]}
             for user in pages(old, "users/search")]
    bindings = [{"uid": user["uid"], "did": device["did"], "since": device["created_at"], "is_owner": user["is_owner"]}
                for device in devices for user in old.get("users/search", type="did", val=device["did"], limit=100).json["objects"]]

    server = make_server(env=environment(at(LATER)))
    configure(server, old, apps=life.apps)
    new = twin(old, server)
    for kind, content in (("users", users), ("devices", rows), ("bindings", bindings)):
        outcome = run_import(server.data, kind, csv_text(content))
        assert outcome.status == 0, outcome.stderr

    for call, parameters in (("incr_devices", {"start": "2026-11-20", "end": "2026-12-28"}),
                             ("active_devices", {"start": "2026-11-20", "end": "2026-12-28"})):
        assert [(r["mac"], r["report_date"]) for r in pages(new, call, **parameters)] == [
            (r["mac"], r["report_date"]) for r in pages(old, call, **parameters)]
    for mac, did, passcode in life.devices[6:9]:
        status, _, body = device_request(server.http, "POST", "/dev/devices",
                                         f"passcode={passcode}&mac={mac}&product_key={old.product_key}")
        assert (status, body) == (201, f"did={did}")
        device = Device(server.mqtt, did, passcode, old.product_key, 3).login().subscribe_as_firmware()
        device.report(REPORT, qos=0)
        device.disconnect()


def test_a_file_is_its_writers_alone_whatever_lay_there(shared_server, world, tmp_path):
    did, _ = world.register("mine")
    (tmp_path / "laid").touch(mode=0o666)
    os.chmod(tmp_path / "laid", 0o666)
    os.link(tmp_path / "laid", tmp_path / "devices.csv.part")
    assert run("export", "devices", "--data", shared_server.data, tmp_path / "devices.csv").returncode == 0
    assert did in (tmp_path / "devices.csv").read_text() and (tmp_path / "laid").read_text() == ""
    assert stat.S_IMODE(os.stat(tmp_path / "devices.csv").st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_writes_what_belongs_to_another_user_where_that_one_may_not(open_path, make_server):
    server = make_server("--user", "nobody", data=open_path / "data")
    did, _ = World(server).register("mine")
    server.stop()
    (open_path / "own").mkdir(mode=0o700)
    file = open_path / "own" / "devices.csv"
    done = run("export", "devices", "--data", server.data, file)
    assert (done.returncode, done.stdout) == (0, "devices: 1 exported\n"), done.stderr
    assert did in file.read_text() and os.listdir(open_path / "own") == ["devices.csv"]
    assert os.stat(file).st_uid == 0 and stat.S_IMODE(os.stat(file).st_mode) == 0o600


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_export_that_is_broken_off_leaves_nothing(make_server, tmp_path, end):
    server = make_server()
    stand_still(server.process)  # it does not answer
    try:
        process = subprocess.Popen(muster("export", "devices", "--data", server.data, str(tmp_path / "devices.csv")),
                                   stderr=subprocess.PIPE, text=True)
        wait_until(lambda: list(tmp_path.glob("devices.csv*")), what="the part")
        process.send_signal(end)
        told = process.communicate(timeout=ENOUGH_S)[1]
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert process.returncode == 1 and told.endswith("devices.csv: interrupted\n")
    assert not list(tmp_path.glob("devices.csv*"))


def test_an_output_that_is_full_is_told(shared_server, world):
    world.import_devices(*({"mac": f"mac{i}"} for i in range(300)))
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = subprocess.run(muster("export", "devices", "--data", shared_server.data), stdout=full, stderr=subprocess.PIPE,
                               text=True, timeout=ENOUGH_S)
    assert ended.returncode == 1 and "is there room?" in ended.stderr, ended.stderr
