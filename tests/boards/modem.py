"""An EC600S with AT firmware, simulated: a pseudo-terminal towards the program, a real MQTT client
towards a real broker. It is as strict as its manual, and on request as rude as a modem can be.

It knows what boards/ec600s/at sends, and answers anything else with ERROR and remembers it.
"""
import collections
import os
import re
import select
import ssl
import threading
import time
import tty

from mqtt_wire import MqttWire

IMEI, CARD = "860000000000001", "89860012345678901234"
CONN_AFTER_OPEN_S = 5
# Unasked for; each is harmless where it is understood and poison where it is taken for an answer.
NUISANCES = (b"\r\n+CEREG: 1\r\n", b"\r\n+QMTPUBEX: 0,65000,0\r\n", b"\r\n+QIND: SMS DONE\r\n",
             b'\r\n+QMTRECV: 0,0,"other/topic",24,"\r\nOK\r\n\r\n> \r\nERROR\r\n""\r\n\r\n',
             b"\r\n+QMTSTAT: 3,1\r\n", b"\r\n+QMTCONN: 1,2,5\r\n")


class Manner:
    """How rude it is."""

    def __init__(self, echo_stays=False, nuisances=False, pieces=None, publish_bytes_max=1038):
        self.echo_stays = echo_stays
        self.nuisances = nuisances
        self.pieces = pieces  # None: as it comes; "bytes": one at a time; "burst": collected
        self.publish_bytes_max = publish_bytes_max


class Modem:
    def __init__(self, link, manner=None):
        self.manner = manner or Manner()
        self.near, self.far = os.openpty()
        tty.setraw(self.far)
        os.set_blocking(self.near, False)
        self.link = link
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self.far))
        self.lock = threading.RLock()
        self.commands = []     # every command line, in order
        self.strange = []      # those that are not in the manual
        self.publishes = []    # (topic, payload) that were whole
        self.messages = []     # (topic, payload) given to the program
        self.files = {}        # in its memory: name -> a PEM file
        self.wrong = collections.defaultdict(list)  # command's beginning -> answers to give instead
        self.dead_after = None  # payload bytes after which the power fails, once
        self.boots = self.nuisance = 0
        self.clock = "24/01/01,08:00:00+32"
        self.held = b""
        self.connection = None
        self.login_begun = False
        self.opened_s = 0
        self.stat = 1
        self.running = True
        self.power_on()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    # Power.
    def power_on(self):
        self.boots += 1
        self.on_at_s = time.monotonic() + (0.5 if self.boots > 1 else 0)
        self.booted = False
        self.echo, self.line, self.payload_left, self.publish = True, b"", 0, None
        self.options, self.tls = {"session": "1", "keepalive": "120"}, {}
        self.context, self.registration_asked = True, 0

    def power_cut(self):
        with self.lock:
            connection, self.connection = self.connection, None
            self.held = b""
            self.power_on()
        if connection:
            connection.ours = True
            connection.cut()

    def stop(self):
        self.running = False
        self.thread.join()
        connection, self.connection = self.connection, None
        if connection:
            connection.end()
        os.close(self.near)
        os.close(self.far)
        self.link.unlink(missing_ok=True)

    def cut(self, stat):
        """The connection ends with +QMTSTAT: 0,stat. After 2 only a new context helps."""
        with self.lock:
            self.stat = stat
            if stat == 2:
                self.context = False
            connection = self.connection
        connection.cut()

    # The line.
    def run(self):
        while self.running:
            ready, _, _ = select.select([self.near], [], [], 0.02)
            data = os.read(self.near, 4096) if ready else b""
            with self.lock:
                if time.monotonic() < self.on_at_s:
                    continue
                if not self.booted:
                    self.booted = True
                    self.say("\0\r\nRDY\r\n")
                for byte in data:
                    self.put(bytes([byte]))
                if self.held and not ready:
                    self.write(self.held)
                    self.held = b""

    def write(self, data):
        # The program may not be there yet, or be slow: a modem without flow control loses bytes.
        try:
            if self.manner.pieces != "bytes":
                os.write(self.near, data)
                return
            for byte in data:
                os.write(self.near, bytes([byte]))
                time.sleep(0.00005)
        except BlockingIOError:
            pass

    def say(self, text):
        data = text.encode() if isinstance(text, str) else text
        with self.lock:
            if not self.booted:
                return
            if self.manner.pieces == "burst":
                self.held += data
            else:
                self.write(data)

    def disturb(self):
        if self.manner.nuisances:
            self.say(NUISANCES[self.nuisance % len(NUISANCES)])
            self.nuisance += 1

    def answer(self, *texts):
        for text in texts:
            self.disturb()
            self.say(f"\r\n{text}\r\n")
        self.disturb()

    def put(self, byte):
        if self.payload_left > 0:
            return self.put_payload(byte)
        if self.echo:
            self.say(byte)
        if byte == b"\r":
            line, self.line = self.line.decode("latin-1").strip(), b""
            if line:
                self.obey(line)
        elif byte != b"\n":
            self.line += byte

    def put_payload(self, byte):
        number, topic, payload, qos, retain = self.publish
        payload += byte
        self.payload_left -= 1
        if self.dead_after is not None and len(payload) >= self.dead_after:
            self.dead_after = None
            return self.power_cut()
        if self.payload_left == len(payload) // 2:
            self.disturb()
        self.publish = (number, topic, payload, qos, retain)
        if self.payload_left == 0:
            self.finish_publish()

    # Commands.
    def obey(self, line):
        self.commands.append(line)
        for beginning, answers in self.wrong.items():
            if line.startswith(beginning) and answers:
                return self.answer(*answers.pop(0).split("\n"))
        name = re.match(r"AT\+?[A-Z]*", line).group() if line.startswith("AT") else ""
        handler = self.HANDLERS.get(name)
        if not handler or not handler(self, self.arguments(line)):
            self.strange.append(line)
            self.answer("ERROR")

    @staticmethod
    def arguments(line):
        """What is behind =, texts without their quotes and with V.250's escapes undone."""
        _, _, rest = line.partition("=")
        found = re.findall(r'"((?:[^"\\]|\\[0-9A-F]{2})*)"|([^,"]+)', rest)
        undone = re.compile(r"\\([0-9A-F]{2})")
        return [undone.sub(lambda m: chr(int(m.group(1), 16)), text) or plain
                for text, plain in found]

    def attention(self, _):
        self.answer("OK")
        return True

    def echo_off(self, _):
        self.answer("OK")
        self.echo = self.manner.echo_stays
        return True

    def registration(self, _):
        self.registration_asked += 1
        self.answer(f"+CEREG: 0,{5 if self.registration_asked > 1 else 2}", "OK")
        return True

    def configure(self, arguments):
        name, client, *values = arguments
        wanted = {"recv/mode": ["0", "1"], "version": ["4"], "ssl": ["1", "2"]}
        if client != "0" or values != wanted.get(name, values):
            return False
        self.options[name] = values[3:] if name == "will" else values[0]
        self.answer("OK")
        return True

    def secure(self, arguments):
        name, context, *values = arguments
        wanted = {"sslversion": ["3"], "ciphersuite": ["0xFFFF"], "ignorelocaltime": ["0"],
                  "sni": ["1"], "seclevel": values, "cacert": values, "clientcert": values,
                  "clientkey": values}
        if context != "2" or values != wanted.get(name) or len(values) != 1:
            return False
        self.tls[name] = values[0]
        self.answer("OK")
        return True

    def tls_context(self):
        """As configured; nothing: the connection is open. A module checks whose signature a
        certificate bears and when it ends, not whose name is in it."""
        if self.options.get("ssl") != "1":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.files[self.tls["cacert"]])
        if self.tls["seclevel"] == "2":
            context.load_cert_chain(self.files[self.tls["clientcert"]],
                                    self.files[self.tls["clientkey"]])
        return context

    def context_off(self, _):
        self.context = None
        self.answer("OK")
        return True

    def context_on(self, _):
        self.context = True if self.context is None else self.context
        self.answer("OK")
        return True

    def open(self, arguments):
        client, host, port = arguments
        if client != "0" or "recv/mode" not in self.options:
            return False
        if self.connection:
            self.answer("OK", "+QMTOPEN: 0,2")
        elif not self.context:
            self.answer("OK", "+QMTOPEN: 0,3")
        else:
            try:
                self.connection = MqttWire(self, host, int(port), self.tls_context())
            except (OSError, KeyError):
                self.answer("OK", "+QMTOPEN: 0,5")
                return True
            self.opened_s, self.login_begun = time.monotonic(), False
            self.answer("OK", "+QMTOPEN: 0,0")
        return True

    def login(self, arguments):
        client, client_id, *secret = arguments
        if client != "0" or not self.connection or self.login_begun:
            return False
        self.answer("OK")
        self.login_begun = True
        if time.monotonic() - self.opened_s > CONN_AFTER_OPEN_S:
            self.connection.cut()
            return True
        user, password = secret or ("", "")
        self.connection.login(client_id, user, password, int(self.options["keepalive"]),
                              self.options["session"] == "1", self.options.get("will"))
        return True

    def logged_in(self, connection, code):
        self.answer_for(connection, f"+QMTCONN: 0,0,{code}")

    def answer_for(self, connection, line):
        with self.lock:
            if self.connection is connection:
                self.answer(line)

    def subscribe(self, arguments):
        client, number, topic, qos = arguments
        if client != "0" or not self.connection or not self.login_begun:
            return False
        self.answer("OK")
        self.connection.subscribe(int(number), topic, int(qos))
        return True

    def subscribed(self, connection, number, qos):
        self.answer_for(connection, f"+QMTSUB: 0,{number},0,{qos}")

    def acknowledged(self, connection, number):
        self.answer_for(connection, f"+QMTPUBEX: 0,{number},0")

    def begin_publish(self, arguments):
        client, number, qos, retain, topic, count = arguments
        if client != "0" or (number == "0") != (qos == "0") or not 0 <= int(number) <= 65535:
            return False
        if not self.connection or int(count) > self.manner.publish_bytes_max:
            self.answer("ERROR")
            return True
        self.disturb()
        self.publish = (int(number), topic, b"", int(qos), retain == "1")
        self.payload_left = int(count)
        self.say("\r\n> ")
        self.disturb()
        return True

    def finish_publish(self):
        number, topic, payload, qos, retain = self.publish
        self.publishes.append((topic, payload))
        if not self.connection:
            return self.answer("ERROR")
        self.answer("OK")
        self.connection.publish(number, topic, payload, qos, retain)
        if qos == 0:
            self.answer("+QMTPUBEX: 0,0,0")

    def message(self, connection, number, topic, payload):
        head = f'\r\n+QMTRECV: 0,{number},"{topic}",{len(payload)},"'
        with self.lock:
            if self.connection is connection:
                self.messages.append((topic, payload))
                self.disturb()
                self.say(head.encode() + payload + b'"\r\n')

    def ended(self, connection):
        """The broker, or a cut, has ended it."""
        with self.lock:
            if self.connection is connection:
                self.connection = None
                self.answer(f"+QMTSTAT: 0,{self.stat}")

    def disconnect(self, _):
        return self.close_with("+QMTDISC: 0,0", keep=True)

    def close(self, _):
        return self.close_with("+QMTCLOSE: 0,0", keep=False)

    def close_with(self, result, keep):
        connection = self.connection
        if not connection:
            self.answer("ERROR")
            return True
        connection.end()
        if not keep:
            self.connection = None
        self.answer("OK", result)
        return True

    def restart(self, _):
        self.answer("OK")
        self.power_cut()
        return True

    @staticmethod
    def fixed(*texts):
        return lambda modem, _: modem.answer(*(text.format(modem) for text in texts)) or True

    HANDLERS = {
        "AT": attention, "ATE": echo_off, "AT+CEREG": registration, "AT+QMTCFG": configure,
        "AT+QIDEACT": context_off, "AT+QIACT": context_on, "AT+QMTOPEN": open, "AT+QMTCONN": login,
        "AT+QMTSUB": subscribe, "AT+QMTPUBEX": begin_publish, "AT+QMTDISC": disconnect,
        "AT+QMTCLOSE": close, "AT+CFUN": restart, "AT+QSSLCFG": secure,
        "AT+CGSN": fixed(IMEI, "OK"), "AT+CPIN": fixed("+CPIN: READY", "OK"),
        "AT+QCCID": fixed(f"+QCCID: {CARD}", "OK"), "AT+CSQ": fixed("+CSQ: 20,99", "OK"),
        "AT+CCLK": fixed('+CCLK: "{0.clock}"', "OK"),
    }
