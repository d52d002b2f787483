"""What commands refuse, the server's configuration file, and apply."""

import json
import os
import re
import signal
import stat
import subprocess

import pytest

from server import BINARY, FREE_PORTS, run, Server
from world import World, definition, hex_id, request

ROOT = os.path.join(os.path.dirname(__file__), "../..")


@pytest.mark.parametrize("arguments", [
    (), ("dance",), ("serve", "--datta", "x"), ("serve", "--data"), ("serve",), ("serve", "here"), ("apply",),
    ("apply", "x.json"), ("serve", "--data", "x", "--threads", "many"), ("serve", "--data", "x", "--data", "y"),
    ("serve", "--data", "x", "--log-level", "loud"), ("serve", "--data", "x", "--config", "/nonexistent.ini"),
    ("apply", "--data", "x", "/nonexistent.json"), ("sim", "--devices", "1"), ("serve", "--data", "x", "--config", "/tmp"),
    ("serve", "--data", "x", "--workers", "0"), ("serve", "--data", "x", "--retention-days", "0"),
    ("serve", "--data", "x", "--retention-days", "4294967295"), ("serve", "--data", "x", "--mqtt-packet-max", "4294967296"),
    ("serve", "--data", "x", "--device-messages", "-1"), ("serve", "--data", "x", "--device-messages", "nan"),
])
def test_a_wrong_command_line_is_one_line_and_status_2(arguments, tmp_path):
    done = run(*[tmp_path / a if a in ("x", "y") else a for a in arguments])
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1 or arguments == ()
    assert not os.path.exists(tmp_path / "x")


@pytest.mark.parametrize("option", [
    ("--mqtt-advertise", "nowhere"), ("--mqtt-advertise", "host:0"), ("--mqtt-advertise", "host:65536"),
    ("--geoip-db", "/nonexistent.mmdb"), ("--geoip-db", "/etc/passwd"),
    ("--http", "nowhere"), ("--mqtts", "127.0.0.1:0"), ("--tls-cert", "/nonexistent.pem"),
    ("--time-zone", "Mars/Olympus"), ("--time-zone", "../../etc/passwd"), ("--trusted-proxies", "10.0.0.0/99"),
])
def test_a_setting_that_cannot_be_met_stops_the_start_with_status_2(option, tmp_path):
    done = run("serve", "--data", tmp_path / "d", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops",
               "127.0.0.1:0", *option) if option[0] != "--http" else run("serve", "--data", tmp_path / "d", *option)
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if not line.startswith("time=")][0].startswith("muster")


def test_an_unusable_certificate_is_named_with_the_reason(tmp_path):
    done = run("serve", "--data", tmp_path / "d", "--tls-cert", "/nonexistent.pem", "--tls-key", "/nonexistent.pem")
    assert done.returncode == 2 and "/nonexistent.pem: No such file" in done.stderr


def test_a_directory_that_holds_other_things_is_left_alone(tmp_path):
    os.chmod(tmp_path, 0o755)
    (tmp_path / "letters.txt").write_text("mine")
    for command in (("serve", "--data", tmp_path, *FREE_PORTS), ("apply", "--data", tmp_path, "-")):
        done = run(*command, input="{}")
        assert done.returncode == 2 and "holds other things" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["letters.txt"] and stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files of root's behind")
def test_apply_as_root_leaves_nothing_of_roots_in_somebody_elses_directory(open_path):
    data = open_path / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    assert run("apply", "--data", data, "--create", "-", input="{}").returncode == 0
    assert {os.stat(data / name).st_uid for name in os.listdir(data)} == {65534}


def test_a_taken_port_is_named(shared_server, tmp_path):
    taken = "%s:%d" % shared_server.http
    done = run("serve", "--data", tmp_path / "d", "--http", taken, "--mqtt", "127.0.0.1:0", "--ops", "127.0.0.1:0")
    assert done.returncode == 1 and taken in done.stderr


def test_a_configuration_file_has_the_flags_names_and_a_flag_wins(make_server, tmp_path):
    config = tmp_path / "muster.ini"
    config.write_text("; a comment\nretention-days = 3\ndevice-messages = 0\nlog-level = debug\n")
    server = make_server("--config", str(config), "--log-level", "warn")
    World(server).device(level=4)
    assert " level=debug " not in server.log_text()


@pytest.mark.parametrize("line,said", [("retention = 3", "retention"), ("workers = some", "workers"),
                                       ("just words", "1"), ("[section]\nworkers = 3", "section")])
def test_a_wrong_configuration_file_names_file_and_line(tmp_path, line, said):
    config = tmp_path / "muster.ini"
    config.write_text(line + "\n")
    done = run("serve", "--data", tmp_path / "d", "--config", config)
    assert done.returncode == 2 and f"{config}:" in done.stderr and said in done.stderr


def test_operating_md_lists_every_setting_with_its_default():
    shown = run("serve", "--help").stdout
    settings = dict(re.findall(r"^  --([\w-]+)[^\n]*\n((?:        [^\n]*\n)+)", shown, re.M))
    with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as f:
        listed = dict(re.findall(r"^\| `([\w-]+)` \| (\S+) \|", f.read(), re.M))
    assert set(listed) == set(settings)
    for name, text in settings.items():
        default = re.search(r"default: (\S+)$", text, re.M)
        assert listed[name] == (default.group(1) if default and default.group(1) else "—"), name


def test_the_data_directory_is_closed_to_others(shared_server):
    assert stat.S_IMODE(os.stat(shared_server.data).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(os.path.join(shared_server.data, "control.sock")).st_mode) == 0o600


# --- apply ---

def test_apply_works_on_a_directory_at_rest_and_the_server_finds_it(tmp_path, make_server):
    pk, eid = hex_id(), hex_id()
    content = {"products": [{"product_key": pk, "name": "P", "datapoint": definition("plug", pk)}],
               "enterprises": [{"enterprise_id": eid, "name": "E", "product_keys": [pk]}]}
    done = run("apply", "--data", tmp_path / "data", "--create", "-", input=json.dumps(content))
    assert done.returncode == 0, done.stderr
    generated = dict(re.findall(r"generated (\w+) ([0-9a-f]{32})", done.stdout))
    assert set(generated) == {"enterprise_secret", "product_secret"}
    assert "generated" not in run("apply", "--data", tmp_path / "data", "-", input=json.dumps(content)).stdout
    server = make_server()
    answer = request(server.http, "POST", f"/v1/products/{pk}/access_token", {"enterprise_id": eid, **generated})
    assert answer.status == 201


def test_apply_with_a_mistake_changes_nothing_and_names_it(world, shared_server):
    content = {"products": [{"product_key": world.product_key, "name": "Changed"}],
               "devices": [{"product_key": world.product_key, "mac": "m1"},
                           {"product_key": world.product_key, "mac": "", "passcode": "1"}]}
    done = run("apply", "--data", shared_server.data, "-", input=json.dumps(content))
    assert done.returncode == 2 and "devices[1].mac" in done.stderr
    assert world.get("devices", mac="m1").error == (404, 5301)
    assert world.get("datapoint").json["name"] != "Changed"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"device": []}', '{"devices": {}}', '{"devices": [1]}',
                                  '{"enterprises": [{"name": "E", "hourly_quota": 1\0}]}'])
def test_apply_refuses_what_is_no_apply_file(shared_server, text):
    done = run("apply", "--data", shared_server.data, "-", input=text)
    assert done.returncode == 2 and done.stderr


def test_apply_names_the_datapoint_that_is_wrong(shared_server):
    pk = hex_id()
    datapoint = definition("air-conditioner", pk)
    datapoint["entities"][0]["attrs"][2]["enum"] = []
    done = run("apply", "--data", shared_server.data, "-",
               input=json.dumps({"products": [{"product_key": pk, "name": "P", "datapoint": datapoint}]}))
    assert done.returncode == 2 and "'mode'" in done.stderr and "products[0].datapoint" in done.stderr


def test_secrets_never_reach_the_log_or_lie_in_clear(make_server, tmp_path):
    server = make_server("--log-level", "debug")
    world = World(server)
    device = world.device(level=4, registered=world.register(passcode="passcode-7f3a91"))
    assert world.get("devices/search").status == 200
    assert world.take_token(enterprise_secret="0" * 32).error == (400, 5004)
    device.disconnect()
    server.stop()
    log = server.log_text()
    for secret in (world.enterprise_secret, world.product_secret, world.token, "passcode-7f3a91"):
        assert secret not in log
    stored = b"".join((tmp_path / "data" / f).read_bytes() for f in os.listdir(tmp_path / "data") if f.startswith("registry"))
    assert world.enterprise_secret.encode() not in stored and world.token.encode() not in stored


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_started_as_root_it_becomes_the_user_it_is_told(open_path, make_server):
    server = make_server("--user", "nobody", data=open_path / "data")
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        status = f.read()
    assert re.search(r"^Uid:\s+65534\s+65534\s+65534\s+65534$", status, re.M)
    assert "CapEff:\t0000000000000000" in status
    World(server).device(level=4)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is warned")
def test_running_on_as_root_is_warned_of_once(server):
    assert server.log_text().count("running_as_root") == 1


def test_the_release_binary_is_hardened():
    headers = subprocess.run(["readelf", "-hldW", BINARY], capture_output=True, text=True, check=True).stdout
    assert "DYN (Position-Independent Executable" in headers
    assert "GNU_RELRO" in headers and "NOW" in headers
    assert not re.search(r"GNU_STACK\s.*\bRWE\b", headers)
    symbols = subprocess.run(["readelf", "-sW", "--dyn-syms", BINARY], capture_output=True, text=True, check=True).stdout
    if "__asan_init" not in symbols:
        assert "__stack_chk_fail" in symbols and "_chk@" in symbols


def test_signals_that_mean_nothing_do_not_end_the_server(make_server):
    server = make_server()
    meant = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGABRT, signal.SIGXCPU, signal.SIGSYS,
             signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}
    stopping = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    for number in signal.valid_signals() - meant - stopping:
        server.process.send_signal(number)
    assert World(server).get("products").status in (200, 404)
    assert server.process.poll() is None
    assert server.stop() == 0


def test_a_server_ends_cleanly_on_sigterm(tmp_path):
    server = Server(tmp_path / "data").start()
    world = World(server)
    device = world.device(level=5)
    assert server.stop() == 0
    assert device.receive()[0] == 0xE0  # DISCONNECT, server shutting down
    server.start()
    ends = [r for r in world.get(f"devices/{device.did}/online").json["objects"] if r["type"] == "dev_offline"]
    assert [e["payload"]["reason"] for e in ends] == ["offline_exception"]
    server.stop()
