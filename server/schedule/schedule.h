// When devices take photos by themselves.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace meterlens::schedule {

inline constexpr std::size_t name_chars_max = 64;
inline constexpr std::size_t schedule_devices_max = 4096;  // or meters, named one by one
inline constexpr int spread_s_max = 86'400;
inline constexpr int catch_up_s_max = 7 * 86'400;
inline constexpr int grace_s_max = 7 * 86'400;

struct Schedule {
  std::int64_t id = 0;
  std::string name;
  std::string cron = "0 6 * * *";
  std::string zone = "UTC";
  std::vector<std::string> devices;  // empty: all, also those to come
  std::string group;     // not empty: the devices in it and below, and none by name
  // Not empty, and then no devices: whatever camera looks at these meters at that time takes the
  // photo, one for all that it looks at.
  std::vector<std::string> meters;
  std::string meter_group;  // not empty: the meters in it and below, and none by name
  int spread_s = 600;    // each device so much later at most, always the same for it
  int catch_up_s = 3600; // what could not be ordered in time is, until so much later
  int grace_s = 3600;    // a meter without a reading so long after that is missing one
  bool enabled = true;
  // Unix; all that was due up to then has been ordered, or given up.
  std::int64_t done_ms = 0;
  std::int64_t judged_ms = 0;  // Unix; missing readings have been looked for up to then
  std::int64_t version = 1;  // of what people set: rises with each change
};

// Whether it can be obeyed; the error says which field is wrong and what it may be. now_ms: the
// spread is compared with the time between the next two due moments.
std::expected<void, std::string> check(const Schedule& schedule, std::int64_t now_ms);

}  // namespace meterlens::schedule
