// Wi-Fi of the one-chip build: connects to the network it was told, comes back when it is lost,
// moves to a better access point of the same network, and opens the set-up network with its page
// when that is needed (portable/wifi.h decides). Sets the clock by SNTP while connected. Owns: the
// Wi-Fi driver, its task, the page. Constructed once; nothing to call after that.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "boards/esp32cam/portable/setup.h"
#include "boards/esp32cam/portable/wifi.h"
#include "esp_event.h"
#include "loop.h"
#include "setup_page.h"

namespace meterlens::esp32cam {

class WifiStation {
 public:
  // Without a set-up only the set-up network is there.
  WifiStation(Loop& loop, const std::optional<Setup>& setup);

  bool connected() const { return connected_; }

 private:
  static void hear(void* self, esp_event_base_t base, std::int32_t id, void* data);

  // In the station's own task.
  void run();
  void step(std::uint64_t now_ms);
  void connect();
  void use(const AccessPoint* point);
  void look_around(std::uint64_t now_ms);
  void end_scan(std::uint64_t now_ms);
  void tend_door(std::uint64_t now_ms);

  Loop& loop_;
  std::optional<Setup> setup_;
  Attempts attempts_;
  Roaming roaming_;
  SetupDoor door_;
  SetupPage page_;
  void* task_ = nullptr;
  std::uint64_t look_due_ms_ = 0;
  bool connecting_ = false;
  bool scanning_ = false;
  bool moving_ = false;  // tied to one access point until it has been tried

  // What the driver's events have told.
  std::atomic<bool> connected_ = false;
  std::atomic<bool> lost_ = false;
  std::atomic<bool> scan_ended_ = false;
};

}  // namespace meterlens::esp32cam
