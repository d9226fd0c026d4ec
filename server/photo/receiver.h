// The server's half of the native photo transfer (SPEC.md section 4): offers and packets in any
// order go in, whole photos with the right hash come out, and answers for the cameras.
// A pure state machine: the clock is the caller's, one thread, nothing is sent or written here.
// Owns the bytes of photos in flight, allocated once per offer and bounded in number and in all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/message.h"
#include "server/metrics/metrics.h"
#include "server/photo/photo.h"

namespace meterlens::photo {

struct ReceiverLimits {
  std::size_t photo_bytes_max = protocol::photo_bytes_max;
  std::size_t photos_max = 4096;                   // in flight
  std::size_t bytes_max = std::size_t{256} << 20;  // of photos in flight, in all
  std::size_t device_photos_max = 2;               // in flight; the oldest gives way
  std::int64_t gap_ms = 5000;        // no packet for so long: `Missing` without being asked
  int missing_count_max = 6;         // so often, then only when the camera asks
  std::int64_t forget_ms = 600'000;  // no packet for so long: the partial photo is dropped
  std::int64_t unoffered_ms = 1000;  // at most one empty `Missing` a device in this time
};

// One frame for one native device.
struct Answer {
  std::string device;
  std::vector<std::uint8_t> frame;
};

// How far the photo of a command has come.
struct Progress {
  std::string device;
  std::int64_t command = 0;
  int packets_received = 0;
  int packets_total = 0;
};

// The photo of a command was refused. Its camera keeps it, but for `empty` and `too_large`.
struct RefusedPhoto {
  std::string device;
  std::int64_t command = 0;
  protocol::Refusal reason = protocol::Refusal::busy;
};

struct ReceiverOutput {
  std::vector<Answer> answers;
  std::vector<Photo> photos;       // whole: to be committed, then `stored` or `refuse`d
  std::vector<Progress> progress;  // of photos that a command asked for
  std::vector<RefusedPhoto> refusals;  // of such photos
};

class Receiver {
 public:
  // Whether the store has this photo already; nothing when it cannot be asked.
  using IsStored = std::function<std::optional<bool>(
      const std::string& device, std::uint32_t photo_id, const protocol::Digest& sha256)>;

  Receiver(const ReceiverLimits& limits, IsStored is_stored, metrics::Metrics& metrics);

  void offer(const std::string& device, const protocol::Offer& offer, std::int64_t now_ms);
  void data(const std::string& device, std::uint32_t photo_id, std::uint16_t index,
            protocol::Bytes data, std::int64_t now_ms);
  void sent(const std::string& device, std::uint32_t photo_id, std::int64_t now_ms);

  // The photo is committed: the camera may forget it.
  void stored(const std::string& device, std::uint32_t photo_id, const protocol::Digest& sha256);
  // The photo could not be committed: the camera keeps it.
  void refuse(const std::string& device, std::uint32_t photo_id, protocol::Refusal reason);
  // While set, offers are refused at once: there is no room to store a photo.
  void set_storage_full(bool full) { storage_full_ = full; }

  // Repeats `Missing`, forgets what has stopped. Call at least once a second.
  void tick(std::int64_t now_ms);

  // The caller's clock was set; what was to happen in a second still does.
  void clock_moved(std::int64_t by_ms);

  // What came of the calls since the last take.
  ReceiverOutput take();

  std::size_t photos_in_flight() const { return photos_; }
  std::size_t bytes_in_flight() const { return bytes_; }

 private:
  struct Transfer {
    protocol::Offer offer;
    std::vector<std::uint8_t> bytes;   // empty while the whole photo is being committed
    std::vector<std::uint8_t> bitmap;  // 1 = missing
    std::uint32_t missing = 0;         // packets
    std::int64_t last_packet_ms = 0;
    std::int64_t last_missing_ms = 0;  // last `Missing`, or the last packet
    int missing_count = 0;             // `Missing`s since the last packet
    bool committing = false;
  };
  struct Known {
    std::uint32_t photo_id = 0;
    protocol::Digest sha256{};
  };
  struct Device {
    std::vector<Transfer> transfers;      // oldest first
    std::vector<Known> stored;            // the last few, oldest first
    std::int64_t last_unoffered_ms = -1;  // when a packet out of place was answered
  };

  Transfer* find(Device& device, std::uint32_t photo_id);
  const Known* find_stored(const Device& device, std::uint32_t photo_id) const;
  std::optional<protocol::Refusal> refusal(const protocol::Offer& offer) const;
  void begin(Device& device, const protocol::Offer& offer, std::int64_t now_ms);
  void end(Device& device, Transfer* transfer);
  void unknown(const std::string& name, Device& device, std::uint32_t photo_id, bool asked,
               std::int64_t now_ms);
  void complete(const std::string& name, Transfer& transfer, std::int64_t now_ms);
  void refuse(const std::string& name, const protocol::Offer& offer, protocol::Refusal reason);
  void ask_missing(const std::string& name, Transfer& transfer, std::int64_t now_ms);
  void report(const std::string& name, const Transfer& transfer);
  void answer(const std::string& device, const protocol::Message& message);
  void tick_device(const std::string& name, Device& device, std::int64_t now_ms);

  ReceiverLimits limits_;
  IsStored is_stored_;
  metrics::Metrics& metrics_;
  std::unordered_map<std::string, Device> devices_;
  ReceiverOutput output_;
  std::size_t photos_ = 0;
  std::size_t bytes_ = 0;
  bool storage_full_ = false;
};

}  // namespace meterlens::photo
