#include "server/schedule/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/ids.h"
#include "server/schedule/cron.h"

namespace meterlens::schedule {

std::expected<void, std::string> check(const Schedule& schedule, std::int64_t now_ms) {
  const auto wrong = [](std::string text) { return std::unexpected(std::move(text)); };
  if (schedule.name.empty() || schedule.name.size() > name_chars_max)
    return wrong(fmt::format("name: 1 to {} bytes", name_chars_max));
  const auto cron = Cron::parse(schedule.cron);
  if (!cron) return wrong(cron.error());
  if (!is_zone(schedule.zone))
    return wrong("zone: a name of the time zone database, such as Europe/Berlin or UTC");
  if (schedule.devices.size() > schedule_devices_max)
    return wrong(fmt::format("devices: at most {}", schedule_devices_max));
  if (!std::ranges::all_of(schedule.devices, protocol::is_device_name))
    return wrong("devices: 1 to 64 of A-Z a-z 0-9 . _ - each, and no leading dot");
  if (schedule.meters.size() > schedule_devices_max)
    return wrong(fmt::format("meters: at most {}", schedule_devices_max));
  if (!std::ranges::all_of(schedule.meters, protocol::is_device_name))
    return wrong("meters: 1 to 64 of A-Z a-z 0-9 . _ - each, and no leading dot");
  const int ways = !schedule.devices.empty() + !schedule.group.empty() +
                   !schedule.meters.empty() + !schedule.meter_group.empty();
  if (ways > 1)
    return wrong("devices, group, meters, meter_group: one of them; leave the others empty");
  if (schedule.spread_s < 0 || schedule.spread_s > spread_s_max)
    return wrong(fmt::format("spread_s: 0 to {}", spread_s_max));
  if (schedule.catch_up_s < 0 || schedule.catch_up_s > catch_up_s_max)
    return wrong(fmt::format("catch_up_s: 0 to {}", catch_up_s_max));
  if (schedule.grace_s < 0 || schedule.grace_s > grace_s_max)
    return wrong(fmt::format("grace_s: 0 to {}", grace_s_max));
  const auto first = cron->next_ms(now_ms, schedule.zone);
  if (!first) return wrong("cron: there is no such day");
  const auto second = cron->next_ms(*first, schedule.zone);
  if (second && *second - *first < std::int64_t{1000} * schedule.spread_s)
    return wrong("spread_s: longer than the time from one capture to the next");
  return {};
}

}  // namespace meterlens::schedule
