"""What is made from the tables of the commands: man pages, bash completion, /etc/muster.ini."""

import os
import re
import subprocess

import pytest

from machine import ENOUGH_S


def muster(contents, *arguments):
    return subprocess.run([contents / "usr/bin/muster", *arguments], capture_output=True, text=True, check=True).stdout


def commands(contents):
    return re.findall(r"(?m)^  muster (\w+)", muster(contents, "--help"))


# --- man pages --------------------------------------------------------------------------------------

def test_the_program_each_command_and_the_settings_have_a_page(contents):
    pages = {page.name for page in (contents / "usr/share/man").rglob("*.gz")}
    assert len(commands(contents)) > 15
    assert pages == {"muster.1.gz", "muster.ini.5.gz", *(f"muster-{command}.1.gz" for command in commands(contents))}


def test_every_page_renders_without_a_warning(contents):
    for page in (contents / "usr/share/man").rglob("*.gz"):
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
        assert done.returncode == 0 and done.stderr == "", page
        assert {"NAME", "DESCRIPTION", "SEE ALSO"} <= set(re.findall(r"(?m)^[A-Z ]+$", done.stdout)), page


def test_a_page_shows_what_help_shows(contents):
    page = subprocess.run(["man", "-l", contents / "usr/share/man/man1/muster-serve.1.gz"], capture_output=True, text=True,
                          check=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}).stdout
    options = re.findall(r"(?m)^  (?:-\w, )?(--[\w-]+)", muster(contents, "serve", "--help"))
    assert len(options) > 30
    assert options == re.findall(r"(?m)^       (?:-\w, )?(--[\w-]+)", page.split("\nOPTIONS\n")[1].split("\nE")[0])


# --- completion -------------------------------------------------------------------------------------

COMPLETE = """
source "$1"
shift
eval "$(complete -p muster | sed 's/.*-F \\([^ ]*\\) .*/function=\\1/')"
compopt() { :; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
$function
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete(contents, tmp_path):
    """The words that bash offers where the last one is being typed, in a folder with a file and a folder."""
    (tmp_path / "file.json").touch()
    (tmp_path / "folder").mkdir()

    def run(*words):
        done = subprocess.run(["bash", "-c", COMPLETE, "bash", contents / "usr/share/bash-completion/completions/muster", *words],
                              cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return set(done.stdout.split())

    return run


def test_commands_are_completed(complete, contents):
    assert complete("muster", "") == {*commands(contents), "--help", "--version"}
    assert complete("muster", "re") == {name for name in commands(contents) if name.startswith("re")}
    assert complete("muster", "help", "bac") == {"backup"}


def test_options_are_completed(complete, contents):
    for command in commands(contents):
        shown = set(re.findall(r"(?m)^  (?:-\w, )?(--[\w-]+)", muster(contents, command, "--help")))
        assert complete("muster", command, "-") == shown, command


@pytest.mark.parametrize("words, offered", [
    (("apply", "--data", ""), {"folder"}),
    (("apply", "--data", "=", ""), {"folder"}),  # bash takes --data= for two words
    (("apply", "--data", "="), {"folder"}),
    (("serve", "--log-level", ""), {"error", "warn", "info", "debug"}),
    (("serve", "--log-level", "=", "w"), {"warn"}),
    (("serve", "--http", ""), set()),
    (("serve", "--tls-key", "f"), {"file.json", "folder"}),
    (("disable", "--data", "folder", ""), {"device", "user"}),
    (("disable", "device", ""), set()),
    (("dance", ""), set()),
])
def test_values_are_completed_by_their_kind(complete, words, offered):
    assert complete("muster", *words) == offered


# --- settings ---------------------------------------------------------------------------------------

def settings_of(contents):
    return (contents / "etc/muster.ini").read_text()


def test_every_setting_of_the_server_stands_in_the_file_with_its_default(contents):
    shown = dict(re.findall(r"(?m)^  (?:-\w, )?--([\w-]+).*\n((?:        .*\n)+)", muster(contents, "serve", "--help")))
    lines = dict(re.findall(r"(?m)^#?([\w-]+) = (.+)$", settings_of(contents)))
    assert set(lines) <= set(shown)
    assert set(shown) - set(lines) <= {"config", "check", "quiet", "help", "version"}, "orders for one run"
    for name in lines:
        default = re.search(r"(?m)^        default: (.*)$", shown[name])
        assert default is None or default[1] == lines[name]


def test_only_the_data_directory_is_set(contents):
    assert re.findall(r"(?m)^[^#\n].*$", settings_of(contents)) == ["data = /var/lib/muster"]


def test_the_server_takes_every_default_of_the_file(contents, tmp_path):
    shown = muster(contents, "serve", "--help")
    defaults = [line for line in re.findall(r"(?m)^#([\w-]+ = .+)$", settings_of(contents))
                if f"default: {line.split(' = ')[1]}\n" in shown]
    assert len(defaults) > 20
    (tmp_path / "muster.ini").write_text("\n".join(defaults))
    ports = [word for name in ("http", "mqtt", "ops") for word in (f"--{name}", "127.0.0.1:0")]
    server = subprocess.Popen([contents / "usr/bin/muster", "serve", "--config", tmp_path / "muster.ini", "--data",
                               tmp_path / "data", *ports], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    server.terminate()
    assert line.startswith("muster ready "), server.communicate(timeout=ENOUGH_S)[1]
    server.communicate(timeout=ENOUGH_S)
