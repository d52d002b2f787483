"""What devices and enterprises do to a cluster, and what was acknowledged to them."""

import contextlib
import http.client
import random
import secrets
import socket
import time

from cluster import Background, check_sessions, login_somewhere, rows, search
from mqtt import Closed, Device
from server import ENOUGH_S, wait_until
from test_durability import numbered_report, report_number
from world import device_request, hex_id, request

MOVES = 0.02  # how often a device comes at another node while its session lives
OPEN = 5      # connections that a device has left and not closed; the older ones were ended by a take-over long ago
# Answers with an error: of a node that does not reach its database, and of one whose database has just gone.
LATE, STORE_FAILED = (503, 503), {(500, 500), (500, 5601)}


def control_number(payload):
    return int.from_bytes(payload[-4:], "big")


class Traveller(Background):
    """A device that reports, numbered, with QoS 1, and never sends a report twice. When its connection ends it goes to
    another node; sometimes it does so by itself, and leaves the old connection open."""

    def __init__(self, worlds, registered, seed=0, moves=MOVES, pause=0.0):
        self.worlds, self.registered, self.chance = worlds, registered, random.Random(seed)
        self.moves, self.pause = moves, pause
        self.next, self.acknowledged, self.controls, self.logins = 0, [], [], 0
        self.device, self.node, self.under_way = None, seed, {}
        self.left = []  # (connection, what was under way on it)
        self.offline_since, self.longest_away = time.monotonic(), 0.0
        super().__init__(self.step)

    @property
    def did(self):
        return self.registered[0]

    def _login(self):
        self.device, self.node = login_somewhere(self.worlds, self.registered, self.node, self.stopping)
        if not self.device:
            return
        self.logins += 1
        self.under_way = {}
        self.longest_away = max(self.longest_away, time.monotonic() - self.offline_since)

    def _away(self):
        self.device, self.offline_since = None, time.monotonic()
        self.node += 1

    def step(self):
        if not self.device:
            self._login()
            return
        try:
            while len(self.under_way) < 5:
                packet_id = self.device.publish(f"dev2app/{self.did}", numbered_report(self.next), qos=1)
                self.under_way[packet_id] = self.next
                self.next += 1
            self._take(*self.device.receive(), self.under_way)
            time.sleep(self.pause)
        except (Closed, ConnectionError):
            self._read_to_the_end(self.device, self.under_way)
            self._away()
            return
        if self.chance.random() < self.moves:
            self.left.append((self.device, self.under_way))
            self._away()
            if len(self.left) > OPEN:
                self._read_to_the_end(*self.left.pop(0))

    def _take(self, first, body, under_way):
        if first >> 4 == 4:
            self.acknowledged.append(under_way.pop(int.from_bytes(body[:2], "big")))
        elif first >> 4 == 3:
            self.controls.append(control_number(body))

    def _read_to_the_end(self, device, under_way):
        """What a node sends on a connection counts, also if the device has left it: a node that has lost the session
        may acknowledge nothing that is not there."""
        with contextlib.suppress(Closed, ConnectionError):
            while True:
                self._take(*device.receive(), under_way)
        device.close()

    def stop(self):
        """Ends the session, once the load is over."""
        super().stop()
        if self.device:
            self.left.append((self.device, self.under_way))
        for device, _ in self.left:
            with contextlib.suppress(OSError):
                device.sock.shutdown(socket.SHUT_WR)
        for device, under_way in self.left:
            self._read_to_the_end(device, under_way)

    def check(self, world):
        """Nothing acknowledged is missing, nothing is there twice, and everything in the order in which it was sent."""
        stored = [report_number(row["attrs"]) for row in rows(world, self.did, "data")]
        assert len(stored) == len(set(stored)), "there twice"
        lost = set(self.acknowledged) - set(stored)
        assert not lost, (self.did, sorted(lost)[:10], len(lost))
        assert stored == sorted(stored), "not in the order in which they were sent"
        log = check_sessions(world, self.did, online=False)
        logins = sum(row["type"] != "dev_offline" for row in log)
        # A login may have come on record whose answer the node's death has kept back.
        assert logins >= self.logins, (logins, self.logins)


class Controller(Background):
    """Sends numbered controls to random devices through random nodes, and remembers what was said of each."""

    def __init__(self, worlds, dids, first=0, database_fails=False):
        self.worlds, self.dids, self.chance = worlds, dids, random.Random(first)
        self.first = self.number = first
        self.said, self.refused, self.unsure = [], [], []  # (device, number)
        self.unsure_errors = {LATE, (400, 5403)} | (STORE_FAILED if database_fails else set())
        super().__init__(self.step)

    def step(self):
        self.number += 1
        control = self.chance.choice(self.dids), self.number
        try:
            answer = self.chance.choice(self.worlds).control(control[0], raw=list(self.number.to_bytes(4, "big")))
        except (OSError, http.client.HTTPException):  # no answer, or one that was cut off
            self.unsure.append(control)
            time.sleep(0.02)
            return
        if answer.status == 200:
            self.said.append(control)
        elif answer.error == (400, 5305):  # offline
            self.refused.append(control)
        else:
            self.unsure.append(control)
            assert answer.error in self.unsure_errors, answer.body

    def check(self, world, travellers):
        """What was said to be sent is on record; what is on record has reached the device, once; and what has reached it
        is on record, but where the node could not say so."""
        for traveller in travellers:
            on_record = [control_number(bytes.fromhex(row["payload"])) for row in rows(world, traveller.did, "cmd")
                         if row["type"] == "app2dev"]
            assert len(on_record) == len(set(on_record)), "a control is on record twice"
            assert len(traveller.controls) == len(set(traveller.controls)), "a device got a control twice"
            mine = range(self.first + 1, self.number + 1)
            on_record, reached = ({number for number in found if number in mine} for found in (on_record, traveller.controls))
            said, refused, unsure = ({number for did, number in found if did == traveller.did}
                                     for found in (self.said, self.refused, self.unsure))
            assert said <= on_record <= reached, (traveller.did, said - on_record, on_record - reached)
            assert reached - on_record <= unsure, (traveller.did, reached - on_record - unsure)
            assert not refused & reached, (traveller.did, refused & reached)


class Writer(Background):
    """Registers devices at random nodes, binds, groups and disables them, and takes tokens. What was acknowledged of each
    device: {did: {"bound": True, …}}; None: there was no answer."""

    def __init__(self, worlds, seed=0, database_fails=False):
        self.worlds, self.chance = worlds, random.Random(seed)
        self.errors = {LATE} | (STORE_FAILED if database_fails else set())
        self.uid, self.appid = hex_id(), hex_id()
        worlds[0].server.apply({"apps": [{"appid": self.appid, "name": "App", "product_keys": [worlds[0].product_key]}],
                                "users": [{"uid": self.uid, "appid": self.appid}]})
        self.gid = worlds[0].call("POST", "device_groups", {}).json["gid"]
        self.devices, self.macs, self.tokens, self.written = {}, {}, [], 0
        super().__init__(self.step)

    def step(self):
        self.chance.choice((self.register, self.bind, self.bind, self.group, self.group, self.disable, self.take_token))(
            self.chance.choice(self.worlds))
        time.sleep(0.01)

    def _acknowledged(self, call):
        """What a call answers; None: nothing, or that it cannot do this now. A device's call: (status, text)."""
        try:
            answer = call()
        except (OSError, http.client.HTTPException, ValueError):  # no answer, or one that was cut off
            time.sleep(0.02)
            return None
        status, error = (answer[0], None) if isinstance(answer, tuple) else (answer.status, answer)
        if status >= 300:
            assert (error.error if error else (status, status)) in self.errors, error.body if error else answer
            time.sleep(0.02)
            return None
        self.written += 1
        return answer

    def _change(self, did, name, value, call):
        self.devices[did][name] = None
        if self._acknowledged(call):
            self.devices[did][name] = value

    def _any(self):
        """A device that is not disabled."""
        return self.chance.choice([did for did, known in self.devices.items() if known["disabled"] is False] or [None])

    def register(self, world):
        mac = secrets.token_hex(6)
        answer = self._acknowledged(lambda: device_request(
            world.server.http, "POST", "/dev/devices", f"passcode=123456&mac={mac}&product_key={world.product_key}"))
        if answer:
            did = answer[2][len("did="):]
            self.devices[did], self.macs[did] = {"bound": False, "grouped": False, "disabled": False}, mac

    def bind(self, world):
        did = self._any()
        if did:
            bound = not self.devices[did]["bound"]
            self._change(did, "bound", bound, lambda: world.call(
                "POST" if bound else "DELETE", "devices/bindings", {"uid": self.uid, "appid": self.appid, "dids": [did]}))

    def group(self, world):
        did = self._any()
        if did:
            grouped = not self.devices[did]["grouped"]
            self._change(did, "grouped", grouped, lambda: world.call(
                "PUT", f"device_groups/{self.gid}", {"action": "assign" if grouped else "unassign", "macs": [self.macs[did]]}))

    def disable(self, world):
        did = self._any() if len(self.devices) > 10 else None
        if did:
            self._change(did, "disabled", True, lambda: device_request(
                world.server.http, "DELETE", "/dev/devices", f"did={did}&passcode=123456"))

    def take_token(self, world):
        answer = self._acknowledged(world.take_token)
        if answer:
            self.tokens.append(answer.json["token"])

    def check(self, world):
        """Every node knows of everything that was acknowledged."""
        of_user, of_group = ({row["did"] for row in search(world, show_disabled=1, **by)}
                             for by in ({"type": "uid", "val": self.uid}, {"gid": self.gid}))
        every, enabled = ({row["did"] for row in search(world, show_disabled=shown)} for shown in (1, 0))
        for did, known in self.devices.items():
            assert did in every, did
            found = {"bound": did in of_user, "grouped": did in of_group, "disabled": did not in enabled}
            assert all(value in (None, found[name]) for name, value in known.items()), (did, known, found)
        for token in self.tokens:
            answer = request(world.server.http, "GET", world.path("devices/summary"), headers={"Authorization": f"token {token}"})
            assert answer.status == 200, answer.body
        for did in [did for did, known in self.devices.items() if known["disabled"]][:20]:
            device = Device(world.server.mqtt, did, "123456", world.product_key, 4)
            assert device.connect() != 0
            device.close()


class Load:
    """All of it at once. database_fails: that is what the test does."""

    def __init__(self, worlds, devices, database_fails=False, **options):
        self.worlds = worlds
        registered = [worlds[0].register() for _ in range(devices)]
        self.travellers = [Traveller(worlds, each, seed, **options) for seed, each in enumerate(registered)]
        self.controller = Controller(worlds, [did for did, _ in registered], database_fails=database_fails)
        self.writer = Writer(worlds, database_fails=database_fails)

    def acknowledged(self):
        return [len(traveller.acknowledged) for traveller in self.travellers]

    def __str__(self):
        return (f"{sum(self.acknowledged())} reports, {len(self.controller.said)} controls, {self.writer.written} "
                f"writes, {sum(t.logins for t in self.travellers)} logins, away at most "
                f"{max(t.longest_away for t in self.travellers):.1f} s")

    def wait_for_more(self, count=1, seconds=ENOUGH_S):
        """Until each device has got further acknowledgements."""
        before = self.acknowledged()
        end = time.monotonic() + seconds
        while any(now < then + count for now, then in zip(self.acknowledged(), before)):
            for each in self.travellers:
                assert each.is_alive(), each.error
            behind = [(t.did, t.node % len(self.worlds), t.device is not None) for t, then in zip(self.travellers, before)
                      if len(t.acknowledged) < then + count]
            assert time.monotonic() < end, f"no acknowledgements for {behind}"
            time.sleep(0.02)

    def wait_for_rest(self):
        """Until nothing is acknowledged any more for a second. What was, may be read later than it was said."""
        before = []

        def rests():
            before.append(self.acknowledged())
            time.sleep(1)
            return self.acknowledged() == before[-1]
        wait_until(rests, what="no more acknowledgements")

    def stop(self):
        for each in self.travellers:
            each.stopping.set()
        self.controller.stop()
        self.writer.stop()
        for each in self.travellers:
            each.stop()
        print(self)  # with `pytest -s`

    def check(self, world):
        for traveller in self.travellers:
            traveller.check(world)
        self.controller.check(world, self.travellers)
        self.writer.check(world)


__all__ = ["Controller", "Load", "Traveller", "Writer"]
