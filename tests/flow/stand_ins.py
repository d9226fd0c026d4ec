"""Servers that stand in for the ones of others, and play their faults on demand."""
import http.server
import socketserver
import threading


class HttpStandIn:
    """Keeps every request; `answers` says how each next one ends, then 200 for all.

    A number is a status; "drop" closes without a word, "hang" says nothing until the end, "half"
    stops in the middle of an answer, "drip" answers without an end, "redirect" points elsewhere.
    """

    def __init__(self):
        self.requests = []  # (path, headers, body)
        self.answers = []
        self.ended = threading.Event()
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stand_in.requests.append((self.path, dict(self.headers), body))
                stand_in.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler):
        how = self.answers.pop(0) if self.answers else 200
        handler.close_connection = True
        if how == "drop":
            return
        if how == "hang":
            self.ended.wait(60)
            return
        if how == "half":
            handler.wfile.write(b"HTTP/1.1 200 O")
            return
        if how == "drip":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
            while not self.ended.wait(0.1):
                try:
                    handler.wfile.write(b"x")
                except OSError:
                    return
            return
        handler.send_response(302 if how == "redirect" else how)
        if how == "redirect":
            handler.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


class SmtpStandIn:
    """Takes mail after AUTH PLAIN; `refusals` are answers to the next DATA commands."""

    def __init__(self, offers=("AUTH PLAIN", "8BITMIME")):
        self.mails = []   # (from, [to], text)
        self.commands = []
        self.refusals = []
        self.credentials = None
        stand_in = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                stand_in.talk(self, offers)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def talk(self, peer, offers):
        def say(line):
            peer.wfile.write(line.encode() + b"\r\n")

        say("220 stand-in")
        sender, to = None, []
        for line in peer.rfile:
            if not line.endswith(b"\r\n"):
                return say("500 bare line feed")
            line = line[:-2].decode()
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                for offer in offers:
                    say("250-" + offer)
                say("250 SIZE 1000000")
            elif verb == "AUTH":
                if len(line.split()) == 2:
                    say("334 ")
                    line = peer.rfile.readline().decode().strip()
                self.credentials = line.split()[-1]
                say("235 welcome")
            elif verb == "MAIL":
                sender = line[10:].split(">")[0].lstrip("<")
                say("250 ok")
            elif verb == "RCPT":
                to.append(line[8:].strip("<>"))
                say("250 ok")
            elif verb == "DATA":
                if self.refusals:
                    say(self.refusals.pop(0))
                    continue
                say("354 go on")
                text = self.read_mail(peer)
                self.mails.append((sender, to, text))
                sender, to = None, []
                say("250 taken")
            elif verb == "QUIT":
                return say("221 bye")
            else:
                say("250 ok" if verb in ("RSET", "NOOP") else "502 unknown")

    @staticmethod
    def read_mail(peer):
        lines = []
        for line in peer.rfile:
            assert line.endswith(b"\r\n") and b"\n" not in line[:-2], line
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines).decode()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

