"""Users of a product over some weeks, and every report about them, counted the slow and obvious way."""

import datetime
import random
import zoneinfo

from bulk import import_rows
from clock import at, environment, restart_at
from mqtt import Device
from reportfleet import days_of, period
from server import run
from world import REPORT, World, hex_id, query, request

MOMENTS = ["2026-11-29 10:00", "2026-11-30 23:50", "2026-12-01 00:00:02", "2026-12-20 08:00", "2026-12-27 23:50",
           "2026-12-28 00:00:02", "2026-12-31 23:50", "2027-01-01 00:00:02", "2027-01-04 12:00"]
DAY = datetime.timedelta(1)
PLACES = [("China", "Guangdong", "Guangzhou"), ("China", "Guangdong", "Shenzhen"), ("China", "Beijing", "Beijing"),
          ("China", "Beijing", None), ("中国", "广东", "广州"), ("China", None, None), ("Jiangsu", "Jiangsu", "Jiangsu"),
          (None, None, None)]


class People:
    """Sixty devices, forty users of two apps, and some weeks in which they are bound, unbound and used."""

    def __init__(self, make_server, seed=20, zone="Asia/Shanghai", moments=MOMENTS):
        chance = random.Random(seed)
        self.zone = zoneinfo.ZoneInfo(zone)
        self.moments = [at(moment, self.zone) for moment in moments]
        self.today = self.day_of(self.moments[-1])
        self.server = make_server("--time-zone", zone, env=environment(self.moments[0]))
        self.world = World(self.server)
        self.foreign = World(self.server)
        self.apps = [hex_id(), hex_id(), hex_id()]
        self.users = [{"uid": hex_id(), "app": chance.choice(self.apps[:2]), "place": chance.choice(PLACES), "disabled": False}
                      for _ in range(40)]
        strangers = [{"uid": hex_id(), "app": self.apps[2], "place": PLACES[0]} for _ in range(5)]
        self.server.apply({
            "apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}
                     for appid, world in zip(self.apps, (self.world, self.world, self.foreign), strict=True)],
            "users": [{"uid": user["uid"], "appid": user["app"], **dict(zip(("country", "region", "city"), user["place"]))}
                      for user in self.users + strangers]})
        self.devices = []
        for number in range(60):
            did, passcode = self.world.register(mac=f"mac{number}")
            self.devices.append({"did": did, "mac": f"mac{number}", "passcode": passcode, "active": set(), "disabled": False,
                                 "groups": set()})
        self.bindings = []
        for moment in self.moments:
            restart_at(self.server, moment, kill=chance.random() < 0.5)
            self.world._token = None
            self.live(chance, self.day_of(moment))
        self.make_groups(chance)
        for device in chance.sample(self.devices, 8):
            device["disabled"] = True
        self.world.import_devices(*[{"did": device["did"], "mac": device["mac"], "is_disabled": True}
                                    for device in self.devices if device["disabled"]])

    def day_of(self, unix_s):
        return datetime.datetime.fromtimestamp(unix_s, self.zone).date()

    def live(self, chance, day):
        for _ in range(14):
            user, device = chance.choice(self.users), chance.choice(self.devices)
            now = next((b for b in self.bindings if b["user"] is user and b["device"] is device and not b["until"]), None)
            if not now:
                self.bindings.append({"user": user, "device": device, "since": day, "until": None})
                self.change("POST", user, device, 201)
        for binding in chance.sample([b for b in self.bindings if not b["until"]], 6):
            binding["until"] = day
            self.change("DELETE", binding["user"], binding["device"], 200)
        for device in chance.sample(self.devices, 15):
            connection = Device(self.server.mqtt, device["did"], device["passcode"], self.world.product_key, 4).login()
            if chance.random() < 0.8:
                connection.report(REPORT, qos=1)
                device["active"].add(day)
            connection.disconnect()

    def change(self, method, user, device, status):
        answer = self.world.call(method, "devices/bindings",
                                 {"uid": user["uid"], "appid": user["app"], "dids": [device["did"]]})
        assert (answer.status, answer.json["success"]) == (status, [device["did"]])

    def make_groups(self, chance):
        root = self.world.call("POST", "device_groups", {}).json["gid"]
        child = self.world.call("POST", "device_groups", {"parent_gid": root}).json["gid"]
        self.groups = [root, child]
        self.foreign_group = self.foreign.call("POST", "device_groups", {}).json["gid"]
        for gid, groups in ((root, {root}), (child, {root, child})):
            chosen = chance.sample([device for device in self.devices if not device["groups"]], 20)
            self.world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": [d["mac"] for d in chosen]})
            for device in chosen:
                device["groups"] |= groups

    # --- what an operator does ---
    def operate(self, verb, kind, *ids):
        done = run(verb, "--data", self.server.data, kind, *ids)
        assert done.returncode == 0, done.stderr

    def import_past_bindings(self, chance):
        """Of users and devices that were never bound to each other, begun in the past and perhaps over."""
        known = {(b["user"]["uid"], b["device"]["did"]) for b in self.bindings}
        rows = []
        for user, device in zip(chance.sample(self.users, 12), chance.sample(self.devices, 12)):
            if (user["uid"], device["did"]) not in known:
                since = chance.randrange(self.moments[0], self.moments[-1])
                until = chance.choice([None, chance.randrange(since, self.moments[-1])])
                rows.append({"uid": user["uid"], "did": device["did"], "since": since, "until": until or ""})
                self.bindings.append({"user": user, "device": device, "since": self.day_of(since),
                                      "until": until and self.day_of(until)})
        import_rows(self.server.data, "bindings", rows)

    def disable_users(self, chance):
        for user in chance.sample(self.users, 8):
            user["disabled"] = not user["disabled"]
            self.operate("disable" if user["disabled"] else "enable", "user", user["uid"])

    def delete_users(self, chance):
        for user in chance.sample(self.users, 3):
            self.users.remove(user)
            user["disabled"] = True
            self.operate("delete", "user", user["uid"], "--unbind")

    def delete_devices(self, chance):
        """That someone was bound to them stays, of the product."""
        for device in chance.sample(self.devices, 6):
            self.devices.remove(device)
            device.update(disabled=True, groups=set())
            self.operate("delete", "device", device["did"], "--unbind")

    # --- the model ---
    def first_days(self, gid=None):
        """The day of each user's first binding."""
        first = {}
        for binding in self.bindings:
            if not binding["user"]["disabled"] and (gid is None or gid in binding["device"]["groups"]):
                uid = binding["user"]["uid"]
                first[uid] = min(first.get(uid, self.today), binding["since"])
        return first

    def active(self, day, app=None):
        return len({b["user"]["uid"] for b in self.bindings if b["since"] <= day <= (b["until"] or day)
                    and day in b["device"]["active"] and not b["device"]["disabled"] and not b["user"]["disabled"]
                    and app in (None, b["user"]["app"])})

    def ask(self, call, headers=None, **parameters):
        """A call with the enterprise's headers."""
        parameters = {"product_key": self.world.product_key, **parameters}
        return request(self.server.http, "GET", f"/v1/users/{call}?{query(**parameters)}", headers=headers or {
            "X-Gizwits-Enterprise-ID": self.world.enterprise_id, "X-Gizwits-Enterprise-Secret": self.world.enterprise_secret})

    def liveness(self, start, end, **parameters):
        answer = self.ask("liveness_total", start_date=start.isoformat(), end_date=end.isoformat(), **parameters)
        assert answer.status == 200, answer.body
        return answer.json

    def get(self, path, **parameters):
        answer = self.world.get(path, **parameters)
        assert answer.status == 200, answer.body
        return answer.json

    def new(self, cycle, start, end, gid=None):
        first = self.first_days(gid)
        periods = {period(cycle, day): days_of(cycle, day) for day in days_between(start, end)}
        return {"start": period(cycle, start), "end": period(cycle, end), "cycle": cycle, "gid": gid,
                "data": [{cycle: text, "count": sum(day in days for day in first.values())} for text, days in periods.items()]}

    def active_by_day(self, start, end, app=None):
        return {"data": [{"date": day.isoformat(), "count": self.active(day, app)} for day in days_between(start, end)]}

    def check_everything(self):
        start = self.today - 60 * DAY
        for gid in (None, *self.groups):
            assert self.get("users/report/total", gid=gid) == {"gid": gid, "total": len(self.first_days(gid))}
            for cycle in ("date", "week", "month"):
                asked = {"start": period(cycle, start), "end": period(cycle, self.today), "cycle": cycle, "gid": gid}
                assert self.get("users/report/new", **asked) == self.new(cycle, start, self.today, gid), asked
        for app in (None, *self.apps[:2]):
            assert self.liveness(start, self.today, appid=app) == self.active_by_day(start, self.today, app)
        assert self.ask("location").json == located([user["place"] for user in self.users if not user["disabled"]])


def located(users):
    """{name: {count, {name: …}}}, by the first of the place's names."""
    found = {}
    for name in {place[0] for place in users if place and place[0]}:
        inside = [place[1:] for place in users if place and place[0] == name]
        found[name] = {"count": len(inside), **located(inside)}
    return found


def days_between(start, end):
    return [start + n * DAY for n in range((end - start).days + 1)]
