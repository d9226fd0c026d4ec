// The embedded broker: a mosquitto of our own, started and guarded. It listens on 127.0.0.1 unless
// told otherwise, dies with this process whatever ends it, and is started again with a growing
// pause when it dies by itself. Owns one thread and the child process.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace meterlens::ingest {

// Who may come in, when not everybody may.
struct BrokerUser {
  std::string name;  // of a device, or `server_user`
  std::string hash;  // as mosquitto's password file has it
};
inline constexpr const char* server_user = ".server";  // no device's name begins with a dot

struct BrokerSettings {
  std::string program;  // empty: mosquitto where Debian puts it, or on the PATH
  std::string address = "127.0.0.1";
  int port = 1883;
  std::string folder = "var/broker";  // its settings file is written here
  std::uint64_t memory_bytes_max = std::uint64_t{512} << 20;
  int queued_messages_max = 20'000;  // of one client
  // False: only `users` come in, and each only to its own topics (SPEC.md section 1).
  bool open = true;
  std::vector<BrokerUser> users;
  int tls_port = 0;  // 0: no listener with TLS
  std::string tls_address;
  std::string certificate, key;  // PEM
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

  // Others come in from now on. Who is connected stays, unless their user is gone or has another
  // hash. Any thread.
  void set_users(std::vector<BrokerUser> users);
  // PEM; new connections are shown it. Only with a TLS listener from the start. Any thread.
  void set_certificate(const std::string& chain, const std::string& key);

  // Process id of the child; 0 while it is being started again.
  int process() const;

 private:
  struct Guard;
  explicit Broker(std::unique_ptr<Guard> guard);
  std::unique_ptr<Guard> guard_;
};

}  // namespace meterlens::ingest
