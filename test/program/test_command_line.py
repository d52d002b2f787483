"""How commands are called: help, versions, options in all their forms, words that are mistyped, and where a command
finds its data directory."""

import json
import re

import pytest

from server import run

COMMANDS = re.findall(r"^  muster (\w+) ", run("--help").stdout, re.M)


@pytest.fixture
def data(tmp_path):
    """A data directory that is not served."""
    assert run("apply", "--data", tmp_path / "data", "--create", "-", input="{}").returncode == 0
    return tmp_path / "data"


@pytest.fixture
def config(data, tmp_path):
    """A configuration file that names it."""
    path = tmp_path / "muster.ini"
    path.write_text(f"data = {data}\nretention-days = 3\nuser = nobody\n")
    return path


# --- help and version ---

@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("help",)])
def test_help_lists_every_command_by_what_it_is_about(arguments):
    done = run(*arguments)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.startswith("usage: muster COMMAND")
    assert {"serve", "apply", "device", "help"} <= set(COMMANDS) and len(COMMANDS) == len(set(COMMANDS))
    headings = re.findall(r"^([A-Z].*)\n  muster", done.stdout, re.M)
    assert headings == ["The server", "What is configured", "Devices and users", "The stores", "Other"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_the_same_in_every_way_to_ask(command):
    shown = run("help", command)
    assert shown.returncode == 0 and shown.stderr == "" and shown.stdout.startswith(f"usage: muster {command}")
    for arguments in ((command, "--help"), (command, "-h"), (command, "-h", "--colour"), (command, "some", "words", "-h")):
        assert run(*arguments).stdout == shown.stdout, arguments


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_80_columns(command):
    assert max(map(len, run("help", command).stdout.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [("--version",), ("-V",), ("status", "--version"), ("serve", "-V")])
def test_the_version_is_told(arguments):
    done = run(*arguments)
    assert done.returncode == 0 and re.fullmatch(r"muster \d+\.\d+\.\d+ \(commit [\w-]+\)\n", done.stdout)


# --- options ---

@pytest.mark.parametrize("form", [
    lambda d: ("status", "--data", d, "--json"), lambda d: ("status", f"--data={d}", "--json"),
    lambda d: ("status", "--json", "--data", d), lambda d: ("status", "--json=yes", f"--data={d}"),
])
def test_an_option_takes_its_value_in_both_forms_and_at_any_place(data, form):
    assert json.loads(run(*form(data)).stdout)["devices"] == 0


def test_two_dashes_end_the_options(data):
    done = run("device", "--data", data, "--", "--json")
    assert done.returncode == 2 and "no device has this did or mac" in done.stderr


def test_options_may_stand_behind_arguments(data):
    assert run("list", "products", "--data", data, "--json").returncode == 0


@pytest.mark.parametrize("arguments,meant", [
    (("servr",), "'serve'"), (("stauts",), "'status'"), (("help", "exprot"), "'export'"),
    (("serve", "--dtaa", "x"), "'--data'"), (("status", "--jsn"), "'--json'"), (("serve", "--retention-dais=3"), "'--retention-days'"),
])
def test_what_was_probably_meant_is_told(arguments, meant):
    done = run(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert f"did you mean {meant}?" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("dance",), ("serve", "--colour", "red"), ("serve", "-x"), ("status", "--", "-h")])
def test_what_is_like_nothing_is_not_guessed(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and "did you mean" not in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments,said", [
    (("serve", "--data"), "no value for option '--data'"), (("serve", "--data", "x", "--data=y"), "'--data' is given twice"),
    (("audit", "--data", "x", "--kind", "cat"), "'--kind' needs one of enterprise, product, app, device, group, user"),
    (("list", "cats", "--data", "x"), "'cats' is none of enterprises, products, apps"),
    (("apply", "--data", "x"), "FILE.json is missing"), (("--data", "x", "status"), "the command comes first"),
    (("status", "--data", "x", "y"), "unexpected argument 'y'"), (("status", "--json=maybe"), "needs yes or no"),
    (("status", "-é"), "unknown option '-?'"), (("serve", "--htt", "x"), "more than one option begins so: '--htt'"),
])
def test_a_mistake_is_told_in_a_line(arguments, said):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


# --- the configuration file ---

@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"serve", "sim", "help", "restore", "copy"}))
def test_every_command_takes_the_servers_configuration_file(command):
    """Its help says so; the next tests say what it does with it."""
    assert re.search(r"^  --config FILE$", run(command, "--help").stdout, re.M)


def test_a_command_reads_the_data_directory_from_the_servers_configuration_file(config):
    done = run("status", "--config", config, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["devices"] == 0


def test_an_option_wins_over_the_file(config, tmp_path):
    done = run("status", "--config", config, "--data", tmp_path / "nowhere")
    assert done.returncode == 2 and "nowhere" in done.stderr


@pytest.mark.parametrize("line,said", [
    ("colour = red", "unknown setting 'colour'"), ("dtaa = x", "unknown setting 'dtaa'; did you mean 'data'?"), ("json = yes", "unknown setting 'json'"),
    ("workers = some", "'workers' needs a whole number"), ("help = yes", "'help' is an option of the command line only"),
])
def test_a_wrong_line_is_a_mistake_for_every_command(config, line, said):
    with open(config, "a", encoding="ascii") as f:
        f.write(line + "\n")
    for command in (("status",), ("apply", "-"), ("audit",)):
        done = run(*command, "--config", config, input="{}")
        assert done.returncode == 2 and done.stdout == "" and f"{config}:4: {said}" in done.stderr


def test_without_either_the_machines_configuration_file_is_read(config, monkeypatch):
    monkeypatch.setenv("MUSTER_CONFIG", str(config))
    assert run("status").returncode == 0
    monkeypatch.setenv("MUSTER_CONFIG", str(config) + ".none")
    done = run("status")
    assert done.returncode == 2 and f"{config}.none" in done.stderr


def test_who_names_a_directory_gets_nothing_from_the_machines_configuration_file(config, data, monkeypatch):
    config.write_text("colour = red\n")
    monkeypatch.setenv("MUSTER_CONFIG", str(config))
    assert run("status", "--data", data).returncode == 0


def test_a_server_reads_only_the_file_that_it_is_told(config, monkeypatch):
    monkeypatch.setenv("MUSTER_CONFIG", str(config))
    done = run("serve")
    assert done.returncode == 2 and "--data is missing" in done.stderr
