"""muster list, show and status: what is configured, and how it is, can be read back."""

import json
import os
import signal
import subprocess
import time

import pytest

from server import muster, run, wait_until
from world import DATAPOINTS, World, definition, hex_id


def read(data, *arguments):
    done = run(*arguments, "--data", data)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def listed(data, kind):
    return [json.loads(line) for line in read(data, "list", kind, "--json").splitlines()]


def apply(data, text, *options):
    return subprocess.run(muster("apply", "--data", str(data), "--json", *options, "-"), input=text, capture_output=True,
                          text=True)


def must_change_nothing(data, shown):
    done = apply(data, shown)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["generated"] == [] and told["associations"] == {"added": 0, "removed": 0}
    assert all(told[kind]["created"] == told[kind]["updated"] == 0 for kind in ("enterprises", "products", "apps"))
    assert sum(told[kind]["unchanged"] for kind in ("enterprises", "products", "apps")) == 1


@pytest.fixture
def configured(make_server):
    """Something of each, beside a server."""
    server = make_server()
    server.pk, server.other, server.eid, server.appid = (hex_id() for _ in range(4))
    server.content = {
        "products": [{"product_key": server.pk, "product_secret": 32 * "a", "name": "空调", "remote_control": False,
                      "registration": "known", "pacing": "off", "datapoint": definition("air-conditioner", server.pk)},
                     {"product_key": server.other, "name": "Pump\t1"}],
        "enterprises": [{"enterprise_id": server.eid, "enterprise_secret": 32 * "b", "name": "我的公司", "hourly_quota": 7,
                         "secret_required": False, "ip_allow": ["10.1.2.3/8", "192.168.0.1", "2001:db8::/32", "0.0.0.0/0"],
                         "product_keys": [server.pk]}],
        "apps": [{"appid": server.appid, "name": "App", "product_keys": [server.pk]}],
        "devices": [{"product_key": server.pk, "mac": "m1"}, {"product_key": server.pk, "mac": "m2"}]}
    server.apply(server.content)
    return server


# --- list ---

def test_a_list_has_a_line_each_with_the_name_last(configured):
    assert read(configured.data, "list", "products").splitlines() == [
        f"{'PRODUCT_KEY':32}  {'ENTERPRISE_ID':32}     DEVICES  REGISTRATION  REMOTE   DEFINITION  NAME",
        f"{configured.pk}  {configured.eid}           2  known         no                1  空调",
        f"{configured.other}  {'-':32}           0  open          yes               0  Pump?1"]
    assert read(configured.data, "list", "enterprises").splitlines() == [
        f"{'ENTERPRISE_ID':32}  PRODUCTS       QUOTA  NETWORKS  NAME",
        f"{configured.eid}         1           7         4  我的公司"]
    assert read(configured.data, "list", "apps").splitlines() == [
        f"{'APPID':32}  {'ENTERPRISE_ID':32}  PRODUCTS       USERS  NAME",
        f"{configured.appid}  {configured.eid}         1           0  App"]


def test_a_list_for_programs_has_an_object_a_line_without_secrets(configured):
    for _ in ("beside a server", "at rest"):
        assert [(p["product_key"], p["name"], p["enterprise_id"], p["devices"], p["definition"], p["registration"])
                for p in listed(configured.data, "products")] == [
            (configured.pk, "空调", configured.eid, 2, 1, "known"), (configured.other, "Pump\t1", None, 0, 0, "open")]
        assert [(e["enterprise_id"], e["product_keys"], e["hourly_quota"]) for e in listed(configured.data, "enterprises")] == [
            (configured.eid, [configured.pk], 7)]
        assert [(a["appid"], a["enterprise_id"], a["product_keys"], a["users"]) for a in listed(configured.data, "apps")] == [
            (configured.appid, configured.eid, [configured.pk], 0)]
        assert "secret\"" not in "".join(read(configured.data, "list", kind, "--json")
                                         for kind in ("enterprises", "products", "apps"))
        configured.stop()


def test_a_list_goes_on_over_pages(make_server):
    server = make_server()
    keys = [hex_id() for _ in range(2345)]
    server.apply({"products": [{"product_key": key, "name": f"P{i}"} for i, key in enumerate(keys)]})
    assert [p["product_key"] for p in listed(server.data, "products")] == keys
    assert read(server.data, "list", "products").count("PRODUCT_KEY") == 1
    assert listed(server.data, "apps") == []


# --- show ---

def test_what_is_shown_is_an_apply_file_that_changes_nothing(configured):
    for _ in ("beside a server", "at rest"):
        for kind, id in (("product", configured.pk), ("product", configured.other), ("enterprise", configured.eid),
                         ("app", configured.appid)):
            for options in ((), ("--secrets",)):
                must_change_nothing(configured.data, read(configured.data, "show", kind, id, *options))
        configured.stop()


def test_a_product_is_shown_with_all_of_its_settings(configured):
    shown = json.loads(read(configured.data, "show", "product", configured.pk))
    assert list(shown) == ["products"] and len(shown["products"]) == 1
    product = shown["products"][0]
    given = configured.content["products"][0]
    assert {name: product[name] for name in ("product_key", "name", "remote_control", "registration", "pacing")} == {
        name: given[name] for name in ("product_key", "name", "remote_control", "registration", "pacing")}
    attrs = product["datapoint"]["entities"][0]["attrs"]
    assert [a["name"] for a in attrs] == [a["name"] for a in given["datapoint"]["entities"][0]["attrs"]]
    assert json.loads(read(configured.data, "show", "enterprise", configured.eid)) == {"enterprises": [
        {**{name: value for name, value in configured.content["enterprises"][0].items() if name != "enterprise_secret"},
         "ip_allow": ["10.1.2.3/8", "192.168.0.1/32", "2001:db8::/32", "0.0.0.0/0"]}]}


def test_a_secret_is_shown_only_to_who_asks_for_it(configured):
    assert 32 * "a" not in read(configured.data, "show", "product", configured.pk)
    assert json.loads(read(configured.data, "show", "product", configured.pk, "--secrets"))["products"][0][
        "product_secret"] == 32 * "a"
    assert "secret\"" not in read(configured.data, "show", "enterprise", configured.eid, "--secrets")


@pytest.mark.parametrize("name", sorted(os.listdir(DATAPOINTS)))
def test_every_definition_comes_back_as_it_is(world, name):
    key = hex_id()
    world.server.apply({"products": [{"product_key": key, "datapoint": definition(name.removesuffix(".json"), key)}]})
    must_change_nothing(world.server.data, read(world.server.data, "show", "product", key))
    assert [p["definition"] for p in listed(world.server.data, "products") if p["product_key"] == key] == [1]


@pytest.mark.parametrize("name", ["New \"name\",\"entities\":[", None])
def test_a_product_that_was_renamed_comes_back_with_its_name(configured, name):
    configured.apply({"products": [{"product_key": configured.pk, "name": name}]})
    shown = read(configured.data, "show", "product", configured.pk)
    assert json.loads(shown)["products"][0]["name"] == name
    must_change_nothing(configured.data, shown)


def test_a_product_moves_to_another_directory_as_it_was(configured, tmp_path):
    shown = read(configured.data, "show", "product", configured.pk, "--secrets")
    assert apply(tmp_path / "other", shown, "--create").returncode == 0
    assert read(tmp_path / "other", "show", "product", configured.pk, "--secrets") == shown


# --- status ---

def status(data):
    return json.loads(read(data, "status", "--json"))


@pytest.mark.embedded("it knows the sizes of files")
def test_status_tells_of_the_server_and_its_data(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    told = status(server.data)
    _, version, _, commit = run("--version").stdout.strip(")\n").split(" ")
    assert (told["version"], told["commit"]) == (version, commit) and told["server"]["pid"] == server.process.pid
    assert (told["enterprises"], told["products"], told["devices"], told["users"]) == (1, 1, 1, 0)
    assert (told["server"]["sessions"], told["server"]["connections"]) == (1, 1) and 0 <= told["server"]["uptime"] < 3600
    assert told["registry_bytes"] >= os.path.getsize(os.path.join(server.data, "registry.db")) > 0
    assert told["journal_bytes"] > 0 and 0 < told["free_bytes"] < told["disk_bytes"]
    assert told["last_backup"] is None and told["server"]["last_failures"] == [] and told["server"]["disk_full"] is False
    text = read(server.data, "status")
    assert [line.split("  ")[0] for line in text.splitlines()] == [
        "version", "server", "sessions", "configured", "registry", "journal", "disk", "last backup", "last failures"]
    assert "1, in 1 connections" in text and "1 devices" in text and "none since the start" in text
    device.disconnect()
    server.stop()
    assert status(server.data)["server"] is None
    assert "none runs here" in read(server.data, "status")


@pytest.mark.embedded("backups are of directories")
def test_the_last_backup_is_remembered_through_restarts_and_told_at_rest(make_server, tmp_path):
    server = make_server()
    before = int(time.time())
    assert run("backup", "--data", server.data, tmp_path / "monday").returncode == 0
    assert run("backup", "--data", server.data, tmp_path / "nowhere" / "copy").returncode == 2  # does not count
    server.restart()
    told = status(server.data)["last_backup"]
    assert told["to"] == str(tmp_path / "monday") and before - 1 <= told["at"] <= time.time() and told["bytes"] > 0
    server.stop()
    assert status(server.data)["last_backup"] == told
    assert run("backup", "--data", server.data, tmp_path / "二 月").returncode == 0
    assert status(server.data)["last_backup"]["to"] == str(tmp_path / "二 月")
    assert f"to {tmp_path}/二 月" in read(server.data, "status")


def test_failures_of_the_server_are_told_once_a_kind_with_their_count(make_server, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                    "/CN=example.test", "-keyout", key, "-out", cert], check=True, capture_output=True)
    server = make_server("--tls-cert", str(cert), "--tls-key", str(key))
    cert.write_text("this is no certificate")
    for count in (1, 2):
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.log_text().count("certificate_not_reloaded") == count)
    failures = status(server.data)["server"]["last_failures"]
    assert [(f["event"], f["count"]) for f in failures] == [("certificate_not_reloaded", 2)]
    assert "cert.pem" in failures[0]["what"] and failures[0]["first_at"] <= failures[0]["last_at"] <= time.time()
    assert "certificate_not_reloaded reason=" in read(server.data, "status") and "(2 in all)" in read(server.data, "status")
