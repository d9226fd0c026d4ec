"""An S3 store for the tests, in memory: judges every signature (AWS Signature Version 4) and the
hash of what is put, knows conditions, and plays the faults that it is told to."""
import hashlib
import hmac
import http.server
import threading

FAULTS = ("500", "503", "hang", "cut", "wrong", "forget")


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3StandIn:
    """`with S3StandIn() as store:` listens on loopback. Its objects are in `objects`, by path."""

    def __init__(self, key="testkey", secret="testsecret", region="us-east-1"):
        self.key, self.secret, self.region = key, secret, region
        self.objects = {}
        self.requests = []      # (method, path, status)
        self.faults = []        # (method, fault): each is played once, the first that fits
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.port = 0
        self.server = None
        self.start()

    def start(self):
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do(self):
                stand_in.answer(self)

            do_GET = do_HEAD = do_PUT = do_DELETE = do

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.ending.clear()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Away: nothing listens any more; the objects stay."""
        if self.server is None:
            return
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
        self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def play(self, method, *faults):
        assert all(fault in FAULTS for fault in faults), faults
        with self.lock:
            self.faults += [(method, fault) for fault in faults]

    def fault_for(self, method):
        with self.lock:
            for one in self.faults:
                if one[0] == method:
                    self.faults.remove(one)
                    return one[1]
        return ""

    def count(self, method, status=None):
        with self.lock:
            return sum(1 for m, _, s in self.requests if m == method and status in (None, s))

    def why_refused(self, request, body):
        """The error's code, or nothing when the signature and the hash are right."""
        head = request.headers
        kind, _, rest = head.get("Authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if kind != "AWS4-HMAC-SHA256" or "Credential" not in parts:
            return "AccessDenied"
        key, day, region, service, end = parts["Credential"].split("/")
        if key != self.key:
            return "InvalidAccessKeyId"
        names = parts["SignedHeaders"].split(";")
        if "host" not in names or "x-amz-date" not in names:
            return "AccessDenied"
        if any(name.startswith("x-amz-") and name not in names for name in map(str.lower, head)):
            return "AccessDenied"
        payload = head.get("x-amz-content-sha256", "")
        if payload != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        path, _, query = request.path.partition("?")
        lines = [request.command, path, query]
        lines += [f"{name}:{' '.join(head.get(name, '').split())}" for name in names]
        canonical = "\n".join(lines + ["", parts["SignedHeaders"], payload])
        scope = f"{day}/{region}/{service}/{end}"
        text = "\n".join([kind, head["x-amz-date"], scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        signing = ("AWS4" + self.secret).encode()
        for part in (day, self.region, "s3", "aws4_request"):
            signing = sign(signing, part)
        right = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(right, parts["Signature"]) else "SignatureDoesNotMatch"

    def answer(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        refused = self.why_refused(request, body)
        fault = self.fault_for(request.command)
        if refused:
            return self.send(request, 403, code=refused)
        if fault in ("500", "503"):
            return self.send(request, int(fault), code="InternalError")
        if fault == "hang":
            self.ending.wait(60)
            request.close_connection = True
            return None
        return self.obey(request, body, fault)

    def obey(self, request, body, fault):
        path, method = request.path, request.command
        with self.lock:
            there = self.objects.get(path)
            if method == "PUT" and not (there is not None and
                                        request.headers.get("If-None-Match") == "*"):
                self.objects[path] = body
            if method == "DELETE":
                self.objects.pop(path, None)
        if fault == "forget":       # done, but nobody hears of it
            request.close_connection = True
            return None
        if method == "PUT":
            taken = there is None or request.headers.get("If-None-Match") != "*"
            return self.send(request, 200 if taken else 412,
                             code="" if taken else "PreconditionFailed")
        if method == "DELETE":
            return self.send(request, 204)
        if there is None:
            return self.send(request, 404, code="NoSuchKey")
        if fault == "wrong":
            there = there[:-1] + bytes([there[-1] ^ 1])
        return self.send(request, 200, there, cut=fault == "cut")

    def send(self, request, status, body=b"", code="", cut=False):
        with self.lock:
            self.requests.append((request.command, request.path, status))
        if code:
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode()
        request.send_response(status)
        if status != 204:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "HEAD" or status == 204:
            return
        request.wfile.write(body[:len(body) // 2] if cut else body)
        if cut:
            request.wfile.flush()
            request.close_connection = True
