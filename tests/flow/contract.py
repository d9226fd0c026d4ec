"""openapi.yaml as a judge: which answer a path may give, and which bodies a request may have."""
import http.client
import json
import urllib.parse

import jsonschema
import yaml


class Contract:
    """The description that a running server serves; calls are checked against it and counted."""

    def __init__(self, port):
        self.port = port
        status, _, text = self.send("GET", "/openapi.yaml")
        assert status == 200, status
        self.document = yaml.safe_load(text)
        self.seen = {}  # (method, path): the statuses that were answered

    def operations(self):
        """(method, path, operation) of all that is described."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in ("get", "post", "put", "patch", "delete"):
                    yield method.upper(), path, operation

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for name in node["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            node = target
        return node

    def parameters(self, path, operation):
        item = self.document["paths"][path]
        return [self.resolve(one)
                for one in item.get("parameters", []) + operation.get("parameters", [])]

    def errors(self, schema, value):
        """What is wrong with a value, in words; empty: it fits."""
        whole = {"components": self.document["components"], "allOf": [schema]}
        return [error.message for error in
                jsonschema.Draft202012Validator(whole).iter_errors(value)]

    def body_schema(self, operation):
        body = self.resolve(operation.get("requestBody", {}))
        return body.get("content", {}).get("application/json", {}).get("schema")

    def send(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, "/api/v1" + path, body=body, headers=headers or {})
            answer = connection.getresponse()
            kind = (answer.headers["Content-Type"] or "").split(";")[0]
            return answer.status, kind, answer.read()
        finally:
            connection.close()

    def call(self, method, path, names=None, query=None, body=None, headers=None):
        """Sends a request; (status, body). An answer that is not described is an AssertionError."""
        url = path
        for name, value in (names or {}).items():
            url = url.replace("{" + name + "}", str(value))
        if query:
            url += "?" + (query if isinstance(query, str) else urllib.parse.urlencode(query))
        raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        status, kind, content = self.send(method, url, raw, headers)
        where = f"{method} {url[:200]} {(raw or b'')[:200]}: {status} {content[:300]}"
        self.seen.setdefault((method, path), set()).add(status)
        return status, self.judged(method, path, status, kind, content, where)

    def judged(self, method, path, status, kind, content, where):
        operation = self.document["paths"][path][method.lower()]
        answers = operation["responses"]
        answer = answers.get(str(status))
        if answer is None and status >= 400:
            answer = answers.get("default")
        assert answer is not None, f"not described: {where}"
        described = self.resolve(answer).get("content")
        if described is None:
            assert not content, f"a body that is not described: {where}"
            return None
        assert kind in described, f"of the type {kind}: {where}"
        if kind != "application/json":
            return content
        value = json.loads(content)
        wrong = self.errors(described[kind].get("schema", {}), value)
        assert not wrong, f"{wrong}: {where}"
        return value
