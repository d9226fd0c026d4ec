// What a server of a fleet wants of the worker that has the device, and what the workers tell all
// servers, as bytes for the queues between them (MessagePack). Foreign bytes never throw.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message.h"
#include "server/photo/views.h"
#include "server/pipeline.h"
#include "server/schedule/planner.h"

namespace meterlens::server {

struct Errand {
  enum class Kind : std::uint8_t {
    capture,
    due,       // number: due_ms of a schedule, flag: missed
    settings,  // part, bytes: entries
    aim,       // number: seconds, second: period_ms
    update,    // number: of the image
    enable,    // flag: enabled
    remove,    // flag: purge
    reset,
    control,   // number: its kind, bytes: its payload
    dues,      // of many devices of one queue, see dues_of(); device: the first
  };
  Kind kind = Kind::capture;
  std::string device;
  std::int64_t number = 0, second = 0;
  bool flag = false;
  protocol::Part part = protocol::Part::camera;
  std::vector<std::uint8_t> bytes;
};
std::string encode(const Errand& errand);
std::optional<Errand> decode_errand(std::string_view body);

// What came of it.
struct Outcome {
  int error = -1;  // of the errand's own kind; -1: done
  std::int64_t id = 0;  // of what was made
};
std::string encode(const Outcome& outcome);
std::optional<Outcome> decode_outcome(std::string_view body);

// All that is due of devices of one queue, at most dues_max, as one errand; `schedule` is not told.
constexpr std::size_t dues_max = 1'000;
Errand errand_of(std::span<const schedule::Due> dues);
std::optional<std::vector<schedule::Due>> dues_of(const Errand& errand);

// What came of each of them. elsewhere: another worker may have the device, it is asked for alone.
enum class Ordered : std::uint8_t { no, yes, elsewhere };
std::string encode(const std::vector<Ordered>& all);
std::optional<std::vector<Ordered>> decode_ordered(std::string_view body);

struct News {
  Change change;
  photo::View view;  // of a view; else empty
};
std::string encode(const News& news);
std::optional<News> decode_news(std::string_view body);

}  // namespace meterlens::server
