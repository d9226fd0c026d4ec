// The last reset, and the ways to stop (MeterlensPower). A crash leaves a core dump in its own
// partition; where it happened is read from there.
#pragma once

#include "device/port.h"
#include "uart_line.h"

namespace meterlens::esp32cam {

// Drives what the board needs to stay on, and takes the pins back that deep sleep held.
void keep_board_on();

// `line` wakes the board; it must outlive it. nullptr: a board that runs a DTU core as well, which
// does not sleep.
MeterlensPower power_port(UartLine* line);

}  // namespace meterlens::esp32cam
