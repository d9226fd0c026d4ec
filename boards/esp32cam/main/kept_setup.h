// What the device was told on its set-up page, kept in NVS, and the password of the set-up network.
// NVS is not encrypted: who holds the chip can read it.
#pragma once

#include <optional>

#include "boards/esp32cam/portable/setup.h"

namespace meterlens::esp32cam {

// "meterlens-" and the last three bytes of the chip's own address, in hexadecimal.
using DeviceName = at::Text<16>;
DeviceName name_of_chip();

// Begins NVS; empties it when it was written by an incompatible version. Once, first of all.
void begin_nvs();
// Nothing: never set up, or not such as the device can use.
std::optional<Setup> load_setup();
bool save_setup(const Setup& setup);
// Ten characters by chance, made once and kept until the flash is erased. To be called when the
// radio is on: only then is the chip's chance unpredictable.
at::Text<16> setup_password();

}  // namespace meterlens::esp32cam
