#include "sim/load.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "face/face.h"
#include "protocol/base64.h"
#include "protocol/ids.h"
#include "protocol/message.h"
#include "server/clock.h"
#include "sim/load_links.h"
#include "sim/load_passwords.h"
#include "sim/photographer.h"

namespace meterlens::sim {
namespace {

using Steady = std::chrono::steady_clock;
using protocol::Bytes;

constexpr std::int64_t again_ms = 1000;  // after a refusal, or a lost connection
// Without an answer; a real camera waits longer each time.
constexpr std::int64_t silence_ms = 10'000;
constexpr std::size_t smart_piece_bytes = 1024;
constexpr const char* load_product = "load";
constexpr const char* smart_prefix = "smart-";

struct Counts {
  std::int64_t started = 0, stored = 0, smart_sent = 0, answered_twice = 0, refused = 0, late = 0;
  std::int64_t messages = 0, resent = 0, bytes = 0, disconnected = 0, asked_again = 0;
  std::vector<float> latency_ms;
};

// The photo with a comment of its own, so that no two have the same hash.
Buffer unique_photo(const Buffer& jpeg, std::uint64_t serial) {
  Buffer out = {0xFF, 0xD8, 0xFF, 0xFE, 0, 18};
  for (const std::uint64_t part : {serial, static_cast<std::uint64_t>(now_us())})
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(part >> (8 * i)));
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

struct Camera {
  std::string name, topic;
  std::size_t link = 0;
  bool is_smart = false;
  Buffer photo;                 // empty: idle
  std::uint32_t photo_id = 0;   // of the present one, or the last
  std::uint32_t stored_id = 0;  // answered last
  protocol::Digest sha256{};
  std::int64_t begun_us = 0;
  std::int64_t again_us = 0;    // 0: nothing is to be offered again
};

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options),
        passwords_(options.passwords_file),
        links_(parse_load_brokers(options.broker, options.ca_file),
               {[this](std::size_t link) { on_connected(link); },
                [this](std::size_t link) { on_lost(link); },
                [this](std::string_view topic, Bytes payload) { on_message(topic, payload); }}) {
    // Numbers of photos are never used again, also by the next run.
    const auto first_id = static_cast<std::uint32_t>(server::unix_ms() / 1000);
    cameras_.resize(static_cast<std::size_t>(options.devices));
    connections_ = options.connections == 0 ? cameras_.size()
                                            : std::min(cameras_.size(),
                                                       static_cast<std::size_t>(
                                                           options.connections));
    constexpr std::size_t prime = 7919;
    if (cameras_.size() % prime != 0) stride_ = prime;
    for (std::size_t i = 0; i < cameras_.size(); ++i) {
      Camera& camera = cameras_[i];
      const auto smart_until = [&](std::size_t n) {
        return static_cast<std::int64_t>(static_cast<double>(n) * options.smartdtu_share);
      };
      camera.is_smart = smart_until(i + 1) > smart_until(i);
      camera.name = fmt::format("{}{}{:06}", camera.is_smart ? smart_prefix : "", options.prefix,
                                i + 1);
      camera.topic = camera.is_smart ? fmt::format("{}/{}/event", load_product, camera.name)
                                     : fmt::format("meterlens/{}/up", camera.name);
      camera.link = i % connections_;
      camera.photo_id = first_id;
    }
  }

  int run() {
    read_photo();
    raise_limit();
    const std::int64_t start_us = now_us();
    connect_all();
    connect_s_ = static_cast<double>(now_us() - start_us) / 1e6;
    bool all_stored = true;
    if (options_.on_word) say("connected");
    while (!options_.on_word || word_came()) {
      counts_ = {};
      send_all();
      tell();
      all_stored = all_stored && lost() == 0;
      if (!options_.on_word) break;
    }
    links_.disconnect_all();
    return all_stored ? 0 : 1;
  }

 private:
  static void say(const char* what) {
    fmt::print("{}\n", what);
    std::fflush(stdout);
  }

  // A line on standard input, or its end, for which the connections are kept up.
  bool word_came() {
    char byte = 0;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (byte != '\n') {
      links_.turn(20);
      if (poll(&input, 1, 0) == 0) continue;
      if (read(STDIN_FILENO, &byte, 1) != 1) return false;
    }
    return true;
  }

  void read_photo() {
    if (options_.photo.empty()) {
      Random random(7);
      jpeg_ = make_photo(static_cast<std::size_t>(options_.photo_bytes), random);
      smart_jpeg_ = drawn_photo();
      return;
    }
    std::ifstream file(options_.photo, std::ios::binary);
    jpeg_.assign(std::istreambuf_iterator<char>(file), {});
    if (jpeg_.size() < 256 || jpeg_[0] != 0xFF || jpeg_[1] != 0xD8)
      throw LoadFailure{fmt::format("{} is no JPEG", options_.photo)};
    smart_jpeg_ = jpeg_;
  }

  void raise_limit() const {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const auto wanted = static_cast<rlim_t>(connections_) + 64;
    if (limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
      throw LoadFailure{
          fmt::format("{} connections need as many open files, and {} are allowed: raise `ulimit "
                      "-n`, or let fewer speak for all with --connections",
                      connections_, limit.rlim_max)};
    }
  }

  void connect_all() {
    const std::int64_t patience_s = 60 + options_.devices / 100;
    const std::int64_t end_us = now_us() + 1'000'000LL * patience_s;
    for (std::size_t i = 0; i < connections_; ++i) {
      const std::string& name = cameras_[i].name;
      const bool has_user = !options_.user.empty() || !passwords_.empty();
      const std::string user = options_.user.empty() ? "{device}" : options_.user;
      links_.add(name, has_user ? with_device(user, name) : "",
                 passwords_.empty() ? "" : passwords_.of(name));
      if (i % 16 == 15) links_.turn(0);
    }
    while (links_.subscribed() < cameras_.size()) {
      if (now_us() > end_us) {
        throw LoadFailure{fmt::format("only {} of {} devices are connected after {} s",
                                      links_.subscribed(), options_.devices, patience_s)};
      }
      links_.turn(50);
    }
  }

  void on_connected(std::size_t link) {
    for (std::size_t i = link; i < cameras_.size(); i += connections_) {
      const std::string& topic = cameras_[i].topic;
      const std::string down = cameras_[i].is_smart ? "/control" : "/down";
      links_.subscribe(link, topic.substr(0, topic.rfind('/')) + down);
    }
  }

  // A photo that was on its way is offered again, as a camera does.
  void on_lost(std::size_t link) {
    ++counts_.disconnected;
    for (std::size_t i = link; i < cameras_.size(); i += connections_)
      if (!cameras_[i].photo.empty()) send_later(cameras_[i]);
  }

  void send_later(Camera& camera) {
    camera.again_us = now_us() + again_ms * 1000;
    again_.push_back(&camera);
  }

  // The answer may be lost like everything else: the server says again what it has.
  void ask_again(std::int64_t now) {
    while (!asked_.empty() && asked_.front().second + silence_ms * 1000 <= now) {
      const auto [index, begun_us] = asked_.front();
      asked_.pop_front();
      const Camera& camera = cameras_[index];
      if (camera.photo.empty() || camera.begun_us > begun_us) continue;
      ++counts_.asked_again;
      send(camera, protocol::Sent{camera.photo_id});
      asked_.emplace_back(index, now);
    }
  }

  void on_message(std::string_view topic, Bytes payload) {
    const auto parsed = protocol::parse_topic(topic);
    const auto message = protocol::decode_message(payload);
    if (!parsed || !message || !parsed->device.starts_with(options_.prefix)) return;
    std::size_t number = 0;
    const auto digits = parsed->device.substr(options_.prefix.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (number == 0 || number > cameras_.size()) return;
    Camera& camera = cameras_[number - 1];
    if (const auto* answer = std::get_if<protocol::Stored>(&*message))
      return stored(camera, *answer);
    if (camera.photo.empty()) return;
    if (const auto* missing = std::get_if<protocol::Missing>(&*message)) {
      if (missing->photo_id == camera.photo_id) send_missing(camera, *missing);
    } else if (const auto* refused = std::get_if<protocol::Refused>(&*message)) {
      if (refused->photo_id != camera.photo_id) return;
      ++counts_.refused;
      send_later(camera);
    }
  }

  void stored(Camera& camera, const protocol::Stored& answer) {
    if (answer.photo_id == camera.stored_id) ++counts_.answered_twice;
    if (answer.photo_id != camera.photo_id || camera.photo.empty()) return;
    if (answer.sha256 != camera.sha256) return;
    camera.stored_id = camera.photo_id;
    ++counts_.stored;
    counts_.latency_ms.push_back(static_cast<float>(now_us() - camera.begun_us) / 1000);
    done(camera);
  }

  void done(Camera& camera) {
    camera.photo.clear();
    camera.photo.shrink_to_fit();
    camera.again_us = 0;
    --under_way_;
  }

  void send_all() {
    const std::int64_t start_us = now_us();
    const std::int64_t end_us = start_us + 1'000'000LL * options_.seconds;
    const std::int64_t last_us = end_us + 1'000'000LL * options_.patience_s;
    for (std::int64_t now = start_us; now < last_us; now = now_us()) {
      if (now < end_us) begin_due(now, start_us);
      else if (under_way_ == 0) break;
      offer_again(now);
      ask_again(now);
      links_.turn(1);
    }
    seconds_ = static_cast<double>(now_us() - start_us) / 1e6;
  }

  void begin_due(std::int64_t now, std::int64_t start_us) {
    const double due = options_.photos_per_s * static_cast<double>(now - start_us) / 1e6;
    for (int looked = 0; looked < options_.devices; ++looked) {
      if (options_.photos_per_s > 0 && static_cast<double>(counts_.started) >= due) return;
      Camera& camera = cameras_[next_++ * stride_ % cameras_.size()];
      if (camera.photo.empty()) begin(camera);
      else ++counts_.late;
      if (looked % 32 == 31) links_.turn(0);
    }
  }

  void begin(Camera& camera) {
    ++counts_.started;
    ++under_way_;
    camera.photo = unique_photo(camera.is_smart ? smart_jpeg_ : jpeg_,
                                static_cast<std::uint64_t>(counts_.started));
    ++camera.photo_id;
    camera.begun_us = now_us();
    if (camera.is_smart) return send_smart(camera);
    camera.sha256 = protocol::sha256(camera.photo);
    asked_.emplace_back(static_cast<std::size_t>(&camera - cameras_.data()), camera.begun_us);
    send_whole(camera);
  }

  void send(const Camera& camera, Bytes payload, int qos) {
    links_.publish(camera.link, camera.topic, payload, qos);
    ++counts_.messages;
    counts_.bytes += static_cast<std::int64_t>(payload.size());
  }

  void send(const Camera& camera, const protocol::Message& message) {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame{};
    send(camera, Bytes(frame).first(protocol::encode_message(message, frame)), 1);
  }

  // Once, in pieces without numbers; nobody says that it has arrived.
  void send_smart(Camera& camera) {
    const std::string file = fmt::format("capture_{:08x}{:08x}.jpg", camera.photo_id,
                                         static_cast<std::uint32_t>(counts_.started));
    const auto event = [&](const std::string& rest) {
      const std::string text =
          fmt::format(R"({{"uart1":{{"config":{{"baud_rate":115200}},"payload":{{"image":)"
                      R"({{"image_file":"{}",{}}}}}}}}})", file, rest);
      send(camera, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, 0);
    };
    for (std::size_t at = 0; at < camera.photo.size(); at += smart_piece_bytes) {
      const auto piece =
          Bytes(camera.photo).subspan(at, std::min(smart_piece_bytes, camera.photo.size() - at));
      std::string text((piece.size() + 2) / 3 * 4, '\0');
      text.resize(protocol::base64_encode(piece, text));
      event(fmt::format(R"("image_binary":"{}\n")", text));
    }
    event(R"("image_end":true)");
    ++counts_.smart_sent;
    done(camera);
  }

  void send_packet(const Camera& camera, std::size_t index) {
    const auto data = Bytes(camera.photo).subspan(
        index * protocol::packet_bytes_max, protocol::packet_bytes(camera.photo.size(), index));
    send(camera, protocol::Packet{camera.photo_id, static_cast<std::uint16_t>(index), data});
  }

  void send_whole(const Camera& camera) {
    protocol::Offer offer;
    offer.photo_id = camera.photo_id;
    offer.photo_bytes = static_cast<std::uint32_t>(camera.photo.size());
    offer.captured_at_ms = static_cast<std::uint64_t>(server::unix_ms());
    offer.sha256 = camera.sha256;
    send(camera, offer);
    for (std::size_t i = 0; i < protocol::packet_count(camera.photo.size()); ++i)
      send_packet(camera, i);
    send(camera, protocol::Sent{camera.photo_id});
  }

  void send_missing(const Camera& camera, const protocol::Missing& missing) {
    const std::size_t count = protocol::packet_count(camera.photo.size());
    if (missing.bitmap.empty()) {
      counts_.resent += static_cast<std::int64_t>(count);
      return send_whole(camera);
    }
    for (std::size_t i = 0; i < count && i / 8 < missing.bitmap.size(); ++i) {
      if ((missing.bitmap[i / 8] >> (i % 8) & 1) == 0) continue;
      send_packet(camera, i);
      ++counts_.resent;
    }
    send(camera, protocol::Sent{camera.photo_id});
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

  std::int64_t lost() const { return counts_.started - counts_.stored - counts_.smart_sent; }

  // In milliseconds; `share` of all are at most so late.
  double latency(double share) const {
    if (counts_.latency_ms.empty()) return 0;
    const auto last = static_cast<double>(counts_.latency_ms.size() - 1);
    return counts_.latency_ms[static_cast<std::size_t>(share * last)];
  }

  void tell();

  const LoadOptions& options_;
  Passwords passwords_;
  LoadLinks links_;
  std::vector<Camera> cameras_;
  std::size_t connections_ = 0;
  std::deque<Camera*> again_;  // by their time
  std::deque<std::pair<std::size_t, std::int64_t>> asked_;  // which camera, and when
  Buffer jpeg_, smart_jpeg_;
  std::size_t next_ = 0, stride_ = 1;  // each has its turn, far from the one before
  std::int64_t under_way_ = 0;
  double connect_s_ = 0, seconds_ = 1;
  Counts counts_;
};

void Load::tell() {
  std::ranges::sort(counts_.latency_ms);
  const double per_s = static_cast<double>(counts_.stored + counts_.smart_sent) / seconds_;
  if (!options_.json) {
    const auto row = [](const char* what, const std::string& value) {
      fmt::print("{:<34}{:>14}\n", what, value);
    };
    row("devices", fmt::format("{}", options_.devices));
    row("connections", fmt::format("{}", connections_));
    row("photos begun", fmt::format("{}", counts_.started));
    row("stored, as the server said", fmt::format("{}", counts_.stored));
    row("sent by SmartDTUs, not answered", fmt::format("{}", counts_.smart_sent));
    row("lost", fmt::format("{}", lost()));
    row("photos a second", fmt::format("{:.1f}", per_s));
    row("half stored within, ms", fmt::format("{:.0f}", latency(0.5)));
    row("99 % stored within, ms", fmt::format("{:.0f}", latency(0.99)));
    row("all stored within, ms", fmt::format("{:.0f}", latency(1)));
    row("messages", fmt::format("{}", counts_.messages));
    row("packets sent again", fmt::format("{}", counts_.resent));
    row("asked again after 10 s", fmt::format("{}", counts_.asked_again));
    row("refused for now", fmt::format("{}", counts_.refused));
    row("answered twice", fmt::format("{}", counts_.answered_twice));
    row("connections lost", fmt::format("{}", counts_.disconnected));
  }
  const nlohmann::json out{
      {"devices", options_.devices},
      {"connections", connections_},
      {"connect_s", connect_s_},
      {"seconds", seconds_},
      {"photos_started", counts_.started},
      {"photos_stored", counts_.stored},
      {"smartdtu_sent", counts_.smart_sent},
      {"photos_per_s", per_s},
      {"lost", lost()},
      {"answered_twice", counts_.answered_twice},
      {"refused", counts_.refused},
      {"late", counts_.late},
      {"disconnected", counts_.disconnected},
      {"messages", counts_.messages},
      {"packets_resent", counts_.resent},
      {"asked_again", counts_.asked_again},
      {"bytes", counts_.bytes},
      {"latency_ms", {{"p50", latency(0.5)}, {"p90", latency(0.9)}, {"p99", latency(0.99)},
                      {"max", latency(1)}}},
  };
  say(out.dump().c_str());
}

}  // namespace

int load(const LoadOptions& options) {
  try {
    return std::make_unique<Load>(options)->run();
  } catch (const LoadFailure& failure) {
    fmt::print(stderr, "meterlens load: {}\n", failure.text);
    return 1;
  }
}

}  // namespace meterlens::sim
