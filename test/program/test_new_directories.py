"""A data directory is made when that is asked for, never by a name that was mistyped, and is not left behind by what
failed."""

import json
import os

import pytest

from server import FREE_PORTS, Server, run
from world import hex_id

GOOD = json.dumps({"enterprises": [{"enterprise_id": hex_id(), "enterprise_secret": hex_id(), "name": "E"}]})
MISTAKES = [json.dumps({"enterprises": [{"name": 1}]}), "{", json.dumps({"devices": [{"product_key": "1" * 32, "mac": "m"}]})]


def test_apply_says_where_there_is_no_data_directory_and_how_one_is_made(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, said in (("typo", "there is no directory"), ("empty", "is empty, and not a data directory")):
        done = run("apply", "--data", tmp_path / name, "-", input=GOOD)
        assert (done.returncode, done.stdout) == (2, "") and said in done.stderr and "--create" in done.stderr
    assert os.listdir(tmp_path) == ["empty"] and os.listdir(tmp_path / "empty") == []


@pytest.mark.parametrize("is_there", [False, True])
def test_apply_makes_one_where_that_is_asked_for_and_says_so(tmp_path, is_there):
    data = tmp_path / "data"
    if is_there:
        data.mkdir()
    done = run("apply", "--data", data, "--create", "-", input=GOOD)
    assert done.returncode == 0 and done.stderr == f"made a new data directory: {data}\n"
    again = run("apply", "--data", data, "--create", "-", input=GOOD)
    assert (again.returncode, again.stderr) == (0, "") and "1 unchanged" in again.stdout


@pytest.mark.parametrize("content", MISTAKES)
def test_what_was_made_for_a_file_that_is_refused_is_taken_away_again(tmp_path, content):
    assert run("apply", "--data", tmp_path / "data", "--create", "-", input=content).returncode == 2
    assert os.listdir(tmp_path) == []
    (tmp_path / "data").mkdir()
    assert run("apply", "--data", tmp_path / "data", "--create", "-", input=content).returncode == 2
    assert os.listdir(tmp_path / "data") == []


def test_a_file_that_is_refused_takes_nothing_away_that_was_there(tmp_path):
    data = tmp_path / "data"
    assert run("apply", "--data", data, "--create", "-", input=GOOD).returncode == 0
    for content in MISTAKES:
        assert run("apply", "--data", data, "--create", "-", input=content).returncode == 2
    assert json.loads(run("status", "--data", data, "--json").stdout)["enterprises"] == 1


def test_no_directory_is_made_above_a_new_one(tmp_path):
    for command in (("apply", "--create", "-"), ("serve", *FREE_PORTS)):
        done = run(*command, "--data", tmp_path / "typo" / "data", input=GOOD)
        assert (done.returncode, done.stdout) == (2, "") and "typo" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_server_logs_that_its_directory_is_a_new_one(tmp_path):
    server = Server(tmp_path / "data").start()
    assert server.stop() == 0
    assert server.log_text().count("event=data_directory_made") == 1
    server.start()
    assert server.stop() == 0
    assert server.log_text().count("event=data_directory_made") == 1


def test_a_restore_that_fails_leaves_no_directory_behind(tmp_path):
    assert run("apply", "--data", tmp_path / "data", "--create", "-", input=GOOD).returncode == 0
    assert run("backup", "--data", tmp_path / "data", tmp_path / "copy").returncode == 0
    os.truncate(tmp_path / "copy" / "registry.db", 100)
    assert run("restore", "--data", tmp_path / "new", "--unchecked", tmp_path / "copy").returncode in (0, 1)
    os.unlink(tmp_path / "copy" / "registry.db")
    assert run("restore", "--data", tmp_path / "other", "--unchecked", tmp_path / "copy").returncode != 0
    assert not (tmp_path / "other").exists()


# --- quiet ---

def test_quiet_commands_print_nothing_when_all_went_well(tmp_path):
    data, key, did = tmp_path / "data", hex_id(), "d" * 22
    content = {"products": [{"product_key": key, "product_secret": hex_id(), "name": "P"}],
               "devices": [{"product_key": key, "mac": "m1", "did": did, "passcode": "p"}]}
    rows = tmp_path / "rows.csv"
    rows.write_text(f"product_key,mac,passcode\n{key},m2,p\n")
    for command in (("apply", "--create", "-"), ("import", "devices", rows), ("export", "devices", tmp_path / "out.csv"),
                    ("disable", "device", did), ("enable", "device", did), ("revoke", "product", key),
                    ("delete", "device", did), ("check",), ("backup", tmp_path / "copy")):
        done = run(*command, "--data", data, "--quiet", input=json.dumps(content))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command
    done = run("restore", "--data", tmp_path / "new", "-q", tmp_path / "copy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_quiet_does_not_hide_a_secret_that_is_told_only_once(tmp_path):
    done = run("apply", "--data", tmp_path / "data", "--create", "-q", "-", input=json.dumps({"enterprises": [{"name": "E"}]}))
    assert done.returncode == 0 and done.stderr == ""
    assert [line.split(": ")[1].split()[:2] for line in done.stdout.splitlines()] == [
        ["generated", "enterprise_id"], ["generated", "enterprise_secret"]]


def test_quiet_does_not_hide_what_went_wrong(tmp_path):
    assert run("apply", "--data", tmp_path / "data", "--create", "-q", "-", input="{}").returncode == 0
    rows = tmp_path / "rows.csv"
    rows.write_text(f"product_key,mac,passcode\n{hex_id()},m2,p\n")
    done = run("import", "devices", "-q", "--data", tmp_path / "data", rows)
    assert done.returncode == 2 and "line 2" in done.stderr and "1 refused" in done.stdout
