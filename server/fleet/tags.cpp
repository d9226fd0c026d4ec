#include "server/fleet/tags.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/ids.h"
#include "server/fleet/wrong.h"

namespace meterlens::fleet {
namespace {

bool is_plain(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_label_name(std::string_view text) {
  return text.size() <= 32 && protocol::is_device_name(text);
}

std::expected<void, std::string> check_label(const std::string& name, const std::string& value) {
  if (!is_label_name(name))
    return wrong("labels: a name is 1 to 32 of A-Z a-z 0-9 . _ - and has no leading dot");
  if (value.size() > label_value_bytes_max || !is_plain(value))
    return wrong(fmt::format("labels: a value is at most {} bytes without control characters",
                             label_value_bytes_max));
  return {};
}

}  // namespace

const char* name(Kind kind) { return kind == Kind::meter ? "meter" : "device"; }

bool is_empty(const Target& target) {
  return target.devices.empty() && target.group.empty() && target.label_name.empty();
}

std::expected<void, std::string> check_group(const std::string& group) {
  if (group.empty()) return {};
  const auto levels = static_cast<std::size_t>(std::ranges::count(group, '/')) + 1;
  const bool has_gap = group.front() == '/' || group.back() == '/' ||
                       group.find("//") != std::string::npos;
  if (group.size() > group_bytes_max || levels > group_levels_max || has_gap || !is_plain(group))
    return wrong(fmt::format("group: a path like berlin/north of 1 to {} levels that are not "
                             "empty, at most {} bytes without control characters",
                             group_levels_max, group_bytes_max));
  return {};
}

std::expected<void, std::string> check(const Tags& tags) {
  if (const auto good = check_group(tags.group); !good) return good;
  if (tags.labels.size() > label_count_max)
    return wrong(fmt::format("labels: at most {}", label_count_max));
  for (const auto& [name, value] : tags.labels)
    if (const auto good = check_label(name, value); !good) return good;
  return {};
}

std::expected<void, std::string> check(const Target& target) {
  if (target.devices.size() > target_devices_max)
    return wrong(fmt::format("devices: at most {} by name; use a group or a label",
                             target_devices_max));
  if (!std::ranges::all_of(target.devices, protocol::is_device_name))
    return wrong("devices: 1 to 64 of A-Z a-z 0-9 . _ - each, and no leading dot");
  if (const auto good = check_group(target.group); !good) return good;
  if (target.label_name.empty()) return {};
  return check_label(target.label_name, target.label_value);
}

std::expected<void, std::string> parse_label(std::string_view text, Target& out) {
  const std::size_t equals = std::min(text.find('='), text.size());
  out.label_name = text.substr(0, equals);
  out.label_value = text.substr(std::min(equals + 1, text.size()));
  if (out.label_name.empty()) return wrong("label: name or name=value");
  return check_label(out.label_name, out.label_value);
}

bool is_within(std::string_view group, std::string_view above) {
  if (above.empty() || !group.starts_with(above)) return false;
  return group.size() == above.size() || group[above.size()] == '/';
}

}  // namespace meterlens::fleet
