// The receiving side of SmartDTU photos: pieces in the order of arrival, without numbers, and an
// end mark that may be early, missing or alone. What is not whole (JPEG markers, a full decode, no
// better order of its pieces) is quarantined; with the numbers and the hash that a Meterlens camera
// adds, a photo is proven like a native one. A pure state machine: the clock is the caller's, one
// thread. Owns the pieces of photos that are coming in, at most one a device, bounded in number and
// in all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/ingest/packet.h"
#include "server/metrics/metrics.h"
#include "server/photo/orders.h"
#include "server/photo/photo.h"

namespace meterlens::photo {

struct AssemblerLimits {
  std::size_t photo_bytes_max = protocol::photo_bytes_max;
  std::size_t pieces_max = 2048;                  // of one photo
  std::size_t photos_max = 4096;                  // in flight
  std::size_t bytes_max = std::size_t{64} << 20;  // in flight, in all
  std::int64_t gap_ms = 8000;   // no piece for so long (stock: one every 1.39 s): judged as it is
  std::int64_t late_ms = 3000;  // after the end mark: so long for pieces that it overtook
  std::int64_t finished_ms = 60'000;  // so long what still comes under a judged name is dropped
};

// The shot brought nothing that could be kept; `reason` says why.
struct Failure {
  std::string device;
  std::string reason;
};

struct PieceProgress {
  std::string device;
  int received = 0;
  int total = 0;  // 0: the camera does not say
};

struct AssemblerOutput {
  std::vector<Photo> photos;      // whole ones, and quarantined ones; these and
  std::vector<Failure> failures;  // failures call for a new capture
  std::vector<PieceProgress> progress;
};

class Assembler {
 public:
  Assembler(const AssemblerLimits& limits, metrics::Metrics& metrics);

  // The hash of the device's newest good photo, from the store: what a stale photo is known by.
  void learn(const std::string& device, const protocol::Digest& newest);

  void piece(const std::string& device, ingest::SmartPiece piece, std::int64_t now_ms);
  void end(const std::string& device, const ingest::SmartEnd& end, std::int64_t now_ms);

  // Judges photos whose pieces have stopped. Call at least once a second.
  void tick(std::int64_t now_ms);

  // The caller's clock was set; what was to happen in a second still does.
  void clock_moved(std::int64_t by_ms);

  // Pieces of a photo of it are here that is not judged yet.
  bool is_open(const std::string& device) const;
  // The device's messages go to another worker, which gets its pieces anew.
  void forget(const std::string& device);
  // All pieces of unfinished photos come anew.
  void forget_open();

  AssemblerOutput take();

  std::size_t photos_in_flight() const { return photos_; }
  std::size_t bytes_in_flight() const { return bytes_; }

 private:
  struct Assembly {
    Assembly();
    std::string image_file;
    std::vector<Piece> pieces;                          // as they came
    std::vector<std::optional<std::uint32_t>> indexes;  // the camera's own numbers, if any
    std::optional<std::uint32_t> count;
    std::optional<std::uint32_t> photo_bytes;
    std::optional<protocol::Digest> sha256;
    std::size_t bytes = 0;
    bool ended = false;
    std::int64_t first_ms = 0;
    std::int64_t last_ms = 0;
  };
  struct Finished {
    std::string image_file;
    std::int64_t at_ms = 0;
  };
  struct Device {
    std::optional<Assembly> open;
    std::optional<Finished> finished;
    std::optional<protocol::Digest> newest;
  };
  struct Outcome {
    std::vector<std::uint8_t> bytes;
    std::string reason;   // empty: whole
    bool proven = false;  // by the camera's own hash
  };

  Assembly* open_for(const std::string& name, Device& device, const std::string& image_file,
                     std::int64_t now_ms);
  bool add(const std::string& name, Device& device, ingest::SmartPiece piece, std::int64_t now_ms);
  void close(Device& device, std::int64_t now_ms);
  void abandon(const std::string& name, Device& device, const char* reason, std::int64_t now_ms);
  bool try_early(const std::string& name, Device& device, std::int64_t now_ms);
  void judge(const std::string& name, Device& device, std::int64_t now_ms);
  void finish(const std::string& name, Device& device, Outcome outcome, std::int64_t now_ms);
  void report(const std::string& name, const Assembly& assembly);
  static bool is_numbered(const Assembly& assembly);
  std::expected<std::vector<Piece>, std::string> in_number_order(const Assembly& assembly) const;
  Outcome judge_numbered(const Assembly& assembly) const;

  AssemblerLimits limits_;
  metrics::Metrics& metrics_;
  std::unordered_map<std::string, Device> devices_;
  AssemblerOutput output_;
  std::size_t photos_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace meterlens::photo
