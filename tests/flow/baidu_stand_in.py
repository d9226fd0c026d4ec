"""A stand-in for Baidu OCR on loopback: tokens, the meter reading, and every fault of both.

It answers what a test has put in line, one answer a request, then `words`. It is as strict as the
provider: a request that is not what the documents ask for is a fault of ours and kept in `wrong`.
"""
import base64
import http.server
import json
import socket
import struct
import threading
import time
import urllib.parse

KEY = "stand-in-key-91c2"
SECRET = "stand-in-secret-77d0"
IMAGE_BYTES_MAX = 4 << 20


def words(*texts, confidence=0.98):
    """The provider's answer: one word a row, the first in the middle of the picture."""
    result = [{"words": text, "location": {"left": 40, "top": 30 + 400 * row, "width": 4000,
                                           "height": 90},
               "probability": {"average": confidence, "variance": 0.01, "min": confidence}}
              for row, text in enumerate(texts)]
    return json.dumps({"log_id": "1748239847123", "words_result_num": len(result),
                       "words_result": result}).encode()


def error(code, message="as the test wants it"):
    return json.dumps({"error_code": code, "error_msg": message}).encode()


def slow(seconds, answer):
    def act(_):
        time.sleep(seconds)
        return answer
    return act


def cut(handler):
    """The connection is reset in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"words_result":[')
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def status(code):
    def act(handler):
        handler.send_response(code)
        handler.send_header("Content-Length", "6")
        handler.end_headers()
        handler.wfile.write(b"<html>")
    return act


class BaiduStandIn:
    def __init__(self):
        self.lock = threading.Lock()
        self.words = words("00000")
        self.line = []           # answers to come: bytes, or a function of the handler
        self.token_line = []
        self.asked = []          # the pictures, as they came
        self.tokens_given = 0
        self.token = None        # the one that is good now
        self.wrong = []          # what the documents do not allow
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                if url.path == "/oauth/2.0/token":
                    answer = stand_in.give_token(query)
                else:
                    answer = stand_in.read(url.path, query, self.headers, body)
                if callable(answer):
                    answer = answer(self)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                try:
                    self.wfile.write(answer)
                except OSError:  # it waits no longer
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # connections that the other side has given up
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def count(self):
        with self.lock:
            return len(self.asked)

    def give_token(self, query):
        with self.lock:
            if self.token_line:
                return self.token_line.pop(0)
            if query.get("grant_type") != "client_credentials":
                self.wrong.append("grant_type")
            if query.get("client_id") != KEY:
                return self.no_client("unknown client id")
            if query.get("client_secret") != SECRET:
                return self.no_client("Client authentication failed")
            self.tokens_given += 1
            self.token = f"24.stand-in-token-{self.tokens_given}"
            return json.dumps({"access_token": self.token, "expires_in": 2592000}).encode()

    @staticmethod
    def no_client(why):
        return json.dumps({"error": "invalid_client", "error_description": why}).encode()

    def expire_token(self):
        with self.lock:
            self.token = None

    def read(self, path, query, headers, body):
        with self.lock:
            if path != "/rest/2.0/ocr/v1/meter":
                self.wrong.append(f"path {path}")
            if headers.get("Content-Type") != "application/x-www-form-urlencoded":
                self.wrong.append(f"type {headers.get('Content-Type')}")
            if not self.token or query.get("access_token") != self.token:
                return error(111, "Access token expired")
            form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
            if len(body) > IMAGE_BYTES_MAX + 100 or form.get("probability") != ["true"]:
                self.wrong.append("form")
            picture = base64.b64decode(form["image"][0], validate=True)
            if picture[:2] != b"\xff\xd8":
                self.wrong.append("no JPEG")
            self.asked.append(picture)
            return self.line.pop(0) if self.line else self.words
