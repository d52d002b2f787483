"""One rule for the exit status of every command: 0 done; 2 what was given is wrong, and the same again fails again;
1 it failed, and the same again may succeed."""

import json
import os
import re
import subprocess

import pytest

from server import OVER_POSTGRES, run
from world import World, hex_id

ROOT = os.path.join(os.path.dirname(__file__), "../..")

# Each command with arguments that are good once the names in capitals are filled in.
GOOD = {
    "apply": ["apply", "--data", "DATA", "APPLY"],
    "import": ["import", "devices", "--data", "DATA", "ROWS"],
    "export": ["export", "devices", "--data", "DATA", "OUT"],
    "list": ["list", "products", "--data", "DATA"],
    "show": ["show", "product", "--data", "DATA", "KEY"],
    "status": ["status", "--data", "DATA"],
    "device": ["device", "--data", "DATA", "KEY/m1"],
    "tail": ["tail", "--data", "DATA"],
    "kick": ["kick", "--data", "DATA", "KEY/m1"],
    "backup": ["backup", "--data", "DATA", "COPY"],
    "disable": ["disable", "--data", "DATA", "device", "KEY/m1"],
    "enable": ["enable", "--data", "DATA", "device", "KEY/m1"],
    "rotate": ["rotate", "--data", "DATA", "product", "KEY"],
    "revoke": ["revoke", "--data", "DATA", "product", "KEY"],
    "audit": ["audit", "--data", "DATA"],
    "check": ["check", "--data", "DATA"],
    "delete": ["delete", "--data", "DATA", "device", "KEY/m1"],
}
if OVER_POSTGRES:
    del GOOD["backup"]  # test_store.py says what it answers
AT_REST_ONLY = {"check", "serve", "repair"}
NEEDS_A_SERVER = {"kick", "tail"}  # test_kick.py, test_tail.py


@pytest.fixture
def place(make_server, tmp_path):
    """What the arguments name: a directory that has been served, and files."""
    server = make_server()
    world = World(server)
    world.register("m1")
    (tmp_path / "apply.json").write_text(json.dumps({"products": [{"product_key": world.product_key}]}))
    (tmp_path / "rows.csv").write_text(f"product_key,mac,passcode\n{world.product_key},m2,p\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letters.txt").write_text("mine")
    names = {"DATA": tmp_path / "data", "APPLY": tmp_path / "apply.json", "ROWS": tmp_path / "rows.csv",
             "OUT": tmp_path / "out.csv", "COPY": tmp_path / "copy", "KEY": world.product_key}

    def call(arguments, stdout=subprocess.PIPE, **other):
        known = {**names, **other}
        return run(*[re.sub("|".join(known), lambda found: str(known[found.group()]), a) for a in arguments], stdout=stdout)

    call.server, call.path = server, tmp_path
    return call


def must_fail(done, status, where):
    """With a line that says why on stderr, and nothing for programs on stdout."""
    assert (done.returncode, done.stdout) == (status, ""), (where, done)
    said = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
    assert said and all(line.startswith(f"muster {where}: ") for line in said), (where, done)


def test_every_command_is_in_the_table():
    commands = set(re.findall(r"^  muster (\w+) ", run("--help").stdout, re.M))
    assert commands - set(GOOD) - {"backup"} == {"serve", "restore", "repair", "copy", "migrate", "sim", "help"}


def test_done_is_0_beside_a_server_and_at_rest(place):
    for name, arguments in GOOD.items():
        if name not in AT_REST_ONLY | NEEDS_A_SERVER | {"delete"}:
            done = place(arguments, COPY=place.path / f"copy-{name}")
            assert (done.returncode, done.stderr) == (0, ""), (name, done)
    assert place.server.stop() == 0
    for name, arguments in GOOD.items():
        done = place(arguments)
        assert done.returncode == (1 if name in NEEDS_A_SERVER else 0), (name, done)


@pytest.mark.parametrize("name", ["apply", "list", "show", "status", "device", "disable", "rotate", "revoke", "audit"])
def test_an_output_that_is_full_is_1(place, name):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = place(GOOD[name], stdout=full)
    assert (done.returncode, done.stderr) == (1, f"muster {name}: cannot write; is there room?\n")


def test_a_wrong_command_line_is_2(place):
    for name, arguments in GOOD.items():
        must_fail(place([*arguments, "--colour", "red"]), 2, name)
        must_fail(place([a for a in arguments if a not in ("--data", "DATA")]), 2, name)
        must_fail(place([*arguments, "more", "and", "more"]), 2, name)


def test_a_directory_that_is_not_there_or_is_something_else_is_2(place):
    for name, arguments in {**GOOD, "serve": ["serve", "--data", "DATA", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
                                              "--ops", "127.0.0.1:0"]}.items():
        if name != "serve":  # it makes it
            must_fail(place(arguments, DATA=place.path / "nowhere"), 2, name)
            assert not (place.path / "nowhere").exists()
        done = place(arguments, DATA=place.path / "other")
        assert (done.returncode, done.stdout) == (2, "") and f"muster {name}: " in done.stderr, (name, done)
        assert os.listdir(place.path / "other") == ["letters.txt"]


def test_nothing_is_made_in_an_empty_directory_or_of_a_file(place):
    (place.path / "empty").mkdir()
    for name, arguments in GOOD.items():
        must_fail(place(arguments, DATA=place.path / "rows.csv"), 2, name)
        if name != "serve":
            must_fail(place(arguments, DATA=place.path / "empty"), 2, name)
            assert os.listdir(place.path / "empty") == []


@pytest.mark.embedded("backups are of directories")
def test_a_backup_in_the_place_of_a_data_directory_is_2(place):
    assert place(GOOD["backup"]).returncode == 0
    for name, arguments in GOOD.items():
        if name != "check":
            must_fail(place(arguments, DATA=place.path / "copy", COPY=place.path / "second"), 2, name)


@pytest.mark.parametrize("name,arguments", [
    ("apply", ["apply", "--data", "DATA", "nowhere.json"]), ("apply", ["apply", "--data", "DATA", "ROWS"]),
    ("apply", ["apply", "--data", "DATA", "--mac", "big", "APPLY"]),
    ("import", ["import", "devices", "--data", "DATA", "nowhere.csv"]),
    ("import", ["import", "devices", "--data", "DATA", "APPLY", "--format", "csv"]),
    ("import", ["import", "cats", "--data", "DATA", "ROWS"]),
    ("export", ["export", "cats", "--data", "DATA"]), ("export", ["export", "devices", "--data", "DATA", "nowhere/out.csv"]),
    ("export", ["export", "devices", "--data", "DATA", "--product", 32 * "1"]),
    ("list", ["list", "cats", "--data", "DATA"]), ("show", ["show", "cat", "--data", "DATA", "KEY"]),
    ("show", ["show", "product", "--data", "DATA", 32 * "1"]),
    ("device", ["device", "--data", "DATA", "m3"]), ("backup", ["backup", "--data", "DATA", "nowhere/copy"]),
    ("backup", ["backup", "--data", "DATA", "ROWS"]), ("restore", ["restore", "--data", "new", "nowhere"]),
    ("disable", ["disable", "--data", "DATA", "device", "KEY/m3"]), ("enable", ["enable", "--data", "DATA", "user", 32 * "1"]),
    ("delete", ["delete", "--data", "DATA", "product", "KEY"]), ("rotate", ["rotate", "--data", "DATA", "product", 32 * "1"]),
    ("revoke", ["revoke", "--data", "DATA", "enterprise", 32 * "1"]), ("audit", ["audit", "--data", "DATA", "--from", "then"]),
    ("audit", ["audit", "--data", "DATA", "--kind", "cat"]), ("sim", ["sim", "--devices", "1"]),
])
def test_a_file_or_an_id_that_is_wrong_is_2(place, name, arguments):
    must_fail(place(arguments), 2, name)


def test_rows_that_are_refused_are_2_and_the_others_are_stored(place):
    with open(place.path / "rows.csv", "a", encoding="ascii") as f:
        f.write(f"{hex_id()},m3,p\n")
    done = place(GOOD["import"])
    assert (done.returncode, done.stdout) == (2, "devices: 1 created, 0 updated, 0 unchanged, 1 refused\n")


def test_a_directory_that_is_in_use_is_1(place):
    must_fail(place(GOOD["check"]), 1, "check")
    done = place(["serve", "--data", "DATA", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
    assert (done.returncode, done.stdout) == (1, "") and "in use" in done.stderr


@pytest.mark.embedded("it damages files")
def test_a_registry_that_is_damaged_is_1(place):
    assert place.server.stop() == 0
    with open(place.path / "data" / "registry.db", "r+b") as f:
        f.write(b"not a database, but something else of some length")
    for name, arguments in GOOD.items():
        done = place(arguments)
        assert done.returncode == 1, (name, done)
        if name != "check":
            must_fail(done, 1, name)


def test_the_rule_stands_in_operating_md():
    with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as f:
        section = f.read().partition("## Exit statuses\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d) \|", section, re.M) == ["0", "1", "2"]
