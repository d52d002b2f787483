"""A fleet with a history of some weeks, and every report about it, counted the slow and obvious way."""

import calendar
import datetime
import random
import zoneinfo

from clock import at, environment, restart_at
from mqtt import Device
from server import wait_until
from world import World, status_report

DID_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PLACES = [("China", "Guangdong", "Guangzhou"), ("China", "Guangdong", "Shenzhen"), ("China", "Beijing", "Beijing"),
          ("中国", "广东", "广州"), ("China", "Fujian", "Suzhou"), ("China", "Jiangsu", "Suzhou"), ("China", "Jiangsu", None),
          ("China", None, None), ("France", "Île-de-France", "Paris & \"more\""), (None, None, None)]
# What the server's clock shows when the devices come: around the new year, whose week is the 53rd, at both
# ends of days, on the first days within the last 7 and 30 and the days before those. The last one is the day
# on which the reports are asked for.
MOMENTS = ["2026-11-03 09:00", "2026-11-30 23:50", "2026-12-01 00:00:02", "2026-12-06 12:00", "2026-12-07 08:00",
           "2026-12-20 22:00", "2026-12-27 23:55", "2026-12-28 00:00:01", "2026-12-29 12:00", "2026-12-30 12:00",
           "2026-12-31 23:30", "2027-01-01 00:00:01", "2027-01-03 18:00", "2027-01-04 03:00", "2027-01-05 11:00"]
TODAY = datetime.date(2027, 1, 5)
DAY = datetime.timedelta(1)
HISTORIES = {"activation": "devices/report/activation", "activity": "devices/report/liveness/history"}
ROWS = ["incr_devices", "active_devices"]
POINTS = {"alert": ["alert_full", "alert_shutdown"], "fault": ["fault_roomtemp"]}  # by their bits


class ReportFleet:
    """count devices, of which some log in at each of the moments. Every other time the server is killed in between."""

    def __init__(self, make_server, seed=14, count=250, zone="Asia/Shanghai", moments=MOMENTS):
        chance = random.Random(seed)
        self.zone = zoneinfo.ZoneInfo(zone)
        self.moments = [at(moment, self.zone) for moment in moments]
        self.today = self.day_of(self.moments[-1])
        self.server = make_server("--time-zone", zone, env=environment(self.moments[0]))
        self.world = World(self.server)
        self.devices = [self.invent(chance, number) for number in range(count)]
        self.import_devices("mac", "did", "passcode", "type", "device_sn", "created_at", "country", "region", "city")
        self.make_groups(chance)
        for moment in self.moments:
            restart_at(self.server, moment, kill=chance.random() < 0.5)
            self.world._token = None  # it lives for a week
            self.live(chance, self.day_of(moment))
        self.change(chance)

    def day_of(self, unix_s):
        return datetime.datetime.fromtimestamp(unix_s, self.zone).date()

    def invent(self, chance, number):
        country, region, city = chance.choice(PLACES)
        bluetooth = chance.random() < 0.1
        return {"mac": f"mac{number:03}", "did": "".join(chance.choices(DID_LETTERS, k=22)), "passcode": f"pass{number}",
                "type": "bluetooth" if bluetooth else "normal", "device_sn": f"sn{number}" if bluetooth else None,
                "created_at": self.moments[0] - 1 - chance.randrange(30 * 86400), "country": country, "region": region,
                "city": city, "is_disabled": False, "groups": set(), "activated": None, "active": set(), "online": False,
                "bits": {}, "events": []}

    def import_devices(self, *fields):
        self.world.import_devices(*[{field: device[field] for field in fields if device[field] is not None or field == "city"}
                                    for device in self.devices])

    def make_groups(self, chance):
        parents = {"root": None, "north": "root", "south": "root", "harbour": "south", "empty": "root"}
        self.groups = {}
        for name, parent in parents.items():
            body = {"parent_gid": self.groups[parent]} if parent else {}
            self.groups[name] = self.world.call("POST", "device_groups", body).json["gid"]
        for device in self.devices:
            name = chance.choice([None, None, "root", "north", "south", "harbour"])
            device["group"] = name
            while name:
                device["groups"].add(self.groups[name])
                name = parents[name]
        for name, gid in self.groups.items():
            macs = [device["mac"] for device in self.devices if device["group"] == name]
            if macs:
                assert self.world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": macs}).status == 200

    def live(self, chance, day):
        """Some devices log in, most of those report, some leave again."""
        connections = []
        for device in chance.sample(self.devices, 20 + len(self.devices) // 10):
            connection = Device(self.server.mqtt, device["did"], device["passcode"], self.world.product_key, 4).login()
            device["activated"] = device["activated"] or day
            for _ in range(chance.choice([0, 1, 1, 2])):
                self.report(chance, device, connection, day)
            connections.append((device, connection))
        for device in self.devices:
            device["online"] = False
        for device, connection in connections:
            if chance.random() < 0.3:
                connection.disconnect()
            else:
                device["online"] = True
        self.connections = connections  # or they would be closed
        online = sum(device["online"] for device in self.devices)
        wait_until(lambda: self.get("devices/search", is_online=1)["meta"]["total"] == online)

    def report(self, chance, device, connection, day):
        said = {"alert": chance.choice([0, 0, 1, 2, 3]), "fault": chance.choice([0, 0, 1])}
        connection.report(status_report(alerts=said["alert"], faults=said["fault"]), qos=1)
        device["active"].add(day)
        for kind, names in POINTS.items():
            for bit, name in enumerate(names):
                before, now = device["bits"].get(name, 0), said[kind] >> bit & 1
                if now and not before:
                    device["events"].append({"kind": kind, "point": name, "open": True})
                elif before and not now:
                    next(e for e in device["events"] if e["point"] == name and e["open"])["open"] = False
                device["bits"][name] = now

    def change(self, chance):
        """Places and disabled marks are those of today."""
        for device in chance.sample(self.devices, len(self.devices) // 6):
            device["country"], device["region"], device["city"] = "China", "Guangdong", "Zhuhai"
        for device in chance.sample(self.devices, len(self.devices) // 8):
            device["is_disabled"], device["online"] = True, False
        changed = [device for device in self.devices if device["is_disabled"] or device["city"] == "Zhuhai"]
        self.world.import_devices(*[{field: device[field] for field in ("mac", "did", "passcode", "country", "region", "city",
                                                                        "is_disabled")} for device in changed])
        online = sum(device["online"] for device in self.devices)
        wait_until(lambda: self.world.get("devices/search", is_online=1, show_disabled=1).json["meta"]["total"] == online)

    # --- the model ---
    def chosen(self, gid=None, country=None, region=None, city=None, **_):
        return [device for device in self.devices if not device["is_disabled"]
                and (gid is None or gid in device["groups"])
                and all(wanted is None or device[name] == wanted
                        for name, wanted in (("country", country), ("region", region), ("city", city)))]

    def open(self, device, kind):
        return any(event["kind"] == kind and event["open"] for event in device["events"])

    def located(self, devices, say, leaf=None):
        """The `location` of these devices; say(devices) is what a place says of those in it."""
        def inside(devices, levels):
            found = {}
            for name in sorted({device[levels[0]] for device in devices} - {None}):
                here = [device for device in devices if device[levels[0]] == name]
                if leaf and len(levels) == 1:
                    found[name] = leaf(here)
                else:
                    found[name] = {**say(here), **(inside(here, levels[1:]) if len(levels) > 1 else {})}
            return found
        return inside(devices, ["country", "region", "city"])

    def periods(self, cycle, start, end):
        """[(text, its days)] of the periods from one day to another."""
        found = {}
        day = start
        while day <= end:
            text = period(cycle, day)
            found.setdefault(text, days_of(cycle, day))
            day += DAY
        return list(found.items())

    def locations(self, gid=None, is_online=None, is_faulty=None, is_alert=None):
        devices = [device for device in self.chosen(gid=gid) if all(
            wanted is None or state == (wanted in (1, "true")) for wanted, state in (
                (is_online, device["online"]), (is_faulty, self.open(device, "fault")), (is_alert, self.open(device, "alert"))))]
        return {"gid": gid, "total": len(devices), "location": self.located(devices, count, leaf=len)}

    def realtime(self, gid=None):
        def say(devices):
            return {"count": {"activated": sum(device["activated"] is not None for device in devices),
                              "faulty": sum(self.open(device, "fault") for device in devices),
                              "alert": sum(self.open(device, "alert") for device in devices)}}

        # A place where nothing is counted is not there.
        counted = [device for device in self.chosen(gid=gid) if device["activated"]]
        return {**say(counted), "gid": gid, "location": self.located(counted, say)}

    def last(self, days, back=0):
        """The days that end with today, or so many days before."""
        return {self.today - (back + n) * DAY for n in range(days)}

    def summary(self):
        def active(days):
            return sum(bool(device["active"] & days) for device in self.chosen())

        def new(days):
            return sum(device["activated"] in days for device in self.chosen())

        return {"active": {"7_day": active(self.last(7)), "yesterday": active(self.last(1, back=1))},
                "new": {"today": new(self.last(1)), "yesterday": new(self.last(1, back=1)), "7_day": new(self.last(7)),
                        "30_day": new(self.last(30))},
                "total": sum(device["activated"] is not None for device in self.chosen()),
                "online": sum(device["online"] for device in self.chosen())}

    def liveness(self, gid=None):
        def active(days):
            return sum(bool(device["active"] & days) for device in self.chosen(gid=gid))

        return {"gid": gid, "latest_1": active(self.last(1, back=1)), "latest_7": active(self.last(7)),
                "latest_30": active(self.last(30))}

    def had_events(self, kind, gid):
        return [device for device in self.chosen(gid=gid) if any(event["kind"] == kind for event in device["events"])]

    def eventful_devices(self, kind, gid=None):
        def say(devices):
            return {"count": counts(len(devices), sum(not self.open(device, kind) for device in devices))}

        devices = self.had_events(kind, gid)
        return {**say(devices), "gid": gid, "location": self.located(devices, say)}

    def events(self, kind, gid=None):
        def say(devices):
            events = [event for device in devices for event in device["events"] if event["kind"] == kind]
            detail = {}
            for name in {event["point"] for event in events}:
                mine = [event for event in events if event["point"] == name]
                detail[name] = counts(len(mine), sum(not event["open"] for event in mine))
            return {"count": counts(len(events), sum(not event["open"] for event in events)), "detail": detail}

        devices = self.had_events(kind, gid)
        return {**say(devices), "gid": gid, "location": self.located(devices, say)}

    def history(self, what, cycle, start, end, gid=None):
        rows = []
        for text, days in self.periods(cycle, start, end):
            devices = [device for device in self.chosen(gid=gid) if
                       (device["activated"] in days if what == "activation" else device["active"] & days)]
            rows.append({cycle: text, "count": len(devices), "location": self.located(devices, count)})
        return {"start": period(cycle, start), "end": period(cycle, end), "cycle": cycle, "gid": gid, "data": rows}

    def rows(self, call, start, end, **places):
        rows = []
        for device in self.chosen(**places):
            days = {device["activated"]} if call == "incr_devices" else device["active"]
            for day in days - {None}:
                if start <= day <= end:
                    rows.append((day, device))
        rows.sort(key=lambda row: (-row[0].toordinal(), row[1]["mac"]))
        return [self.row(day, device) for day, device in rows]

    def row(self, day, device):
        created = datetime.datetime.fromtimestamp(device["created_at"], self.zone).strftime("%Y-%m-%d %H:%M:%S")
        name = {"device_sn": device["device_sn"]} if device["type"] == "bluetooth" else {"mac": device["mac"]}
        return {"report_date": day.isoformat(), "created_at": created, "product_key": self.world.product_key, **name,
                **{field: device[field] for field in ("country", "region", "city")}}

    def get(self, path, **parameters):
        answer = self.world.get(path, **parameters)
        assert answer.status == 200, answer.body
        return answer.json

    def expectations(self):
        """(call, parameters, expected answer): every report, in all its ways."""
        yield "devices/summary", {}, self.summary()
        yield "summary", {}, self.summary()
        for gid in (None, *self.groups.values()):
            yield "devices/report/liveness", {"gid": gid}, self.liveness(gid)
            for call in ("devices/report/rt", "devices/report/devices/report/rt"):
                yield call, {"gid": gid}, self.realtime(gid)
            for states in ({}, {"is_online": 1}, {"is_faulty": 1, "is_online": 0}, {"is_alert": 0}):
                yield "devices/locations", {"gid": gid, **states}, self.locations(gid, **states)
            for kind in POINTS:
                yield f"{kind}/report/devices", {"gid": gid}, self.eventful_devices(kind, gid)
                yield f"{kind}/report/events", {"gid": gid}, self.events(kind, gid)
            yield "fault/alert/events", {"gid": gid}, self.events("alert", gid)
            for what, call in HISTORIES.items():
                for cycle, back in (("date", 29), ("week", 200), ("month", 300)):
                    start = self.today - back * DAY
                    asked = {"cycle": cycle, "start": period(cycle, start), "end": period(cycle, self.today), "gid": gid}
                    yield call, asked, self.history(what, cycle, start, self.today, gid)
        for call in ROWS:
            for place in ({}, {"country": "China"}, {"region": "Jiangsu", "city": "Suzhou"}, {"city": "广州"}):
                rows = self.rows(call, self.today - 300 * DAY, self.today, **place)
                meta = {"total": len(rows), "limit": 1000, "skip": 0, "previous": None, "next": None}
                yield (call, {"start": (self.today - 300 * DAY).isoformat(), "limit": 1000, **place},
                       {"meta": meta, "objects": rows})

    def check_everything(self):
        for call, parameters, expected in self.expectations():
            assert self.get(call, **parameters) == expected, (call, parameters)


def count(devices):
    return {"count": len(devices)}


def counts(total, resolved):
    return {"total": total, "resolved": resolved, "unresolved": total - resolved}


def period(cycle, day):
    return day.strftime({"date": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}[cycle])


def days_of(cycle, day):
    """All days of the period that the day is in."""
    if cycle == "date":
        return {day}
    if cycle == "week":
        monday = day - day.weekday() * DAY
        return {monday + n * DAY for n in range(7)}
    return {day.replace(day=n + 1) for n in range(calendar.monthrange(day.year, day.month)[1])}
