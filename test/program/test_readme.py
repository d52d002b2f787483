"""The README's own server, by copy and paste: its blocks of commands, in their order, in the terminals that it
names. Only places are changed: the program, the ports, and the folder in which they run."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from server import BINARY, ENOUGH_S, FREE_PORTS, run, wait_until

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = json.loads((ROOT / "examples/my-products.json").read_text(encoding="utf-8"))
PRODUCT_KEY = EXAMPLE["products"][0]["product_key"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVE, APPLY, TOKEN, SIMULATE, USE, LOOK = re.findall(
    r"```sh\n(.*?)```", re.search(r"^## Your own server\n(.*?)^## ", README, re.M | re.S)[1], re.S)


class Terminal:
    """A shell that blocks of commands are pasted into; it ends at the first that fails."""

    def __init__(self, folder):
        self.process = subprocess.Popen(["bash", "-eu", "-o", "pipefail"], cwd=folder, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def paste(self, block):
        self.process.stdin.write(block)
        self.process.stdin.flush()

    def run(self, block):
        """Pastes a block and returns what it printed."""
        self.paste(block + "\necho; echo the block is done\n")
        said = ""
        for line in self.process.stdout:
            if line == "the block is done\n":
                return said
            said += line
        raise AssertionError(f"a command failed: {said}")

    def interrupt(self):
        """Ctrl-C, and the end of the shell."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        self.process.stdin.close()
        self.process.wait(ENOUGH_S)


@pytest.fixture
def folder(tmp_path):
    """What a clone has in it after script/build, as far as the commands look."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build/muster").symlink_to(os.path.abspath(BINARY))
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.fixture
def terminal(folder):
    opened = []

    def another():
        opened.append(Terminal(folder))
        return opened[-1]

    yield another
    for one in reversed(opened):
        one.interrupt()


def json_of(text):
    """The JSON values that a block has printed."""
    decoder, at, values = json.JSONDecoder(), 0, []
    while (at := at + len(text[at:]) - len(text[at:].lstrip())) < len(text):
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def test_the_commands_of_the_readme_lead_from_nothing_to_a_device_that_obeys(folder, terminal):
    first, second, third = terminal(), terminal(), terminal()

    build, serve = SERVE.splitlines()
    assert build == "script/build"
    first.paste(f"{serve} {' '.join(FREE_PORTS)} 2>server.log\n")
    ready = first.process.stdout.readline()
    http = re.search(r" http=(\S+)", ready)[1]
    assert (folder / "my-data/registry.db").exists()

    second.run(APPLY)
    assert (folder / "my-secrets.json").stat().st_mode & 0o777 == 0o600
    secrets = (folder / "my-secrets.json").read_text()
    assert "cannot overwrite" in terminal().run(APPLY.rstrip() + " || true")
    assert (folder / "my-secrets.json").read_text() == secrets
    assert "http://127.0.0.1:8080/v1/" in TOKEN
    second.run(TOKEN.replace("127.0.0.1:8080", http))
    definition = json.loads((folder / "my-definition.json").read_text(encoding="utf-8"))
    assert definition["product_key"] == PRODUCT_KEY
    assert definition["entities"] == EXAMPLE["products"][0]["datapoint"]["entities"]

    third.paste(f"{SIMULATE.rstrip()} --http http://{http} --interval 1\n")
    search, *_, data = USE.splitlines()

    def rows(command):
        answer, = json_of(second.run(command))
        return answer["objects"]

    def all_report():
        dids = [row["did"] for row in rows(search)]
        return len(dids) == 3 and all(rows(data.replace("$did", did)) for did in dids)
    wait_until(all_report, what="the reports of three devices")
    online, nothing, told = json_of(second.run(USE))
    assert len(online["objects"]) == 3 and nothing == {} and told["objects"]

    def obeys():
        attrs = rows(data)[0]["attrs"]
        return attrs["mode"] == "eco" and attrs["set_temp"] == 21.5
    wait_until(obeys, what="the report of what it was told")

    looked = second.run(LOOK)
    assert PRODUCT_KEY in looked and "online" in looked


def test_the_example_applied_again_changes_nothing(shared_server):
    for made in ("1 created", "1 unchanged"):
        done = run("apply", "--data", shared_server.data, ROOT / "examples/my-products.json")
        for kind in ("enterprises", "products", "apps", "users"):
            assert made in re.search(rf"^{kind}: .*", done.stdout, re.M)[0]
