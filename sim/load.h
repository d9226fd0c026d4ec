// The subcommand `meterlens load`: many devices send photos in real time, against a real broker.
// Each sends one at a time as SPEC.md says. A native device counts it when the server says
// `Stored`; a SmartDTU is never answered, so its photos count as sent. One thread; memory for one
// photo a device that is sending.
#pragma once

#include <string>

namespace meterlens::sim {

struct LoadOptions {
  std::string broker = "mqtt://127.0.0.1:1883";  // or mqtts://; several nodes parted by spaces
  std::string ca_file;          // of mqtts: PEM; empty: the system's
  std::string user;             // {device} in it becomes the device's name
  // Lines `DEVICE:PASSWORD`, or one line with the password of all, {device} as above. Read once,
  // never printed. Empty: no credentials.
  std::string passwords_file;
  int devices = 100;            // 1 to 200'000, named load000001 and so on
  std::string prefix = "load";  // of those names, up to 40 characters
  int connections = 0;          // that speak for them; 0: each has its own
  double smartdtu_share = 0;    // of the devices, 0 to 1: SmartDTUs, smart-load000001 and so on
  double photos_per_s = 10;     // of all together, evenly; 0: each as fast as it can
  int seconds = 10;             // photos begin for so long
  int patience_s = 60;          // for answers afterwards; what has none by then is lost
  // A JPEG; empty: noise of `photo_bytes`, and a drawn meter for SmartDTUs, whose photos are
  // decoded.
  std::string photo;
  int photo_bytes = 25'000;     // 256 to 1'000'000
  bool json = false;            // the JSON line alone
  // Once connected, prints `connected`, and sends photos for `seconds` at each line on standard
  // input until its end, all over the same connections.
  bool on_word = false;
};

// Prints a table of what was sent and how long it took until it was stored, and the same as one
// line of JSON. 0, or 1 when a photo was lost or the broker cannot be reached. A photo that is
// answered twice may be stored once all the same; the server's own list of photos shows that.
int load(const LoadOptions& options);

}  // namespace meterlens::sim
