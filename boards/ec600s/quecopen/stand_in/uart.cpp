// The UART of the stand-in: a pseudo-terminal, without a pace of its own. What is not read in time
// is lost, as from a driver's buffer.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include "boards/ec600s/quecopen/sdk.h"
#include "boards/ec600s/quecopen/stand_in/stand_in.h"

namespace meterlens::boards::quecopen {
namespace {

constexpr std::size_t driver_bytes = 4096;

struct Uart {
  int near = -1;
  int far = -1;  // held open: without it the near end reports a hang-up while no camera is there
  std::atomic<bool> cut = false;
  std::mutex mutex;
  std::deque<unsigned char> heard;  // under the mutex, as is `callback`
  ql_uart_callback callback = nullptr;
};

Uart& uart() {
  static Uart one;
  return one;
}

void keep(const unsigned char* bytes, std::size_t count) {
  ql_uart_callback callback = nullptr;
  {
    const std::lock_guard lock(uart().mutex);
    const std::size_t room = driver_bytes - uart().heard.size();
    uart().heard.insert(uart().heard.end(), bytes, bytes + std::min(count, room));
    callback = uart().callback;
  }
  if (callback != nullptr) callback(QL_MAIN_UART_PORT, nullptr);
}

void listen() {
  std::array<unsigned char, 512> bytes;
  while (true) {
    const ssize_t count = read(uart().near, bytes.data(), bytes.size());
    if (count > 0 && !uart().cut) keep(bytes.data(), static_cast<std::size_t>(count));
    if (count < 0) return;
  }
}

}  // namespace

bool use_line(const std::string& path) {
  std::array<char, 128> name{};
  if (openpty(&uart().near, &uart().far, name.data(), nullptr, nullptr) != 0) return false;
  termios raw{};
  tcgetattr(uart().far, &raw);
  cfmakeraw(&raw);
  tcsetattr(uart().far, TCSANOW, &raw);
  std::thread(listen).detach();
  unlink(path.c_str());
  return symlink(name.data(), path.c_str()) == 0;
}

void cut_line(bool cut) { uart().cut = cut; }

}  // namespace meterlens::boards::quecopen

using namespace meterlens::boards::quecopen;

extern "C" {

int ql_uart_open(QL_UART_PORT_NUMBER_E, int, QL_FLOW_CTRL_E) { return uart().near < 0 ? -1 : 0; }

int ql_uart_close(QL_UART_PORT_NUMBER_E) { return 0; }

int ql_uart_register_cb(QL_UART_PORT_NUMBER_E, ql_uart_callback callback) {
  const std::lock_guard lock(uart().mutex);
  uart().callback = callback;
  return 0;
}

int ql_uart_read(QL_UART_PORT_NUMBER_E, unsigned char* out, unsigned int bytes_max) {
  const std::lock_guard lock(uart().mutex);
  auto& heard = uart().heard;
  const std::size_t count = std::min<std::size_t>(bytes_max, heard.size());
  std::copy_n(heard.begin(), count, out);
  heard.erase(heard.begin(), heard.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<int>(count);
}

// At most 100 at a time: the port has to cope with a driver that does not take all.
int ql_uart_write(QL_UART_PORT_NUMBER_E, unsigned char* bytes, unsigned int count) {
  const unsigned int part = std::min(count, 100U);
  if (uart().cut) return static_cast<int>(part);
  return static_cast<int>(write(uart().near, bytes, part));
}
}
