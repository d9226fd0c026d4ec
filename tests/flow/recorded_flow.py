"""An unmodified SmartDTU, as recorded: its events are played into the real broker again."""
import json
import subprocess
import unittest

from flow import ROOT, FlowTest, wait_until

GOLDEN = ROOT / "tests" / "golden" / "smartdtu"


class Recorded(FlowTest):
    def play(self, recording, order_a_photo):
        """Sends the events; where the recording was told to capture, waits until we tell it to."""
        device = None
        for line in (GOLDEN / recording).read_text().splitlines():
            event = json.loads(line)
            device = event["topic"].split("/")[1]
            if event["topic"].endswith("/event"):
                self.publish(event["topic"], event["payload"].encode())
            elif "capture" in event["payload"] and order_a_photo:
                order_a_photo(device, event)
        return device

    def order(self, device, recorded):
        """Our command reaches the device's control topic as the same JSON that was recorded."""
        self.stack.wait_online(device)
        listener = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p",
             str(self.stack.mqtt_port), "-t", recorded["topic"], "-C", "1", "-W", "30", "-d"],
            stdout=subprocess.PIPE, text=True)
        for line in listener.stdout:
            if "SUBACK" in line:
                break
        self.command = self.stack.capture(device)
        heard = [line for line in listener.stdout if line.startswith("{")]
        listener.stdout.close()
        self.assertEqual(listener.wait(10), 0)
        self.assertEqual(json.loads(heard[0]), json.loads(recorded["payload"]))

    def test_a_recorded_photo_arrives_byte_for_byte(self):
        self.stack.serve()
        device = self.play("capture_8k.jsonl", self.order)
        command = self.stack.wait_command(self.command, 60)
        self.assertEqual(command["state"], "read", command)
        photo = self.photo(device, command["photo"])
        self.assertEqual(photo["state"], "stored")
        self.assertEqual(self.stored_bytes(photo), (GOLDEN / "capture_8k.jpg").read_bytes())
        # The photo shows no meter: the reading must not be accepted.
        reading = self.stack.get(f"/readings?meter={device}")["readings"][0]
        self.assertNotEqual(reading["status"], "read")
        self.assertNotEqual(reading["verdict"], "accepted")

    def test_pieces_split_by_the_uart_reader_are_joined(self):
        self.stack.serve()
        device = self.play("split_any1024.jsonl", None)
        photo = wait_until(lambda: self.stack.get(f"/photos?device={device}")["photos"], 30,
                           "the photo")[0]
        self.assertEqual(photo["state"], "stored")

    def test_settings_and_restarts_are_kept_as_state(self):
        self.stack.serve()
        device = self.play("fast_settings_restart.jsonl", None)
        def firmware():
            status, known = self.stack.request("GET", f"/devices/{device}")
            return status == 200 and known["firmware"]
        self.assertEqual(wait_until(firmware, 10, "the device"), "EC600SCNLBR01A01M08_OCPU_V01")
        self.assertEqual(self.stack.get(f"/photos?device={device}")["photos"], [])


if __name__ == "__main__":
    unittest.main()
