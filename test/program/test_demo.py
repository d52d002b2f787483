"""script/server, as a new user runs it."""

import json
import os
import re
import shlex
import signal
import subprocess
import threading

import pytest

from server import ENOUGH_S, FREE_PORTS, wait_until

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


class Demo:
    def __init__(self, *command, **env):
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.output = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.output += line

    def curl_line(self):
        return wait_until(lambda: re.search(r"^\s+(curl .*)$", self.output, re.M), seconds=10 * ENOUGH_S, what="a curl line").group(1)

    def interrupt(self):
        """Ctrl-C: SIGINT for everything in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(ENOUGH_S)
        self.reader.join(ENOUGH_S)  # the end of the output: nothing that holds it open is left


def ask(curl_line):
    return json.loads(subprocess.run([*shlex.split(curl_line), "-sS"], check=True, capture_output=True, text=True).stdout)


@pytest.mark.repeats  # in a build of its own
def test_the_demo_runs_by_copy_and_paste_ends_with_ctrl_c_and_goes_on_later(tmp_path):
    totals = []
    for _ in range(2):
        demo = Demo("script/server", *FREE_PORTS, MUSTER_DEMO=str(tmp_path / "demo"))
        try:
            line = demo.curl_line()
            found = ask(line)
            assert len(found["objects"]) == 3
            totals.append(found["meta"]["total"])
            online = line.replace("limit=3", "limit=100&is_online=1")
            rows = wait_until(lambda: (a := ask(online)["objects"]) and len(a) >= 20 and a, what="20 online")
            assert len({row["city"] for row in rows}) >= 5 and {row["country"] for row in rows} == {"China"}
            assert wait_until(lambda: ask(line.replace("search?limit=3", rows[0]["did"] + "/data"))["objects"])
            docs = re.search(r"^ +(http://\S+/docs)$", demo.output, re.M).group(1)
            assert ask(f"curl {docs}/demo.json")["product_key"] in line
        finally:
            demo.interrupt()
        assert not demo.reader.is_alive()
        assert "event=stopped" in demo.output
    assert totals[0] == totals[1] >= 20
    with open(tmp_path / "demo/demo.json", encoding="utf-8") as f:
        secret = json.load(f)["enterprises"][0]["enterprise_secret"]
    assert subprocess.run(["git", "grep", "-q", secret], cwd=ROOT, check=False).returncode != 0
    assert os.stat(tmp_path / "demo/demo.json").st_mode & 0o077 == 0
