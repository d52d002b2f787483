"""Writes a small database in MaxMind's format (version 2.0 of its specification): a search tree over
address bits, a data section, and metadata behind a marker."""

import ipaddress
import struct

UTF8, DOUBLE, UINT16, UINT32, MAP = 2, 3, 5, 6, 7
UINT64, ARRAY = 9, 11  # extended types: 7 + the number in a byte of their own

MARKER = b"\xab\xcd\xefMaxMind.com"
NODE_BYTES = 6  # two records of 24 bits
SEPARATOR = bytes(16)


def control(kind, size):
    assert size < 285
    first = kind << 5 if kind <= 7 else 0
    extended = b"" if kind <= 7 else bytes([kind - 7])
    return bytes([first | min(size, 29)]) + extended + (b"" if size < 29 else bytes([size - 29]))


def unsigned(kind, value):
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(kind, len(data)) + data


def encode(value):
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        data = value.encode()
        return control(UTF8, len(data)) + data
    if isinstance(value, float):
        return control(DOUBLE, 8) + struct.pack(">d", value)
    kind, number = value
    return unsigned(kind, number)


def bits(network, ip_version):
    number, length = int(network.network_address), network.prefixlen
    if ip_version == 6 and network.version == 4:
        length += 96  # IPv4 stands in ::/96
    width = 128 if ip_version == 6 else 32
    return [number >> (width - 1 - n) & 1 for n in range(length)]


def write(path, places, ip_version=6):
    """places: network as text → the record (nested dicts, texts and floats)."""
    nodes, data = [[None, None]], b""
    for network, record in places.items():
        at, way = 0, bits(ipaddress.ip_network(network), ip_version)
        for bit in way[:-1]:
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
        nodes[at][way[-1]] = ("data", len(data))
        data += encode(record)

    def pointer(entry):
        if entry is None:
            return len(nodes)  # nothing is known
        return entry if isinstance(entry, int) else len(nodes) + len(SEPARATOR) + entry[1]

    tree = b"".join(pointer(entry).to_bytes(NODE_BYTES // 2, "big") for node in nodes for entry in node)
    metadata = encode({
        "node_count": (UINT32, len(nodes)), "record_size": (UINT16, 24), "ip_version": (UINT16, ip_version),
        "database_type": "Test-City", "languages": ["en", "zh-CN"], "binary_format_major_version": (UINT16, 2),
        "binary_format_minor_version": (UINT16, 0), "build_epoch": (UINT64, 1700000000), "description": {"en": "Test"},
    })
    path.write_bytes(tree + SEPARATOR + data + MARKER + metadata)


def city(country, region, city_name, longitude=None, latitude=None):
    """A record as city databases have it; names in two languages."""
    def names(name):
        return {"names": {"zh-CN": "中文", "en": name}}

    record = {"country": {"iso_code": "XX", **names(country)}}
    if region:
        record["subdivisions"] = [{"iso_code": "YY", **names(region)}]
    if city_name:
        record["city"] = names(city_name)
    if longitude is not None:
        record["location"] = {"latitude": latitude, "longitude": longitude, "time_zone": "Asia/Shanghai"}
    return record
