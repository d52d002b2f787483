"""What GET /openapi.json says, and whether an answer is as it says."""

from world import request


def read(server, **headers):
    answer = request(server.http, "GET", "/openapi.json", headers=headers)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return answer.json


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


# --- what a schema says of a value (the keywords of JSON Schema that the document uses) -----------------------------

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def is_of_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def check_value(document, schema, value, where):
    schema = resolve(document, schema)
    for key, said in schema.items():
        if key == "type":
            names = said if isinstance(said, list) else [said]
            assert any(is_of_type(value, name) for name in names), f"{where}: {value!r} is no {said}"
        elif key == "properties" and isinstance(value, dict):
            for name in value.keys() & said.keys():
                check_value(document, said[name], value[name], f"{where}.{name}")
        elif key == "required" and isinstance(value, dict):
            assert set(said) <= set(value), where
        elif key == "items" and isinstance(value, list):
            for number, item in enumerate(value):
                check_value(document, said, item, f"{where}[{number}]")
        elif key == "enum":
            assert value in said, where
        elif key in ("minimum", "maximum") and isinstance(value, (int, float)):
            assert value >= said if key == "minimum" else value <= said, where
        elif key in ("minProperties", "maxProperties") and isinstance(value, dict):
            assert len(value) >= said if key == "minProperties" else len(value) <= said, where
        elif key == "maxItems" and isinstance(value, list):
            assert len(value) <= said, where
        elif key == "allOf":
            for part in said:
                check_value(document, part, value, where)
        elif key == "oneOf":
            assert sum(matches(document, part, value) for part in said) == 1, where
        else:
            assert key in KEYWORDS, f"{where}: the keyword {key}"


KEYWORDS = {"type", "properties", "required", "items", "enum", "minimum", "maximum", "minProperties", "maxProperties",
            "maxItems", "allOf", "oneOf", "description", "default", "examples"}


def matches(document, schema, value):
    try:
        check_value(document, schema, value, "")
        return True
    except AssertionError:
        return False


def resolve(document, thing):
    while "$ref" in thing:
        assert thing["$ref"].startswith("#/") and set(thing) == {"$ref"}
        reference, thing = thing["$ref"], document
        for step in reference[2:].split("/"):
            assert step in thing, f"{reference} leads nowhere"
            thing = thing[step]
    return thing


# --- what is declared of an answer ------------------------------------------------------------------------------------

def check_answer(document, method, path, answer):
    """A live answer against what is declared for its route and status."""
    response = document["paths"][path][method]["responses"][str(answer.status)]
    media = resolve(document, response)["content"]["application/json"]
    check_value(document, media["schema"], answer.json, path)
    if answer.status >= 400:
        assert str(answer.json["error_code"]) in media["examples"]
    else:
        check_nothing_undeclared(document, media["schema"], answer.json, path)
    for header in response.get("headers", {}):
        assert header in answer.headers or answer.status >= 400, header


def check_nothing_undeclared(document, schema, value, where):
    schema = resolve(document, schema)
    if isinstance(value, dict) and "properties" in schema:
        optional = {"uint_spec", "enum"}  # of points of a kind, which the description explains
        assert set(value) <= set(schema["properties"]) | optional, (where, set(value) - set(schema["properties"]))
        for name in value.keys() & schema["properties"].keys():
            check_nothing_undeclared(document, schema["properties"][name], value[name], f"{where}.{name}")
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            check_nothing_undeclared(document, schema["items"], item, where)
