"""The Debian package, in a Debian of its own: what is there after an installation, an upgrade, a removal, a purge."""

import json
import os
import re
import subprocess

import pytest

from machine import wait_for
from service import Service

DATA = "/var/lib/muster"
SETTINGS = "/etc/muster.ini"
PRODUCT = {"products": [{"product_key": "a" * 32, "name": "Plug"}]}
UNITS = ("/lib/systemd/system/muster.service", "/etc/systemd/system/multi-user.target.wants/muster.service")


def install(machine, deb, *options):
    return machine.run("dpkg", *options, "-i", machine.copy(deb))


def apply(machine, *options):
    machine.run("muster", "apply", "--data", DATA, *options, "-", input=json.dumps(PRODUCT))


def products(machine):
    return [json.loads(line)["name"] for line in machine.run("muster", "list", "products", "--data", DATA, "--json").splitlines()]


def owner(machine, path):
    return machine.run("stat", "-c", "%U:%G %a", path).strip()


def shown(machine, *names):
    return [machine.run("systemctl", "show", "--value", "-p", name, "muster").strip() for name in names]


def main_process(machine):
    return shown(machine, "MainPID")[0]


def test_lintian_finds_nothing_wrong(deb):
    said = subprocess.run(["lintian", "--fail-on", "error,warning", deb], capture_output=True, text=True)
    assert said.returncode == 0 and said.stdout == "", said.stdout + said.stderr


def test_a_fresh_installation_serves_this_machine_alone(machine, deb):
    install(machine, deb)
    assert owner(machine, DATA) == "muster:muster 700"
    service = Service(machine)
    assert service.addresses() == {"http": "127.0.0.1:8080", "mqtt": "127.0.0.1:1883", "ops": "127.0.0.1:8081"}
    assert service.get("/healthz") and "muster_build_info" in service.get("/metrics", "ops")
    apply(machine)
    assert products(machine) == ["Plug"]
    assert service.stop() == 0
    assert products(machine) == ["Plug"]
    assert owner(machine, f"{DATA}/registry.db") == "muster:muster 600"


def test_an_upgrade_keeps_the_data_and_changed_settings(machine, deb, older_deb):
    install(machine, older_deb)
    changed = machine.read(SETTINGS) + "http = 127.0.0.1:8888\n"
    machine.write(SETTINGS, changed)
    service = Service(machine)
    apply(machine)
    assert service.stop() == 0
    install(machine, deb, "--force-confdef")  # dpkg's own answer, as nobody is here to be asked
    assert machine.read(SETTINGS) == changed
    assert machine.run("dpkg-query", "-W", "-f", "${Version}", "muster") == os.path.basename(deb).split("_")[1]
    service = Service(machine)
    assert service.addresses()["http"] == "127.0.0.1:8888" and products(machine) == ["Plug"]
    assert service.stop() == 0


def test_an_upgrade_brings_new_settings_where_nobody_changed_them(machine, deb, older_deb, contents):
    install(machine, older_deb)
    assert "# of the older version" in machine.read(SETTINGS)
    install(machine, deb)
    assert machine.read(SETTINGS) == (contents / "etc/muster.ini").read_text()


def test_a_removal_keeps_settings_and_data_and_a_purge_the_data(machine, deb):
    install(machine, deb)
    apply(machine, "--create")
    machine.run("dpkg", "--remove", "muster")
    assert machine.has(SETTINGS) and machine.has(f"{DATA}/registry.db")
    assert not any(machine.has(path) for path in (UNITS[0], "/usr/bin/muster"))
    assert f"rm -r {DATA}" in machine.run("dpkg", "--purge", "muster")
    assert machine.has(f"{DATA}/registry.db")
    assert not any(machine.has(path) for path in (SETTINGS, *UNITS, "/usr/share/doc/muster"))
    install(machine, deb)
    assert products(machine) == ["Plug"]


def test_a_purge_leaves_nothing_where_there_is_no_data(machine, deb):
    install(machine, deb)
    machine.run("dpkg", "--purge", "muster")
    assert not any(machine.has(path) for path in (DATA, SETTINGS, *UNITS))


def test_the_unit_is_sound_and_enabled(machine, deb):
    install(machine, deb)
    assert machine.run("systemd-analyze", "verify", "--man=no", "muster.service") == ""
    assert machine.has(UNITS[1])
    machine.run("systemd-analyze", "security", "--offline=true", "--threshold=20", "muster.service")


def boot(machine):
    if not machine.boot():
        pytest.skip("systemd does not run in namespaces of this machine")
    wait_for(lambda: shown(machine, "ActiveState") == ["active"], "the server")


def test_systemd_runs_it_in_its_sandbox_reloads_and_restarts_it(machine, deb):
    install(machine, deb)
    boot(machine)
    assert shown(machine, "ActiveState", "Type") == ["active", "notify"]
    status = machine.read(f"/proc/{main_process(machine)}/status")
    assert re.search(r"(?m)^Seccomp:\t2$", status) and re.search(r"(?m)^NoNewPrivs:\t1$", status)
    assert re.search(r"(?m)^CapEff:\t0+400$", status)  # CAP_NET_BIND_SERVICE
    apply(machine)

    first = main_process(machine)
    machine.run("systemctl", "reload", "muster")
    assert main_process(machine) == first
    machine.run("kill", "-KILL", first)
    wait_for(lambda: main_process(machine) not in ("0", first) and shown(machine, "ActiveState") == ["active"], "the restart")
    assert products(machine) == ["Plug"]

    machine.write(SETTINGS, machine.read(SETTINGS) + "threads = many\n")
    machine.run("systemctl", "restart", "muster", status=1)
    assert shown(machine, "ActiveState", "ExecMainStatus") == ["failed", "2"]


def test_an_upgrade_restarts_a_running_server(machine, deb, older_deb):
    install(machine, older_deb)
    boot(machine)
    apply(machine)
    before = main_process(machine)
    install(machine, deb)
    assert shown(machine, "ActiveState") == ["active"] and main_process(machine) != before
    assert products(machine) == ["Plug"]
    machine.run("dpkg", "--remove", "muster")
    assert not machine.run("pgrep", "--exact", "muster", status=1)
