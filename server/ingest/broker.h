// The embedded broker: a mosquitto of our own, started and guarded. It listens on 127.0.0.1 unless
// told otherwise, dies with this process whatever ends it, and is started again with a growing
// pause when it dies by itself. Owns one thread and the child process.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

namespace meterlens::ingest {

struct BrokerSettings {
  std::string program;  // empty: mosquitto where Debian puts it, or on the PATH
  std::string address = "127.0.0.1";
  int port = 1883;
  std::string folder = "var/broker";  // its settings file is written here
  std::uint64_t memory_bytes_max = std::uint64_t{512} << 20;
  int queued_messages_max = 20'000;  // of one client
};

enum class BrokerErrorCode : std::uint8_t { port_in_use, no_program, folder, did_not_start };
struct BrokerError {
  BrokerErrorCode code = BrokerErrorCode::did_not_start;
  std::string message;  // what happened and what to do
};

class Broker {
 public:
  // Returns when the broker accepts connections.
  static std::expected<std::unique_ptr<Broker>, BrokerError> start(const BrokerSettings& settings);
  ~Broker();  // stops it
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Process id of the child; 0 while it is being started again.
  int process() const;

 private:
  struct Guard;
  explicit Broker(std::unique_ptr<Guard> guard);
  std::unique_ptr<Guard> guard_;
};

// The settings file of the embedded broker, as text.
std::string broker_configuration(const BrokerSettings& settings);

}  // namespace meterlens::ingest
