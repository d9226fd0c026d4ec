// A DTU's own password at the broker: kept in its state folder, and asked for once by showing the
// server the secret that all devices of a product know (SPEC.md section 12). libcurl stays in the
// .cpp file.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace meterlens::boards {

struct RegistrationOptions {
  std::string server;   // http://HOST:PORT or https://HOST:PORT; empty: none is asked
  std::string product;
  std::string secret;
  std::string ca_file;  // of a server with a certificate of its own; empty: the system's
};

// A device without a password.
struct Newcomer {
  std::filesystem::path state;  // its folder, which need not exist
  std::string device;
};

// The password in `state`, empty when there is none; the folder need not exist.
std::string kept_password(const std::filesystem::path& state);

// What came of asking the server once.
struct Registration {
  enum class Outcome { done, later, refused };
  Outcome outcome = Outcome::later;
  std::string text;  // the password; what was wrong for now; the refusal, or what cannot be written
};

// A new password is on the disk before the server hears of it, so an answer that is lost or a power
// cut costs nothing. One that is in `state` by now, put there by hand, asks nobody.
Registration register_once(const Newcomer& newcomer, const RegistrationOptions& options,
                           const std::stop_token& stop = {});

// Registers devices in a thread of its own: none that the server refuses keeps another from coming
// in. While the server cannot be reached it is asked again after a second, later after a minute;
// what it refuses is asked again every ten minutes, for people may have seen to it.
class Registrar {
 public:
  Registrar(RegistrationOptions options, const std::vector<Newcomer>& newcomers);

  struct Registered {
    std::size_t newcomer = 0;  // its place
    std::string password;
  };
  // Those that have come in since the last call.
  std::vector<Registered> take();
  // The first refusal where all are refused.
  std::optional<std::string> refusal() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Place {
    Newcomer newcomer;
    Clock::time_point due;
    std::chrono::seconds pause{1};
    Registration last = {};
  };

  void run(const std::stop_token& stop);
  void note(std::size_t index);

  const RegistrationOptions options_;
  mutable std::mutex mutex_;  // of the two below
  std::vector<Place> places_;
  std::vector<Registered> fresh_;
  std::jthread thread_;  // ends first
};

}  // namespace meterlens::boards
