// meterlens-modem: the modem of an emulated DTU (bridge.h). It listens on a local socket, which the
// emulator connects the DTU's second UART to, tells the DTU who it is, and is its MQTT client. One
// DTU; it ends with the DTU's connection, without a farewell to the broker: what a power cut does.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "boards/linux/loop.h"
#include "boards/linux/mqtt_client.h"
#include "boards/linux/program.h"
#include "boards/qemu/bridge.h"

namespace meterlens::boards::qemu {
namespace {

struct Options {
  std::string socket;
  std::string broker;
  std::string device;
  std::string product = "SMARTDTU";
  protocol::Dialect dialect = protocol::Dialect::native;
  bool verbose = false;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--socket", options.socket, "UNIX socket to listen on for the emulator")
      ->required();
  app.add_option("--broker", options.broker, "mqtt://[USER:PASSWORD@]HOST[:PORT]")->required();
  app.add_option("--device", options.device, "the DTU's name on the broker")->required();
  app.add_option("--dialect", options.dialect, "native or smartdtu")
      ->transform(one_of_the_dialects());
  app.add_option("--product", options.product, "smartdtu: product id")->capture_default_str();
  app.add_flag("--verbose", options.verbose, "log connections");
}

// The one connection to the emulator; -1 and a reason in the log when there is none.
int accept_emulator(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    spdlog::error(fmt::format("{}: at most {} characters", path, sizeof address.sun_path - 1));
    return -1;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  unlink(path.c_str());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int emulator = -1;
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      listen(listener, 1) == 0)
    emulator = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (emulator < 0) spdlog::error(fmt::format("{}: {}", path, std::strerror(errno)));
  close(listener);
  unlink(path.c_str());
  return emulator;
}

std::string text_of(protocol::ByteReader& in) { return std::string(take_text(in)); }

class Modem {
 public:
  Modem(int emulator, const Options& options, const BrokerAddress& broker)
      : emulator_(emulator),
        options_(options),
        broker_(broker),
        client_(broker, [this](auto topic, auto payload) { hear(topic, payload); }) {}

  // Until the emulator is gone or somebody asks to stop.
  void run(Loop& loop) {
    while (!loop.asked_to_stop() && !gone_) {
      client_.step();
      report();
      std::array<pollfd, 2> files = {pollfd{emulator_, POLLIN, 0}, client_.wish()};
      loop.wait(files, 1'000'000);
      if (files[0].revents != 0) listen_to_dtu();
    }
  }

 private:
  // A modem's memory is bounded: what is longer than a record does not reach the DTU.
  void hear(std::string_view topic, protocol::Bytes payload) {
    if (topic.size() > 255 || 1 + topic.size() + payload.size() > record_body_bytes_max) {
      spdlog::warn(fmt::format("a message of {} bytes is too long for the DTU", payload.size()));
      return;
    }
    say(RecordWriter(RecordKind::message, out_).text(topic).bytes(payload).finish());
  }

  void listen_to_dtu() {
    std::array<std::uint8_t, 4'096> bytes;
    const ssize_t count = read(emulator_, bytes.data(), bytes.size());
    gone_ = count == 0 || (count < 0 && errno != EINTR);
    for (ssize_t i = 0; i < count; ++i)
      if (const auto record = records_.put(bytes[static_cast<std::size_t>(i)])) obey(*record);
  }

  void obey(const Record& record) {
    protocol::ByteReader in(record.body);
    switch (record.kind) {
      case RecordKind::ask: return introduce();
      case RecordKind::connect: return connect(in);
      case RecordKind::disconnect: return port_.disconnect(port_.context);
      case RecordKind::subscribe: {
        const std::uint8_t qos = in.u8();
        port_.subscribe(port_.context, text_of(in).c_str(), qos);
        return;
      }
      case RecordKind::publish: return publish(in);
      default:
        spdlog::warn(
            fmt::format("a record of kind {} from the DTU", static_cast<int>(record.kind)));
    }
  }

  void introduce() {
    say(RecordWriter(RecordKind::identity, out_)
            .u8(options_.dialect == protocol::Dialect::native ? 0 : 1)
            .text(options_.product)
            .text(options_.device)
            .text(broker_.user)
            .text(broker_.password)
            .finish());
  }

  void connect(protocol::ByteReader in) {
    attempt_ = in.u32();
    MeterlensMqttLogin login{};
    login.keep_alive_s = in.u16();
    login.clean_session = in.u8() != 0;
    const std::string id = text_of(in), user = text_of(in), password = text_of(in);
    const std::string topic = text_of(in), payload = text_of(in);
    login.client_id = id.c_str();
    login.user = user.c_str();
    login.password = password.c_str();
    login.will_topic = topic.empty() ? nullptr : topic.c_str();
    login.will_payload = topic.empty() ? nullptr : payload.c_str();
    port_.connect(port_.context, &login);
    published_ = 0;
    reported_ms_ = 0;
    spdlog::info(fmt::format("connecting as {}, attempt {}", id, attempt_));
  }

  // A message that the client does not take is never reported as finished.
  void publish(protocol::ByteReader in) {
    const std::uint8_t qos = in.u8();
    const bool retain = in.u8() != 0;
    const std::string topic = text_of(in);
    const protocol::Bytes payload = in.rest();
    if (port_.publish(port_.context, topic.c_str(), payload.data(),
                      static_cast<std::uint32_t>(payload.size()), qos, retain))
      ++published_;
  }

  // What has changed, and the time every second.
  void report() {
    const MeterlensMqttState state = port_.state(port_.context);
    if (state != state_) spdlog::info(state == METERLENS_MQTT_UP ? "connected" : "not connected");
    if (client_.last_error() != error_) {
      error_ = client_.last_error();
      spdlog::warn(error_);
    }
    const std::uint32_t finished = published_ - port_.unacknowledged(port_.context);
    if (state == state_ && finished == finished_ && uptime_ms() < reported_ms_ + 1'000) return;
    state_ = state;
    finished_ = finished;
    reported_ms_ = uptime_ms();
    say(RecordWriter(RecordKind::status, out_)
            .u32(attempt_)
            .u8(static_cast<std::uint8_t>(state))
            .u32(finished)
            .u64(unix_ms())
            .finish());
  }

  void say(protocol::Bytes record) {
    while (!record.empty() && !gone_) {
      const ssize_t count = send(emulator_, record.data(), record.size(), MSG_NOSIGNAL);
      if (count > 0) record = record.subspan(static_cast<std::size_t>(count));
      gone_ = count < 0 && errno != EINTR;
    }
  }

  int emulator_;
  Options options_;
  BrokerAddress broker_;
  bool gone_ = false;
  std::array<std::uint8_t, record_head_bytes + record_body_bytes_max> in_;
  std::array<std::uint8_t, record_head_bytes + record_body_bytes_max> out_;
  RecordReader records_{in_};
  MqttClient client_;
  MeterlensMqtt port_ = client_.port();
  MeterlensMqttState state_ = METERLENS_MQTT_DOWN;
  std::uint32_t attempt_ = 0;
  std::uint32_t published_ = 0;
  std::uint32_t finished_ = 0;
  std::uint64_t reported_ms_ = 0;
  std::string error_;
};

int main_of_modem(int argument_count, char** arguments) {
  CLI::App app("The modem beside an emulated Meterlens DTU");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argument_count, arguments);
  start_log("modem", options.verbose);
  if (!protocol::is_device_name(options.device) || !protocol::is_device_name(options.product))
    return stop("--device, --product: 1 to 64 of A-Z a-z 0-9 . _ - and no leading dot");
  const auto broker = parse_broker(options.broker);
  if (!broker) return stop(broker.error());
  const int emulator = accept_emulator(options.socket);
  if (emulator < 0) return 1;
  Loop loop;
  Modem modem(emulator, options, *broker);
  modem.run(loop);
  close(emulator);
  return 0;
}

}  // namespace
}  // namespace meterlens::boards::qemu

int main(int argument_count, char** arguments) {
  return meterlens::boards::qemu::main_of_modem(argument_count, arguments);
}
