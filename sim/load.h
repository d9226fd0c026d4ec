// The subcommand `meterlens load`: many devices with an MQTT connection each, in real time, against
// a real broker. Each sends one photo at a time as SPEC.md says (native dialect) and counts it when
// the server says `Stored`. One thread; memory for one photo a device that is sending.
#pragma once

#include <cstdint>
#include <string>

namespace meterlens::sim {

struct LoadOptions {
  std::string broker = "mqtt://127.0.0.1:1883";
  int devices = 100;            // 1 to 200'000, named load000001 and so on
  double photos_per_s = 10;     // of all together, evenly; 0: each as fast as it can
  int seconds = 10;             // photos begin for so long
  int patience_s = 60;          // for answers afterwards; what has none by then is lost
  std::string photo;            // a JPEG; empty: one of noise, of `photo_bytes`
  int photo_bytes = 25'000;     // 256 to 1'000'000
  bool json = false;            // one object
};

// Prints what was sent and how long it took until it was stored. 0, or 1 when a photo was lost or
// the broker cannot be reached. A photo that is answered twice may be stored once all the same;
// what is stored twice, the server's own list of photos shows.
int load(const LoadOptions& options);

}  // namespace meterlens::sim
