"""Writes the demo's data into a directory, once: an apply file with secrets made here and now, the
simulator's list of devices, and the definition they follow.

demo.json        what `muster apply` takes
credentials.json what `muster serve --demo-credentials` takes
fleet.csv        mac,passcode of the devices, for `muster sim --fleet`
definition.json  the product's datapoints, for `muster sim --definition`
"""

import json
import os
import random
import secrets
import sys
import time

# Enough of each city that a search by place shows something: (country, region, city, lon, lat, devices).
CITIES = [
    ("China", "Guangdong", "Guangzhou", 113.264385, 23.129112, 7),
    ("China", "Guangdong", "Shenzhen", 114.057868, 22.543099, 5),
    ("China", "Beijing", "Beijing", 116.407526, 39.90403, 4),
    ("China", "Shanghai", "Shanghai", 121.473701, 31.230416, 4),
    ("China", "Zhejiang", "Hangzhou", 120.15507, 30.274084, 3),
    ("China", "Sichuan", "Chengdu", 104.066541, 30.572269, 3),
    ("China", "Hubei", "Wuhan", 114.305393, 30.593099, 2),
    ("China", "Shaanxi", "Xi'an", 108.93977, 34.341574, 2),
]


def write(path, content):
    # The directory holds secrets: whoever reads it can control the demo's devices.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.write(content)


def main(directory):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(root, "test/datapoints/air-conditioner.json"), encoding="utf-8") as f:
        definition = json.load(f)
    product_key = secrets.token_hex(16)
    definition["product_key"] = product_key
    now = int(time.time())
    devices = [
        {"product_key": product_key, "mac": f"5ccf7f{number:06x}", "passcode": secrets.token_hex(5),
         "created_at": now - random.randrange(90 * 86400), "country": country, "region": region, "city": city,
         "longitude": round(lon + random.uniform(-0.1, 0.1), 6), "latitude": round(lat + random.uniform(-0.1, 0.1), 6)}
        for number, (country, region, city, lon, lat) in enumerate(
            (place for *place, count in CITIES for _ in range(count)), 1)
    ]
    appid = secrets.token_hex(16)
    users = [
        {"uid": secrets.token_hex(16), "appid": appid, "username": f"user{number}", "phone": f"1380000{number:04}",
         "created_at": now - random.randrange(90 * 86400), "country": country, "region": region, "city": city}
        for number, (country, region, city, *_) in enumerate(CITIES, 1)
    ]
    product = {"product_key": product_key, "product_secret": secrets.token_hex(16)}
    # Nobody's yet: for the call that associates a product.
    spare = {"product_key": secrets.token_hex(16), "product_secret": secrets.token_hex(16)}
    enterprise = {"enterprise_id": secrets.token_hex(16), "enterprise_secret": secrets.token_hex(16)}
    demo = {
        "enterprises": [{**enterprise, "name": "Demo", "product_keys": [product_key]}],
        "products": [{**product, "name": "Air conditioner", "remote_control": True, "datapoint": definition},
                     {**spare, "name": "Spare product"}],
        "apps": [{"appid": appid, "name": "Demo app", "product_keys": [product_key]}],
        "users": users,
        "devices": devices,
    }
    credentials = {**enterprise, **product, "appid": appid,
                   "calls": {"post_v1_products_product_key_association": spare}}
    os.makedirs(directory, mode=0o700, exist_ok=True)
    write(os.path.join(directory, "definition.json"), json.dumps(definition, ensure_ascii=False, indent=1))
    write(os.path.join(directory, "fleet.csv"), "".join(f"{d['mac']},{d['passcode']}\n" for d in devices))
    write(os.path.join(directory, "demo.json"), json.dumps(demo, ensure_ascii=False, indent=1))
    # Last: its presence says that the demo's data is complete.
    write(os.path.join(directory, "credentials.json"), json.dumps(credentials, indent=1))


if __name__ == "__main__":
    main(sys.argv[1])
