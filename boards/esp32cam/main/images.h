// Program images in the two app slots (MeterlensImages) on esp_ota. The boot loader starts a new
// image once; if that does not confirm itself, the next start is the old one's.
// Its calls are for the loop's task. `try_new` reads the whole image and checks its own hash: about
// a second, the one call that takes longer than a sector; the watchdog allows for it.
#pragma once

#include <cstdint>

#include "device/port.h"
#include "esp_partition.h"

namespace meterlens::esp32cam {

// The version of the running program as text and as a number.
const char* version_text();

class Images {
 public:
  Images();
  // Holds as long as this object. All zero when the partition table has no second slot.
  MeterlensImages port();

 private:
  int erase();

  const esp_partition_t* room_;
  std::uint32_t erased_bytes_ = 0;
};

}  // namespace meterlens::esp32cam
