"""Writes corpus/api: a good request for each operation of openapi.yaml, of the API story's requests
and of the description's examples. Run when there are new operations: tests/fuzz/api_corpus.py
"""
import json
import pathlib
import re
import sys
import urllib.parse

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flow"))
from api_flow import GOOD  # noqa: E402

NAMES = {"device": "m1", "meter": "m1", "part": "camera", "user": "north", "product": "P1",
         "sink": "webhook.a"}


def text_of(value):
    """A body's bytes; what a story makes before is 1 here."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):  # a file
        return b"\xff\xd8\xff\xe0\x00\x02\xff\xd9"
    return re.sub(r'"\{\w+\}"', "1", json.dumps(value)).encode() if value is not None else b""


def examples(operation):
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "example" in content:
            yield content["example"]
        for one in content.get("examples", {}).values():
            yield one["value"]


def write(name, method, url, headers, body):
    text = f"{method} {url}\n{headers}\n".encode() + body
    (HERE / "corpus" / "api" / name).write_bytes(text)


def main():
    document = yaml.safe_load((HERE.parents[1] / "server/api/openapi.yaml").read_text())
    (HERE / "corpus" / "api").mkdir(exist_ok=True)
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            operation = item.get(method)
            if operation is None:
                continue
            name = operation["operationId"]
            names, query, body = GOOD.get(name, ({}, None, None))
            url = "/api/v1" + path
            for one in re.findall(r"\{(\w+)\}", path):
                value = str(names.get(one, NAMES.get(one, "1")))
                url = url.replace("{" + one + "}", NAMES.get(one, "1") if "{" in value else value)
            asked = {key: 1 if "{" in str(value) else value for key, value in (query or {}).items()}
            if asked:
                url += "?" + urllib.parse.urlencode(asked)
            write(name, method.upper(), url, "", text_of(body))
            if method == "get":
                write(name + "_limited", "GET", url, "~", b"")
            for number, example in enumerate(examples(operation), 1):
                if example != body:
                    write(f"{name}_{number}", method.upper(), url, '"1"', text_of(example))


if __name__ == "__main__":
    main()
