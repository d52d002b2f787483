"""Gives the running demo, by its API and once, what no device brings along: a group, and users who own devices.

usage: fill_demo.py HTTP-ADDRESS DIRECTORY
"""

import json
import os
import sys
import urllib.parse
import urllib.request


def main(address, directory):
    def read(name):
        with open(os.path.join(directory, name), encoding="utf-8") as f:
            return json.load(f)

    credentials, users = read("credentials.json"), read("demo.json")["users"]
    product = f"http://{address}/v1/products/{credentials['product_key']}/"
    headers = {}

    def call(method, path, body=None):
        request = urllib.request.Request(product + path, json.dumps(body).encode() if body else None, headers,
                                         method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    headers["Authorization"] = "token " + call("POST", "access_token", credentials)["token"]
    if call("GET", "device_groups"):
        return
    for user in users:
        there = urllib.parse.urlencode({"city": user["city"]})
        dids = [device["did"] for device in call("GET", f"devices/search?{there}")["objects"]]
        call("POST", "devices/bindings", {"uid": user["uid"], "appid": user["appid"], "dids": dids})
    call("POST", "device_groups")
    gid, = call("GET", "device_groups")
    macs = [device["mac"] for device in call("GET", "devices/search?region=Guangdong")["objects"]]
    call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": macs})


if __name__ == "__main__":
    main(*sys.argv[1:])
