"""docs/cluster.md by the letter: its commands, run as they stand there after the package is installed."""

import json
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs/cluster.md"
SETTINGS = "/etc/muster.ini"
PASSWORD = "not easy"
EDITOR = "/usr/local/bin/editor-of-the-test"
PRODUCT = {"products": [{"product_key": "a" * 32, "name": "Plug"}]}


def blocks(heading):
    """The blocks of code below a heading, up to the next one: (kind, text)."""
    section = re.search(rf"(?ms)^#+ {heading}\n(.*?)^#+ ", PAGE.read_text(encoding="utf-8"))[1]
    return re.findall(r"(?ms)^```(\w+)\n(.*?)^```", section)


class Reader:
    """Who does what the page says: with one password, whoever asks, and an editor that writes the line of its file."""

    def __init__(self, machine):
        self.machine = machine
        machine.write(EDITOR, f"#!/bin/sh\necho '*:*:muster:muster:{PASSWORD}' >\"$1\"\n")
        machine.run("chmod", "755", EDITOR)

    def run(self, commands):
        # Without a terminal, createuser reads the password from its input.
        return self.machine.run("setsid", "--wait", "bash", "-euc", f"export EDITOR={EDITOR}\n{commands}",
                                input=f"{PASSWORD}\n{PASSWORD}\n")


@pytest.fixture
def reader(machine, deb):
    machine.run("dpkg", "-i", machine.copy(deb))
    if not machine.boot():
        pytest.skip("systemd does not run in namespaces of this machine")
    machine.run("systemctl", "start", "postgresql", "muster")
    return Reader(machine)


def test_one_node_over_postgresql(machine, reader):
    said = ""
    for kind, text in blocks("One node over PostgreSQL"):
        if kind == "ini":
            machine.write(SETTINGS, text)
        else:
            said = reader.run(text)
    assert re.search(r"(?m)^stores +postgresql://muster@localhost/muster$", said)
    assert machine.has("/var/lib/muster.embedded/registry.db") and not machine.has("/var/lib/muster/registry.db")


def test_moving_in_and_out(machine, reader):
    (_, role), (_, password), (_, over_database), _ = blocks("One node over PostgreSQL")
    reader.run(role + password)
    there, back = [text for kind, text in blocks("Moving in and out") if kind == "sh"]
    machine.run("muster", "apply", "-", input=json.dumps(PRODUCT))
    embedded = machine.read(SETTINGS)
    for commands, settings, is_in_database in ((there, over_database, True), (back, embedded, False)):
        reader.run(commands)
        machine.write(SETTINGS, settings)
        machine.run("systemctl", "start", "muster")
        assert "Plug" in machine.run("muster", "list", "products")
        assert ("postgresql://" in machine.run("muster", "status")) == is_in_database
