"""Many devices: switches, deletion, records, controls, profiles and campaigns, on real programs."""
import hashlib
import json
import signal
import subprocess
import unittest

from contract import Contract
from flow import BUILD, FlowTest, wait_until

TIMER = {"timer": 1, "period_ms": 20000}


class Fleet(FlowTest):
    def post(self, path, body=None, expected=202, method="POST"):
        status, content = self.stack.request(method, path, body)
        self.assertEqual(status, expected, content)
        return content

    def say(self, device, **state):
        self.publish(f"meterlens/{device}/status", json.dumps({"online": True, **state}).encode())

    def appear(self, *devices):
        for device in devices:
            self.say(device)
        for device in devices:
            self.stack.wait_online(device)

    def device(self, name):
        return self.stack.get(f"/devices/{name}")

    def test_what_a_disabled_device_sends_is_dropped_and_counted(self):
        server = self.stack.serve()
        self.appear("m1", "m2")
        self.post("/devices/m1", {"enabled": False, "remark": "cellar"}, 200, "PATCH")
        self.assertEqual((self.device("m1")["online"], self.device("m1")["enabled"]),
                         (False, False))
        for _ in range(3):
            self.say("m1", uptime_s=1)
        wait_until(lambda: self.device("m1")["packets_dropped"] == 3, 10, "three dropped packets")
        self.assertFalse(self.device("m1")["online"])
        refused = self.post("/devices/m1/commands", {"capture": 1}, 409)
        self.assertEqual(refused["error"]["code"], "device_disabled")
        self.post("/devices/m1/settings/camera", {"jpeg_quality": 20}, 409, "PUT")
        server.kill()
        server.wait()
        self.stack.serve()
        self.say("m1")
        wait_until(lambda: self.device("m1")["packets_dropped"] == 4, 10, "a fourth one")
        names = [one["id"] for one in self.stack.get("/devices?enabled=false")["devices"]]
        self.assertEqual(names, ["m1"])
        self.post("/devices/m1", {"enabled": True}, 200, "PATCH")
        self.appear("m1")
        self.assertEqual(self.device("m1")["remark"], "cellar")
        self.post("/devices/m1/commands", {"capture": 1})

    def test_a_device_is_deleted_with_or_without_its_history(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        _, photo = self.take_photo("m1")
        file = self.folder / photo["path"]
        self.assertEqual(self.post("/devices/m1", None, 400, "DELETE")["error"]["code"],
                         "bad_request")
        self.post("/devices/m1?history=keep", None, 200, "DELETE")
        self.assertEqual(len(self.stack.get("/photos?device=m1")["photos"]), 1)
        self.assertTrue(file.exists())
        # It appears anew when it speaks, and goes on as before.
        self.say("m1")
        self.stack.wait_online("m1")
        command, _ = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)
        self.post("/devices/m1", {"enabled": False}, 200, "PATCH")  # so that it stays away
        self.post("/devices/m1?history=purge", None, 200, "DELETE")
        self.assertEqual(self.stack.get("/photos?device=m1")["photos"], [])
        self.assertEqual(self.stack.get("/readings?meter=m1")["readings"], [])
        self.assertFalse(file.exists())
        for table in ("photo", "command", "message", "health", "settings"):
            count = self.database().execute(
                f"SELECT count(*) FROM {table} WHERE device = 'm1'").fetchone()[0]
            self.assertEqual(count, 0, table)

    def test_a_reset_ends_what_is_open_and_sends_the_settings_again(self):
        self.stack.serve()
        self.appear("m1")
        command = self.post("/devices/m1/commands", {"capture": 1})
        self.post("/devices/m1/reset", None, 200)
        ended = self.stack.wait_command(command)
        self.assertEqual((ended["state"], ended["reason"]),
                         ("failed", "ended by a reset of the device"))

    def test_groups_and_labels_choose_devices_and_schedules(self):
        self.stack.serve()
        self.appear("m1", "m2", "m3")
        for device, group, floor in (("m1", "berlin/north", "3"), ("m2", "berlin", "4"),
                                     ("m3", "berlinale", "3")):
            self.post(f"/devices/{device}/tags",
                      {"group": group, "labels": {"floor": floor}, "version": 0}, 200, "PUT")
        self.post("/devices/m1/tags", {"group": "x", "version": 0}, 409, "PUT")

        def names(query):
            return [one["id"] for one in self.stack.get(f"/devices?{query}")["devices"]]

        self.assertEqual(names("group=berlin"), ["m1", "m2"])
        self.assertEqual(names("label=floor%3D3"), ["m1", "m3"])
        self.assertEqual(names("group=berlin&label=floor=4"), ["m2"])
        self.post("/meters/m2/tags", {"group": "berlin", "version": 0}, 200, "PUT")
        self.assertEqual([one["id"] for one in self.stack.get("/meters?group=berlin")["meters"]],
                         ["m2"])
        page = self.stack.get("/devices?limit=2")
        self.assertEqual((page["next"], len(page["devices"])), ("m2", 2))
        self.assertEqual(names("limit=2&cursor=m2"), ["m3"])
        few = self.stack.get("/devices?fields=remark,labels&limit=10000&group=berlin")
        self.assertEqual(few["fields"], ["id", "remark", "labels"])
        self.assertEqual(few["devices"][0], {"id": "m1", "remark": "",
                                             "labels": {"floor": "3"}})
        self.assertEqual((len(few["devices"]), few["next"]), (2, None))
        for query in ("fields=id,size", "fields=newest_photo&limit=1001", "limit=1001"):
            self.assertEqual(self.stack.request("GET", f"/devices?{query}")[0], 400, query)
        self.post("/schedules", {"name": "often", "cron": "* * * * *", "group": "berlin/north",
                                 "spread_s": 0}, 201)

        def commanded():
            return {row[0] for row in self.database().execute("SELECT device FROM command")}

        wait_until(lambda: commanded(), 90, "the schedule's first command")
        self.assertEqual(commanded(), {"m1"})

    def test_records_have_messages_and_health(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        self.take_photo("m1")
        self.say("m2", signal_dbm=-71, uptime_s=9, waiting=2, up_dropped=1)
        self.stack.wait_online("m2")

        def messages(path="/devices/m1/messages"):
            return self.stack.get(path)["messages"]

        wait_until(lambda: {one["direction"] for one in messages()} == {"up", "down"}, 10,
                   "messages in both directions")
        self.assertFalse([one for one in messages()
                          if one["encoding"] == "hex" and one["payload"][2:4] == "11"])
        first = self.stack.get("/devices/m1/messages?limit=2")
        rest = self.stack.get(f"/devices/m1/messages?cursor={first['next']}")["messages"]
        self.assertEqual([one["id"] for one in first["messages"] + rest],
                         [one["id"] for one in messages()])
        samples = wait_until(lambda: self.stack.get("/devices/m2/health")["health"], 20, "health")
        self.assertEqual((samples[0]["source"], samples[0]["signal_dbm"], samples[0]["queue"],
                          samples[0]["errors"]), ("dtu", -71, 2, 1))
        wait_until(lambda: any(one["source"] == "camera"
                               for one in self.stack.get("/devices/m1/health")["health"]), 20,
                   "the camera's health")

    def wait_control(self, control, states):
        def look():
            now = self.stack.get(f"/controls/{control['id']}")
            return now if now["state"] in states else None
        return wait_until(look, 90, f"control {control['id']} to be one of {states}")

    def test_a_smartdtu_obeys_its_controls(self):
        self.stack.serve()
        self.dtu("s1", "smartdtu", "P1")
        self.stack.wait_online("s1")
        # Our DTU in that dialect keeps timers and tells them, as the deployed program does.
        done = self.wait_control(self.post("/devices/s1/controls/timer", TIMER),
                                 ("confirmed", "unconfirmed"))
        self.assertEqual(done["state"], "confirmed", done)
        sent = self.wait_control(
            self.post("/devices/s1/controls/send", {"uart": 1, "payload": {"hello": [1]}}),
            ("sent",))
        self.assertEqual(sent["payload"], {"uart1": {"payload": {"hello": [1]}}})
        wait_until(lambda: any(one["direction"] == "down" and "hello" in one["payload"]
                               for one in self.stack.get("/devices/s1/messages")["messages"]), 10,
                   "the message in the record")
        self.appear("m1")
        refused = self.post("/devices/m1/controls/gpio", {"gpio1": 1}, 409)
        self.assertEqual(refused["error"]["code"], "wrong_dialect")

    def test_pins_are_confirmed_by_the_device_and_survive_a_restart_of_the_server(self):
        server = self.stack.serve()
        self.publish("P1/s9/event", b'{"gpio":{"gpio3":0}}')
        self.stack.wait_online("s9")
        control = self.post("/devices/s9/controls/gpio", {"gpio3": 1})
        self.wait_control(control, ("sent",))
        server.kill()
        server.wait()
        self.stack.serve()
        self.publish("P1/s9/event", b'{"gpio":{"gpio3":0}}')
        self.publish("P1/s9/event", b'{"gpio":{"gpio3":1}}')
        self.wait_control(control, ("confirmed",))

    def profile_states(self, profile):
        return {one["device"]: one for one in
                self.stack.get(f"/profiles/{profile['id']}/devices")["devices"]}

    def test_a_profile_is_pushed_confirmed_and_seen_to_drift(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        self.appear("m2")
        for device in ("m1", "m2"):
            self.post(f"/devices/{device}/tags", {"group": "a", "version": 0}, 200, "PUT")
        profile = self.post("/profiles", {
            "name": "night", "camera": {"jpeg_quality": 21}, "dtu": {"window": 7},
            "target": {"group": "a"}}, 201)
        self.assertEqual(self.profile_states(profile)["m1"]["state"], "missing")
        self.assertEqual(self.post(f"/profiles/{profile['id']}/push")["devices"], 2)
        wait_until(lambda: self.profile_states(profile)["m1"]["state"] == "confirmed", 40,
                   "the device to confirm")
        self.assertEqual(self.profile_states(profile)["m2"]["state"], "waiting")
        self.post("/devices/m1/settings/camera", {"jpeg_quality": 30}, 202, "PUT")
        drifted = self.profile_states(profile)["m1"]
        self.assertEqual((drifted["state"], drifted["settings"]), ("drifted", ["jpeg_quality"]))
        self.post(f"/profiles/{profile['id']}/push")
        wait_until(lambda: self.profile_states(profile)["m1"]["state"] == "confirmed", 40,
                   "the device to confirm again")
        self.assertEqual(self.stack.get("/devices/m1/settings/camera")["settings"],
                         {"jpeg_quality": 21})


class Campaign(FlowTest):
    def setUp(self):
        super().setUp()
        self.tool("key", "--out", self.folder / "key")
        self.stack.settings += f'\n[update]\npublic_keys_file = "{self.folder}/key.pub"\n'
        self.server = self.stack.serve()
        self.contract = Contract(self.stack.http_port)

    def tool(self, *arguments):
        subprocess.run([BUILD / "meterlens", "image", *map(str, arguments)], check=True,
                       capture_output=True)

    def image(self, version):
        firmware = self.folder / f"{version}.bin"
        firmware.write_bytes(f"meterlens-linux {version}\n".encode() +
                             hashlib.shake_128(b"x").digest(3000))
        out = self.folder / f"{version}.mli"
        self.tool("sign", "--key", self.folder / "key", "--part", "camera", "--board", "linux",
                  "--version", version, "--in", firmware, "--out", out)
        status, image = self.contract.call("POST", "/images", body=out.read_bytes())
        self.assertEqual(status, 201)
        return image["id"]

    def meter(self, device, *camera, **more):
        return super().meter(device, "--images", self.folder / f"{device}.slots", "--image-key",
                             self.folder / "key.pub", "--image-version", 5, *camera, **more)

    def start(self, *devices):
        for device in devices:
            self.rendered_meter(device)
        for device in devices:
            self.stack.wait_online(device)

    def add(self, **order):
        status, campaign = self.contract.call("POST", "/campaigns", body=order)
        self.assertEqual(status, 201, campaign)
        return campaign

    def look(self, campaign):
        return self.stack.get(f"/campaigns/{campaign['id']}")

    def wait_state(self, campaign, states, timeout_s=120):
        def found():
            now = self.look(campaign)
            return now if now["state"] in states else None
        return wait_until(found, timeout_s, f"the campaign to be one of {states}")

    def turns(self, campaign):
        devices = self.stack.get(f"/campaigns/{campaign['id']}/devices")["devices"]
        return {one["device"]: one["state"] for one in devices}

    def test_the_canary_first_and_a_restart_of_the_server_in_between(self):
        self.start("m1", "m2")
        campaign = self.add(name="spring", image=self.image(7), canaries=["m2"], steps=[100],
                            target={"devices": ["m1", "m2"]})
        wait_until(lambda: self.turns(campaign)["m2"] == "ordered", 20, "the canary's update")
        self.assertEqual(self.turns(campaign)["m1"], "waiting")
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.stack.serve()
        done = self.wait_state(campaign, ("done", "stopped"))
        self.assertEqual(done["state"], "done", done)
        self.assertEqual(self.turns(campaign), {"m1": "confirmed", "m2": "confirmed"})
        for device in ("m1", "m2"):
            updates = self.stack.get(f"/devices/{device}/updates")["updates"]
            self.assertEqual([one["state"] for one in updates], ["confirmed"])

    def test_it_stops_when_a_canary_fails_and_a_person_may_go_on(self):
        self.start("m1", "m2")
        campaign = self.add(name="older", image=self.image(4), canaries=["m1"], steps=[100],
                            target={"devices": ["m1", "m2"]})
        stopped = self.wait_state(campaign, ("stopped", "done"))
        self.assertEqual(stopped["state"], "stopped")
        self.assertIn("1 of 1 devices of stage 0 have failed", stopped["reason"])
        self.assertEqual(self.turns(campaign), {"m1": "failed", "m2": "waiting"})
        status, _ = self.contract.call("POST", "/campaigns/{campaign}/pause",
                                       {"campaign": campaign["id"]})
        self.assertEqual(status, 409)
        self.contract.call("POST", "/campaigns/{campaign}/resume", {"campaign": campaign["id"]},
                           body={"error_percent_max": 100})
        done = self.wait_state(campaign, ("done",))
        self.assertEqual([one["failed"] for one in done["stages"]], [1, 1])

    def test_a_paused_one_orders_nothing_and_an_aborted_one_never_more(self):
        self.start("m1")
        campaign = self.add(name="pause", image=self.image(7), steps=[50, 100],
                            target={"devices": ["m1"]})
        names = {"campaign": campaign["id"]}
        self.contract.call("POST", "/campaigns/{campaign}/pause", names)
        self.contract.call("POST", "/campaigns/{campaign}/abort", names)
        self.assertEqual(self.look(campaign)["state"], "aborted")
        status, _ = self.contract.call("POST", "/campaigns/{campaign}/resume", names)
        self.assertEqual(status, 409)


if __name__ == "__main__":
    unittest.main()
