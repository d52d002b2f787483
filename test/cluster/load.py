"""What devices and enterprises do to a cluster, and what was acknowledged to them."""

import random
import time

from cluster import Background, check_sessions, login_somewhere, request, rows
from mqtt import Closed
from server import ENOUGH_S
from test_durability import numbered_report, report_number

MOVES = 0.02  # how often a device comes at another node while its session lives


def control_number(payload):
    return int.from_bytes(payload[-4:], "big")


class Traveller(Background):
    """A device that reports, numbered, with QoS 1, and never sends a report twice. When its connection ends it goes to
    another node; sometimes it does so by itself, and leaves the old connection open."""

    def __init__(self, worlds, registered, seed=0, moves=MOVES, pause=0.0):
        self.worlds, self.registered, self.chance = worlds, registered, random.Random(seed)
        self.moves, self.pause = moves, pause
        self.next, self.acknowledged, self.controls, self.logins, self.ended = 0, [], [], 0, 0
        self.device, self.left, self.node, self.under_way = None, [], seed, {}
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
            self.take(*self.device.receive())
            time.sleep(self.pause)
        except (Closed, OSError):
            self.device.close()
            self._away()
            return
        if self.chance.random() < self.moves:
            self.left.append(self.device)
            self._away()

    def take(self, first, body):
        if first >> 4 == 4:
            self.acknowledged.append(self.under_way.pop(int.from_bytes(body[:2], "big")))
        elif first >> 4 == 3:
            self.controls.append(control_number(body))

    def stop(self):
        """Ends the session, once the load is over."""
        super().stop()
        for device in [*self.left, self.device]:
            if device:
                device.close()

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
    """Sends numbered controls to random devices through random nodes, and remembers which were said to be sent."""

    def __init__(self, worlds, dids, first=0):
        self.worlds, self.dids, self.chance = worlds, dids, random.Random(first)
        self.number, self.said = first, []
        super().__init__(self.step)

    def step(self):
        self.number += 1
        did = self.chance.choice(self.dids)
        try:
            answer = self.chance.choice(self.worlds).control(did, raw=list(self.number.to_bytes(4, "big")))
        except OSError:
            time.sleep(0.02)
            return
        except Exception as e:  # an answer that was cut off
            assert "http.client" in type(e).__module__, e
            return
        if answer.status == 200:
            self.said.append((did, self.number))
        else:
            assert answer.status >= 500 or answer.error in ((400, 5305), (400, 5403)), answer.body

    def check(self, world, travellers):
        """What was said to be sent is on record, once, and has reached the device unless its connection broke."""
        for traveller in travellers:
            on_record = [control_number(bytes.fromhex(row["payload"])) for row in rows(world, traveller.did, "cmd")
                         if row["type"] == "app2dev"]
            assert len(on_record) == len(set(on_record)), "a control is on record twice"
            assert len(traveller.controls) == len(set(traveller.controls)), "a device got a control twice"
            lost = {number for did, number in self.said if did == traveller.did} - set(on_record)
            assert not lost, (traveller.did, lost)


class Writer(Background):
    """Registers devices at random nodes."""

    def __init__(self, worlds, seed=0):
        self.worlds, self.chance, self.registered = worlds, random.Random(seed), []
        super().__init__(self.step)

    def step(self):
        try:
            self.registered.append(self.chance.choice(self.worlds).register()[0])
        except (OSError, AssertionError):  # refused, or cut off
            time.sleep(0.02)

    def check(self, world):
        for did in self.registered:
            assert request(world.server.http, "GET", world.path(f"devices/{did}/online"), headers=world.headers).status == 200, did


class Load:
    """All of it at once."""

    def __init__(self, worlds, devices, **options):
        self.worlds = worlds
        registered = [worlds[0].register() for _ in range(devices)]
        self.travellers = [Traveller(worlds, each, seed, **options) for seed, each in enumerate(registered)]
        self.controller = Controller(worlds, [did for did, _ in registered])
        self.writer = Writer(worlds)

    def acknowledged(self):
        return [len(traveller.acknowledged) for traveller in self.travellers]

    def __str__(self):
        return (f"{sum(self.acknowledged())} reports, {len(self.controller.said)} controls, {len(self.writer.registered)} "
                f"registrations, {sum(t.logins for t in self.travellers)} logins, away at most "
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

    def stop(self):
        for each in self.travellers:
            each.stopping.set()
        self.controller.stop()
        self.writer.stop()
        for each in self.travellers:
            each.stop()

    def check(self, world):
        for traveller in self.travellers:
            traveller.check(world)
        self.controller.check(world, self.travellers)
        self.writer.check(world)


__all__ = ["Controller", "Load", "Traveller", "Writer"]
