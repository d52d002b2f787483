"""What most tests stand on: an enterprise with an air conditioner, a token, and devices of it."""

import http.client
import json
import os
import re
import secrets
import socket
import urllib.parse

import refusals
from mqtt import Device, frame
from server import ENOUGH_S, wait_until

DATAPOINTS = os.path.join(os.path.dirname(__file__), "../datapoints")

# The document's report of the air conditioner: switch on, cooling, 16 °C, room at -10 °C.
REPORT = bytes.fromhex("000000030b0000910401000010000000")


def status_report(switch=1, mode=0, on_timing=0, off_timing=0, set_temp=16, room_temp=-10, alerts=0, faults=0):
    """Another report of the air conditioner; alerts and faults are their bits."""
    return frame(0x0091, bytes([4, switch | mode << 2, on_timing, off_timing, set_temp, room_temp + 10, alerts, faults]))


UNKNOWN_ID = "0123456789abcdef" * 2  # well made, and nobody's


def hex_id():
    return secrets.token_hex(16)


def definition(name, product_key):
    with open(os.path.join(DATAPOINTS, name + ".json"), encoding="utf-8") as f:
        return {**json.load(f), "product_key": product_key}


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body
        if self.status >= 400 and body.startswith(b'{"error_message"'):
            refusals.met(self.json["error_code"], self.status, self.json["error_message"])

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """(status, error_code) of an error answer, whose shape is checked."""
        content = self.json
        assert set(content) == {"error_message", "error_code", "detail_message"}, content
        assert isinstance(content["error_message"], str) and isinstance(content["error_code"], int)
        assert content["detail_message"] is None or isinstance(content["detail_message"], str)
        assert self.headers["Content-Type"] == "application/json; charset=utf-8"
        return self.status, content["error_code"]


def request(address, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(*address, timeout=ENOUGH_S)
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = Answer(response, response.read())
    connection.close()
    return answer


def query(**parameters):
    return urllib.parse.urlencode({k: v for k, v in parameters.items() if v is not None})


class World:
    """An enterprise and a product on a server; more of either on demand."""

    def __init__(self, server, datapoint="air-conditioner", **product):
        self.server = server
        self.enterprise_id, self.enterprise_secret = hex_id(), hex_id()
        self.product_key, self.product_secret = hex_id(), hex_id()
        server.apply({
            "enterprises": [{"enterprise_id": self.enterprise_id, "enterprise_secret": self.enterprise_secret,
                             "name": "Test enterprise", "hourly_quota": 1000000,
                             "product_keys": [self.product_key]}],
            "products": [{"product_key": self.product_key, "product_secret": self.product_secret,
                          "name": "Test product", "remote_control": True,
                          "datapoint": definition(datapoint, self.product_key) if datapoint else None, **product}],
        })
        self._token = None

    # --- the enterprise side ---
    def take_token(self, **changed):
        return request(self.server.http, "POST", f"/v1/products/{self.product_key}/access_token",
                       {"enterprise_id": self.enterprise_id, "enterprise_secret": self.enterprise_secret,
                        "product_secret": self.product_secret, **changed})

    @property
    def token(self):
        if not self._token:
            answer = self.take_token()
            assert answer.status == 201, answer.body
            self._token = answer.json["token"]
        return self._token

    @property
    def headers(self):
        return {"Authorization": f"token {self.token}"}

    def path(self, path, **parameters):
        """Of a call under /v1/products/<product key>/."""
        q = query(**parameters)
        return f"/v1/products/{self.product_key}/{path}" + (f"?{q}" if q else "")

    def call(self, method, path, body=None, **parameters):
        return request(self.server.http, method, self.path(path, **parameters), body, self.headers)

    def get(self, path, **parameters):
        return self.call("GET", path, **parameters)

    def follow(self, link):
        """What a link of an answer's `meta` leads to."""
        assert link.startswith("/v1/"), link
        return request(self.server.http, "GET", link, headers=self.headers)

    # --- the operator's side ---
    def configure(self, **changed):
        """Changes the enterprise."""
        self.server.apply({"enterprises": [{"enterprise_id": self.enterprise_id, **changed}]})

    def configure_product(self, *options, **changed):
        return self.server.apply({"products": [{"product_key": self.product_key, **changed}]}, *options)

    def import_devices(self, *devices):
        self.server.apply({"devices": [{"product_key": self.product_key, **device} for device in devices]})

    def online_log_once_ended(self, did):
        """The records of the online log, newest first, as soon as the newest is an end."""
        def ended():
            rows = self.get(f"devices/{did}/online").json["objects"]
            return rows if rows[0]["type"] == "dev_offline" else None
        return wait_until(ended)

    def control(self, did, **body):
        return self.call("POST", f"devices/{did}/control", body)

    # --- the device side ---
    def register(self, mac=None, passcode="123456", product_key=None):
        """(did, passcode) as the firmware gets it: one request, one answer in one segment."""
        mac = mac or secrets.token_hex(6)
        status, headers, body = device_request(
            self.server.http, "POST", "/dev/devices",
            f"passcode={passcode}&mac={mac}&product_key={product_key or self.product_key}")
        assert status == 201, (status, body)
        assert body.startswith("did=") and len(body) == 26, body
        return body[4:], passcode

    def device(self, mac=None, level=3, registered=None, **options):
        """A device that is logged in and subscribed as the firmware does it."""
        did, passcode = registered or self.register(mac)
        return Device(self.server.mqtt, did, passcode, self.product_key, level).login(**options).subscribe_as_firmware()


def device_request(address, method, path, body="", head=""):
    """(status, header text, body): what one recv of 1024 bytes gives, as the firmware reads it. head: further
    lines, each with its CRLF, as a proxy adds them."""
    with socket.create_connection(address, timeout=ENOUGH_S) as s:
        s.sendall(f"{method} {path} HTTP/1.1\r\nHost:{address[0]}:{address[1]}\r\n"
                  f"Content-Type:application/x-www-form-urlencoded\r\nContent-Length:{len(body)}\r\n{head}\r\n{body}".encode())
        answer = s.recv(1024)
    if not answer:
        raise ConnectionError("closed without an answer")
    head, _, content = answer.partition(b"\r\n\r\n")
    length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    assert length == [len(content)], answer
    status = int(head.split()[1])
    refusal = re.fullmatch("error_code=(\\d+)&error_message=(.+)", content.decode())
    if refusal:
        refusals.met(int(refusal[1]), status, refusal[2])
    return status, head.decode(), content.decode()


__all__ = ["Answer", "Device", "REPORT", "World", "definition", "device_request", "frame", "hex_id", "query", "request",
           "status_report"]
