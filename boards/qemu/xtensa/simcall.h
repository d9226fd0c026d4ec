// The emulator's simcalls: text on the host's standard output and the emulator's exit status; and
// the way from reset to `run_board`. The emulator loads variables itself, as it loads the code.
#pragma once

#include <string_view>

namespace meterlens::boards::qemu {

void print(std::string_view text);
[[noreturn]] void leave(int status);

}  // namespace meterlens::boards::qemu
