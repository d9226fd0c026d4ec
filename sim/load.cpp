#include "sim/load.h"

#include <fmt/format.h>
#include <mosquitto.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <deque>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "protocol/message.h"
#include "sim/photographer.h"

namespace meterlens::sim {
namespace {

using Steady = std::chrono::steady_clock;
using protocol::Bytes;

constexpr int keep_alive_s = 600;
constexpr std::int64_t again_ms = 1000;  // after a refusal

struct Failure {
  std::string text;
};

struct Counts {
  std::int64_t started = 0, stored = 0, answered_twice = 0, refused = 0, late = 0;
  std::int64_t messages = 0, resent = 0, bytes = 0, disconnected = 0;
  std::vector<float> latency_ms;
};

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now().time_since_epoch())
      .count();
}

// The photo with a comment of its own, so that no two have the same hash.
Buffer unique_photo(const Buffer& jpeg, std::uint64_t serial) {
  Buffer out = {0xFF, 0xD8, 0xFF, 0xFE, 0, 18};
  for (const std::uint64_t part : {serial, static_cast<std::uint64_t>(now_us())})
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(part >> (8 * i)));
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

class Load;

struct Camera {
  Load* load = nullptr;
  mosquitto* client = nullptr;
  std::string topic;
  Buffer photo;                 // empty: idle
  std::uint32_t photo_id = 0;   // of the present one, or the last
  std::uint32_t stored_id = 0;  // answered last
  protocol::Digest sha256{};
  std::int64_t begun_us = 0;
  std::int64_t again_us = 0;    // 0: nothing is to be offered again
  bool connected = false;
  bool wants_write = false;
};

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options) {
    poll_ = epoll_create1(EPOLL_CLOEXEC);
    cameras_.resize(static_cast<std::size_t>(options.devices));
    // Numbers of photos are never used again, also by the next run.
    first_id_ = static_cast<std::uint32_t>(
        std::chrono::system_clock::now().time_since_epoch() / std::chrono::seconds(1));
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    for (Camera& one : cameras_)
      if (one.client != nullptr) mosquitto_destroy(one.client);
    close(poll_);
  }

  int run() {
    read_photo();
    raise_limit();
    const std::int64_t start_us = now_us();
    connect_all();
    connect_s_ = static_cast<double>(now_us() - start_us) / 1e6;
    send_all();
    for (Camera& one : cameras_) mosquitto_disconnect(one.client);
    tell();
    return lost() == 0 ? 0 : 1;
  }

  void on_connected(Camera& camera, int result) {
    if (result != 0) {
      wrong_ = fmt::format("the broker refuses {}: {}", camera.topic,
                           mosquitto_connack_string(result));
      return;
    }
    if (!camera.connected) ++connected_;
    camera.connected = true;
    const std::string down = camera.topic.substr(0, camera.topic.rfind('/')) + "/down";
    mosquitto_subscribe(camera.client, nullptr, down.c_str(), 1);
  }
  void on_subscribed() { ++subscribed_; }
  void on_down(Camera& camera, Bytes payload);

 private:
  void read_photo() {
    if (options_.photo.empty()) {
      Random random(7);
      jpeg_ = make_photo(static_cast<std::size_t>(options_.photo_bytes), random);
      return;
    }
    std::ifstream file(options_.photo, std::ios::binary);
    jpeg_.assign(std::istreambuf_iterator<char>(file), {});
    if (jpeg_.size() < 256 || jpeg_[0] != 0xFF || jpeg_[1] != 0xD8)
      throw Failure{fmt::format("{} is no JPEG", options_.photo)};
  }

  void raise_limit() const {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const auto wanted = static_cast<rlim_t>(options_.devices) + 64;
    if (limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
      throw Failure{fmt::format("{} connections need as many open files, and {} are allowed: raise "
                                "`ulimit -n`", options_.devices, limit.rlim_max)};
    }
  }

  // mqtt://HOST[:PORT]
  std::pair<std::string, int> address() const {
    constexpr std::string_view scheme = "mqtt://";
    std::string host = options_.broker;
    int port = 1883;
    if (!host.starts_with(scheme)) throw Failure{"--broker must be like mqtt://127.0.0.1:1883"};
    host.erase(0, scheme.size());
    if (const std::size_t colon = host.rfind(':'); colon != std::string::npos) {
      const auto end = host.data() + host.size();
      const auto parsed = std::from_chars(host.data() + colon + 1, end, port);
      if (parsed.ptr != end || port < 1 || port > 65'535)
        throw Failure{"--broker must be like mqtt://127.0.0.1:1883"};
      host.erase(colon);
    }
    return {host, port};
  }

  void connect_one(std::size_t index, const std::string& host, int port) {
    Camera& camera = cameras_[index];
    const std::string name = fmt::format("load{:06}", index + 1);
    camera.load = this;
    camera.topic = fmt::format("meterlens/{}/up", name);
    camera.photo_id = first_id_;
    camera.client = mosquitto_new(name.c_str(), true, &camera);
    if (camera.client == nullptr) throw Failure{"no memory for another connection"};
    mosquitto_max_inflight_messages_set(camera.client, 0);
    mosquitto_connect_callback_set(camera.client, [](mosquitto*, void* one, int result) {
      static_cast<Camera*>(one)->load->on_connected(*static_cast<Camera*>(one), result);
    });
    mosquitto_subscribe_callback_set(camera.client,
                                     [](mosquitto*, void* one, int, int, const int*) {
      static_cast<Camera*>(one)->load->on_subscribed();
    });
    mosquitto_message_callback_set(
        camera.client, [](mosquitto*, void* one, const mosquitto_message* message) {
          auto& its = *static_cast<Camera*>(one);
          its.load->on_down(its, {static_cast<const std::uint8_t*>(message->payload),
                                  static_cast<std::size_t>(message->payloadlen)});
        });
    const int result = mosquitto_connect(camera.client, host.c_str(), port, keep_alive_s);
    if (result != MOSQ_ERR_SUCCESS) {
      throw Failure{fmt::format("cannot connect to the broker at {}:{}: {}", host, port,
                                mosquitto_strerror(result))};
    }
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = &camera;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, mosquitto_socket(camera.client), &wanted) != 0)
      throw Failure{"too many connections for this system"};
    keep_write(camera);
  }

  void connect_all() {
    const auto [host, port] = address();
    const std::int64_t end_us = now_us() + 1'000'000LL * (60 + options_.devices / 100);
    for (std::size_t i = 0; i < cameras_.size(); ++i) {
      connect_one(i, host, port);
      if (i % 16 == 15) turn(0);
    }
    while (subscribed_ < options_.devices) {
      if (now_us() > end_us) {
        throw Failure{fmt::format("only {} of {} devices are connected after {} s", subscribed_,
                                  options_.devices, 60 + options_.devices / 100)};
      }
      turn(50);
    }
  }

  // What the sockets have, and what is due by the clock; at most `wait_ms`.
  void turn(int wait_ms) {
    std::array<epoll_event, 256> ready{};
    const int count = epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), wait_ms);
    for (int i = 0; i < count; ++i) {
      Camera& camera = *static_cast<Camera*>(ready[static_cast<std::size_t>(i)].data.ptr);
      const auto events = ready[static_cast<std::size_t>(i)].events;
      int result = MOSQ_ERR_SUCCESS;
      if ((events & EPOLLOUT) != 0) result = mosquitto_loop_write(camera.client, 1);
      if (result == MOSQ_ERR_SUCCESS && (events & ~static_cast<unsigned>(EPOLLOUT)) != 0)
        result = mosquitto_loop_read(camera.client, 16);
      if (result != MOSQ_ERR_SUCCESS) reconnect(camera);
      keep_write(camera);
    }
    if (!wrong_.empty()) throw Failure{wrong_};
    // Keep-alive: some at a time, all within a minute.
    for (std::size_t i = 0; i < 1 + cameras_.size() / 1000; ++i) {
      Camera& camera = cameras_[next_misc_++ % cameras_.size()];
      if (camera.client != nullptr) mosquitto_loop_misc(camera.client);
    }
  }

  void keep_write(Camera& camera) {
    const bool wants = mosquitto_want_write(camera.client);
    if (wants == camera.wants_write) return;
    camera.wants_write = wants;
    epoll_event wanted{};
    wanted.events = wants ? EPOLLIN | EPOLLOUT : EPOLLIN;
    wanted.data.ptr = &camera;
    epoll_ctl(poll_, EPOLL_CTL_MOD, mosquitto_socket(camera.client), &wanted);
  }

  // A photo that was on its way is offered again, as a camera does.
  void reconnect(Camera& camera) {
    ++counts_.disconnected;
    const int result = mosquitto_reconnect(camera.client);
    if (result != MOSQ_ERR_SUCCESS)
      throw Failure{fmt::format("the broker is gone: {}", mosquitto_strerror(result))};
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = &camera;
    epoll_ctl(poll_, EPOLL_CTL_ADD, mosquitto_socket(camera.client), &wanted);
    camera.wants_write = false;
    if (!camera.photo.empty()) camera.again_us = now_us() + again_ms * 1000;
    again_.push_back(&camera);
  }

  void send_all() {
    const std::int64_t start_us = now_us();
    const std::int64_t end_us = start_us + 1'000'000LL * options_.seconds;
    const std::int64_t last_us = end_us + 1'000'000LL * options_.patience_s;
    for (std::int64_t now = start_us; now < last_us; now = now_us()) {
      if (now < end_us) begin_due(now, start_us);
      else if (under_way_ == 0) break;
      offer_again(now);
      turn(1);
    }
    seconds_ = static_cast<double>(now_us() - start_us) / 1e6;
  }

  void begin_due(std::int64_t now, std::int64_t start_us) {
    const double due = options_.photos_per_s * static_cast<double>(now - start_us) / 1e6;
    for (int looked = 0; looked < options_.devices; ++looked) {
      if (options_.photos_per_s > 0 && static_cast<double>(counts_.started) >= due) return;
      Camera& camera = cameras_[next_++ % cameras_.size()];
      if (camera.photo.empty()) begin(camera);
      else ++counts_.late;
      if (looked % 32 == 31) turn(0);
    }
  }

  void begin(Camera& camera) {
    ++counts_.started;
    ++under_way_;
    camera.photo = unique_photo(jpeg_, static_cast<std::uint64_t>(counts_.started));
    camera.sha256 = protocol::sha256(camera.photo);
    ++camera.photo_id;
    camera.begun_us = now_us();
    send_whole(camera);
  }

  void send(Camera& camera, const protocol::Message& message) {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame{};
    const std::size_t bytes = protocol::encode_message(message, frame);
    const int result = mosquitto_publish(camera.client, nullptr, camera.topic.c_str(),
                                         static_cast<int>(bytes), frame.data(), 1, false);
    if (result != MOSQ_ERR_SUCCESS && result != MOSQ_ERR_NO_CONN &&
        result != MOSQ_ERR_CONN_LOST)
      wrong_ = fmt::format("cannot publish: {}", mosquitto_strerror(result));
    ++counts_.messages;
    counts_.bytes += static_cast<std::int64_t>(bytes);
  }

  void send_packet(Camera& camera, std::size_t index) {
    const auto data = Bytes(camera.photo).subspan(
        index * protocol::packet_bytes_max, protocol::packet_bytes(camera.photo.size(), index));
    send(camera, protocol::Packet{camera.photo_id, static_cast<std::uint16_t>(index), data});
  }

  void send_whole(Camera& camera) {
    using namespace std::chrono;
    protocol::Offer offer;
    offer.photo_id = camera.photo_id;
    offer.photo_bytes = static_cast<std::uint32_t>(camera.photo.size());
    offer.captured_at_ms = static_cast<std::uint64_t>(
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
    offer.sha256 = camera.sha256;
    send(camera, offer);
    for (std::size_t i = 0; i < protocol::packet_count(camera.photo.size()); ++i)
      send_packet(camera, i);
    send(camera, protocol::Sent{camera.photo_id});
    keep_write(camera);
  }

  void send_missing(Camera& camera, const protocol::Missing& missing) {
    if (missing.bitmap.empty()) {
      counts_.resent += static_cast<std::int64_t>(protocol::packet_count(camera.photo.size()));
      return send_whole(camera);
    }
    const std::size_t count = protocol::packet_count(camera.photo.size());
    for (std::size_t i = 0; i < count && i / 8 < missing.bitmap.size(); ++i) {
      if ((missing.bitmap[i / 8] >> (i % 8) & 1) == 0) continue;
      send_packet(camera, i);
      ++counts_.resent;
    }
    send(camera, protocol::Sent{camera.photo_id});
    keep_write(camera);
  }

  void stored(Camera& camera, const protocol::Stored& answer) {
    if (answer.photo_id == camera.stored_id) ++counts_.answered_twice;
    if (answer.photo_id != camera.photo_id || camera.photo.empty()) return;
    if (answer.sha256 != camera.sha256) return;
    camera.stored_id = camera.photo_id;
    camera.photo.clear();
    camera.photo.shrink_to_fit();
    camera.again_us = 0;
    --under_way_;
    ++counts_.stored;
    counts_.latency_ms.push_back(static_cast<float>(now_us() - camera.begun_us) / 1000);
  }

  void offer_again(std::int64_t now) {
    while (!again_.empty() && again_.front()->again_us <= now) {
      Camera& camera = *again_.front();
      again_.pop_front();
      if (camera.again_us == 0 || camera.photo.empty()) continue;
      camera.again_us = 0;
      send_whole(camera);
    }
  }

  std::int64_t lost() const { return counts_.started - counts_.stored; }

  // In milliseconds; `share` of all are at most so late.
  double latency(double share) const {
    if (counts_.latency_ms.empty()) return 0;
    const auto last = static_cast<double>(counts_.latency_ms.size() - 1);
    return counts_.latency_ms[static_cast<std::size_t>(share * last)];
  }

  void tell() {
    std::ranges::sort(counts_.latency_ms);
    const nlohmann::json out{
        {"devices", options_.devices},
        {"connect_s", connect_s_},
        {"seconds", seconds_},
        {"photos_started", counts_.started},
        {"photos_stored", counts_.stored},
        {"photos_per_s", static_cast<double>(counts_.stored) / seconds_},
        {"lost", lost()},
        {"answered_twice", counts_.answered_twice},
        {"refused", counts_.refused},
        {"late", counts_.late},
        {"disconnected", counts_.disconnected},
        {"messages", counts_.messages},
        {"packets_resent", counts_.resent},
        {"bytes", counts_.bytes},
        {"latency_ms", {{"p50", latency(0.5)}, {"p90", latency(0.9)}, {"p99", latency(0.99)},
                        {"max", latency(1)}}},
    };
    if (options_.json) {
      fmt::print("{}\n", out.dump());
      return;
    }
    fmt::print("{} devices, {} photos begun, {} stored ({:.1f}/s), {} lost, {} answered twice\n"
               "from the offer to `Stored`: half within {:.0f} ms, 99 % within {:.0f} ms, all "
               "within {:.0f} ms\n{} messages, {} packets resent, {} refused, {} reconnections\n",
               options_.devices, counts_.started, counts_.stored,
               static_cast<double>(counts_.stored) / seconds_, lost(), counts_.answered_twice,
               latency(0.5), latency(0.99), latency(1), counts_.messages, counts_.resent,
               counts_.refused, counts_.disconnected);
  }

  const LoadOptions& options_;
  std::string wrong_;           // found in a callback of libmosquitto's, which knows no exceptions
  int poll_ = -1;
  std::vector<Camera> cameras_;
  std::deque<Camera*> again_;  // by their time
  Buffer jpeg_;
  std::uint32_t first_id_ = 0;
  int connected_ = 0, subscribed_ = 0;
  std::size_t next_ = 0, next_misc_ = 0;
  std::int64_t under_way_ = 0;
  double connect_s_ = 0, seconds_ = 1;
  Counts counts_;
};

void Load::on_down(Camera& camera, Bytes payload) {
  const auto message = protocol::decode_message(payload);
  if (!message) return;
  if (const auto* answer = std::get_if<protocol::Stored>(&*message)) return stored(camera, *answer);
  if (camera.photo.empty()) return;
  if (const auto* missing = std::get_if<protocol::Missing>(&*message)) {
    if (missing->photo_id == camera.photo_id) send_missing(camera, *missing);
  } else if (const auto* refused = std::get_if<protocol::Refused>(&*message)) {
    if (refused->photo_id != camera.photo_id) return;
    ++counts_.refused;
    camera.again_us = now_us() + again_ms * 1000;
    again_.push_back(&camera);
  }
}

}  // namespace

int load(const LoadOptions& options) {
  mosquitto_lib_init();
  try {
    return Load(options).run();
  } catch (const Failure& failure) {
    fmt::print(stderr, "meterlens load: {}\n", failure.text);
    return 1;
  }
}

}  // namespace meterlens::sim
