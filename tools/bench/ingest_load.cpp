// Load for the ingest benchmark: many devices on one MQTT connection, each sending one photo at a
// time as SPEC.md says, until every photo was answered by `Stored`; or, as the ceiling, the same
// number of messages of the same size through the same broker to a subscriber that only counts.
// Prints one JSON line. Bounded in count and by --limit-s.
#include <fmt/core.h>
#include <mosquitto.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "protocol/ids.h"
#include "protocol/message.h"

namespace {

using namespace meterlens::protocol;
using Clock_ = std::chrono::steady_clock;
using Buffer = std::vector<std::uint8_t>;

struct Options {
  std::string mode = "ingest";
  std::string photo;
  int port = 1883;
  int devices = 100;
  int photos = 1000;
  int limit_s = 120;
  int rate = 0;          // photos a second, 0: as fast as they are taken
  int hold_packets = 0;  // leave so many packets of each photo out (for memory in flight)
};

int number(const char* text) {
  int value = 0;
  const std::string_view view(text);
  std::from_chars(view.data(), view.data() + view.size(), value);
  return value;
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    if (key == "--mode") o.mode = argv[i + 1];
    if (key == "--photo") o.photo = argv[i + 1];
    if (key == "--port") o.port = number(argv[i + 1]);
    if (key == "--devices") o.devices = number(argv[i + 1]);
    if (key == "--photos") o.photos = number(argv[i + 1]);
    if (key == "--limit-s") o.limit_s = number(argv[i + 1]);
    if (key == "--rate") o.rate = number(argv[i + 1]);
    if (key == "--hold-packets") o.hold_packets = number(argv[i + 1]);
  }
  return o;
}

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "bench: {}\n", why);
  std::_Exit(1);
}

// The photo with a comment segment of its own, so that no two have the same hash.
Buffer unique_photo(const Buffer& jpeg, std::uint64_t serial) {
  Buffer out = {0xFF, 0xD8, 0xFF, 0xFE, 0, 10};
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(serial >> (8 * i)));
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

// One camera: the frames of its present photo and how many of them have gone out.
struct Camera {
  std::string topic;
  std::uint32_t photo_id = 0;
  std::vector<Buffer> frames;
  std::size_t next = 0;
  bool waiting = false;
  bool done = false;
  Clock_::time_point begun;
};

Buffer frame_of(const Message& message) {
  Buffer out(frame_bytes_max);
  out.resize(encode_message(message, out));
  return out;
}

class Load {
 public:
  Load(const Options& options, Buffer jpeg) : options_(options), jpeg_(std::move(jpeg)) {
    cameras_.resize(static_cast<std::size_t>(options.devices));
    for (std::size_t i = 0; i < cameras_.size(); ++i) {
      cameras_[i].topic = fmt::format("meterlens/bench{:05}/up", i);
      // At a rate each waits for its turn.
      if (options.rate == 0) load_next(cameras_[i]);
      cameras_[i].done = options.rate != 0;
    }
  }

  // Sends until all photos are stored (or, with held packets, until all were sent).
  void run(mosquitto* client) {
    const auto limit = Clock_::now() + std::chrono::seconds(options_.limit_s);
    while (stored_ < options_.photos && !(options_.hold_packets > 0 && all_waiting())) {
      if (Clock_::now() > limit)
        give_up(fmt::format("only {} of {} photos stored in time", stored_, options_.photos));
      if (options_.rate > 0) start_due();
      const auto pause = std::chrono::microseconds(options_.rate > 0 ? 1000 : 100);
      if (!step(client)) std::this_thread::sleep_for(pause);
    }
  }

  void on_published() { ++acknowledged_; }
  void on_down(std::string_view topic, Bytes payload);
  std::int64_t messages() const { return published_; }
  std::int64_t resent() const { return resent_; }
  // From a photo's first frame to its `Stored`, in ms.
  double slowest_ms() const { return slowest_ms_; }

 private:
  // The cameras whose turn has come; one that is still busy has its turn later.
  void start_due() {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> since_begin = Clock_::now() - begun_;
    while (started_ < options_.photos && started_ < options_.rate * since_begin.count()) {
      Camera& camera = cameras_[static_cast<std::size_t>(started_) % cameras_.size()];
      if (!camera.done) return;
      camera.done = false;
      load_next(camera);
    }
  }

  void load_next(Camera& camera) {
    camera.begun = Clock_::now();
    camera.frames.clear();
    camera.next = 0;
    camera.waiting = false;
    if (started_ == options_.photos) {
      camera.done = true;
      return;
    }
    busy_.push_back(&camera);
    const Buffer photo = unique_photo(jpeg_, (static_cast<std::uint64_t>(getpid()) << 32) |
                                                 static_cast<std::uint64_t>(++started_));
    const auto bytes = static_cast<std::uint32_t>(photo.size());
    camera.photo_id = static_cast<std::uint32_t>(started_);
    camera.frames.push_back(frame_of(Offer{camera.photo_id, bytes, 0, 0, sha256(photo)}));
    const std::size_t count = packet_count(photo.size());
    const std::size_t held = static_cast<std::size_t>(options_.hold_packets);
    for (std::size_t i = 0; i + held < count; ++i) {
      const Bytes data = Bytes(photo).subspan(i * packet_bytes_max, packet_bytes(bytes, i));
      camera.frames.push_back(
          frame_of(Packet{camera.photo_id, static_cast<std::uint16_t>(i), data}));
    }
    if (held == 0) camera.frames.push_back(frame_of(Sent{camera.photo_id}));
  }

  bool all_waiting() {
    const std::lock_guard lock(mutex_);
    for (const Camera& camera : cameras_)
      if (!camera.waiting && !camera.done) return false;
    return acknowledged_ == published_;
  }

  bool step(mosquitto* client) {
    const std::lock_guard lock(mutex_);
    bool sent = false;
    std::erase_if(busy_, [](const Camera* camera) { return camera->done || camera->waiting; });
    for (Camera* const one : busy_) {
      Camera& camera = *one;
      if (camera.waiting) continue;
      if (published_ - acknowledged_ > 500) break;
      const Buffer& frame = camera.frames[camera.next];
      if (mosquitto_publish(client, nullptr, camera.topic.c_str(), static_cast<int>(frame.size()),
                            frame.data(), 1, false) != MOSQ_ERR_SUCCESS)
        give_up("publish failed");
      ++published_;
      sent = true;
      camera.waiting = ++camera.next == camera.frames.size();
    }
    return sent;
  }

  Options options_;
  Buffer jpeg_;
  std::mutex mutex_;
  std::vector<Camera> cameras_;
  std::vector<Camera*> busy_;  // those that have something to send, and some that had
  const Clock_::time_point begun_ = Clock_::now();
  double slowest_ms_ = 0;
  int started_ = 0;
  std::atomic<int> stored_ = 0;
  std::atomic<std::int64_t> published_ = 0, acknowledged_ = 0, resent_ = 0;
};

void Load::on_down(std::string_view topic, Bytes payload) {
  const auto parsed = parse_topic(topic);
  const auto message = decode_message(payload);
  if (!parsed || !message || !parsed->device.starts_with("bench")) return;
  const std::lock_guard lock(mutex_);
  std::size_t index = 0;
  std::from_chars(parsed->device.data() + 5, parsed->device.data() + parsed->device.size(), index);
  if (index >= cameras_.size()) return;
  Camera& camera = cameras_[index];
  if (const auto* stored = std::get_if<Stored>(&*message)) {
    if (stored->photo_id != camera.photo_id || camera.done) return;
    ++stored_;
    const std::chrono::duration<double, std::milli> took = Clock_::now() - camera.begun;
    slowest_ms_ = std::max(slowest_ms_, took.count());
    if (options_.rate == 0) return load_next(camera);
    camera.frames = {};
    camera.done = true;
  } else if (std::holds_alternative<Missing>(*message) && camera.waiting &&
             options_.hold_packets == 0) {
    camera.next = 0;  // rare: send the whole photo again
    camera.waiting = false;
    busy_.push_back(&camera);
    ++resent_;
  } else if (const auto* refused = std::get_if<Refused>(&*message)) {
    give_up(fmt::format("refused: {}", name(refused->reason)));
  }
}

mosquitto* connect(const Options& options, void* context) {
  mosquitto* client = mosquitto_new(nullptr, true, context);
  mosquitto_max_inflight_messages_set(client, 0);
  if (mosquitto_connect(client, "127.0.0.1", options.port, 60) != MOSQ_ERR_SUCCESS)
    give_up("no broker");
  return client;
}

// The ceiling's subscriber: a process of its own that counts into shared memory.
void count_messages(const Options& options, std::atomic<std::int64_t>* count) {
  mosquitto* client = connect(options, count);
  mosquitto_message_callback_set(client, [](mosquitto*, void* c, const mosquitto_message*) {
    ++*static_cast<std::atomic<std::int64_t>*>(c);
  });
  mosquitto_subscribe_callback_set(client, [](mosquitto*, void* c, int, int, const int*) {
    *static_cast<std::atomic<std::int64_t>*>(c) = 0;
  });
  mosquitto_subscribe(client, nullptr, "meterlens-ceiling/+/up", 1);
  mosquitto_loop_forever(client, -1, 1);
}

double run_ceiling(const Options& options, std::int64_t messages) {
  void* shared = mmap(nullptr, sizeof(std::atomic<std::int64_t>), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* count = new (shared) std::atomic<std::int64_t>(-1);
  const pid_t child = fork();
  if (child == 0) {
    count_messages(options, count);
    std::_Exit(0);
  }
  while (count->load() < 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  mosquitto* client = connect(options, nullptr);
  mosquitto_loop_start(client);
  const Buffer payload(frame_bytes_max, 0x5A);
  const auto start = Clock_::now();
  const auto limit = start + std::chrono::seconds(options.limit_s);
  for (std::int64_t sent = 0; count->load() < messages;) {
    if (Clock_::now() > limit) give_up("the ceiling took too long");
    if (sent == messages || sent - count->load() > 500) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      continue;
    }
    const std::string topic = fmt::format("meterlens-ceiling/{}/up", sent % options.devices);
    mosquitto_publish(client, nullptr, topic.c_str(), static_cast<int>(payload.size()),
                      payload.data(), 1, false);
    ++sent;
  }
  const double seconds = std::chrono::duration<double>(Clock_::now() - start).count();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::ifstream file(options.photo, std::ios::binary);
  Buffer jpeg((std::istreambuf_iterator<char>(file)), {});
  if (jpeg.size() < 4) give_up("--photo: not a JPEG: " + options.photo);
  mosquitto_lib_init();
  const std::size_t per_photo = packet_count(jpeg.size() + 12) + 2;
  if (options.mode == "ceiling") {
    const auto messages = static_cast<std::int64_t>(per_photo) * options.photos;
    const double seconds = run_ceiling(options, messages);
    fmt::print("{{\"messages\":{},\"seconds\":{:.3f},\"messages_per_s\":{:.0f}}}\n", messages,
               seconds, static_cast<double>(messages) / seconds);
    return 0;
  }
  Load load(options, std::move(jpeg));
  mosquitto* client = connect(options, &load);
  mosquitto_publish_callback_set(client, [](mosquitto*, void* l, int) {
    static_cast<Load*>(l)->on_published();
  });
  mosquitto_message_callback_set(client, [](mosquitto*, void* l, const mosquitto_message* m) {
    static_cast<Load*>(l)->on_down(
        m->topic, {static_cast<const std::uint8_t*>(m->payload),
                   static_cast<std::size_t>(m->payloadlen)});
  });
  mosquitto_subscribe(client, nullptr, "meterlens/+/down", 1);
  mosquitto_loop_start(client);
  const auto start = Clock_::now();
  load.run(client);
  const double seconds = std::chrono::duration<double>(Clock_::now() - start).count();
  fmt::print("{{\"photos\":{},\"messages\":{},\"seconds\":{:.3f},\"photos_per_s\":{:.1f},"
             "\"messages_per_s\":{:.0f},\"resent\":{},\"slowest_ms\":{:.0f}}}\n",
             options.photos, load.messages(), seconds, options.photos / seconds,
             static_cast<double>(load.messages()) / seconds, load.resent(), load.slowest_ms());
  std::fflush(stdout);
  if (options.hold_packets > 0) std::this_thread::sleep_for(std::chrono::seconds(3));
  std::_Exit(0);
}
