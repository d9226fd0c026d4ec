#include "server/door/rights.h"

#include <algorithm>
#include <array>
#include <utility>

namespace meterlens::door {
namespace {

constexpr std::array<std::pair<const char*, bool Rights::*>, 5> names{{
    {"read", &Rights::read},
    {"review", &Rights::review},
    {"operate", &Rights::operate},
    {"administer", &Rights::administer},
    {"metrics", &Rights::metrics},
}};
constexpr std::array<std::pair<const char*, Role>, 4> roles{{
    {"viewer", Role::viewer},
    {"reviewer", Role::reviewer},
    {"operator", Role::operator_},
    {"administrator", Role::administrator},
}};

}  // namespace

bool Rights::cover(const Rights& other) const {
  return std::ranges::all_of(names, [&](const auto& one) {
    return this->*one.second || !(other.*one.second);
  });
}

Rights rights_of(Role role) {
  Rights out;
  out.read = out.metrics = true;
  out.review = role >= Role::reviewer;
  out.operate = role >= Role::operator_;
  out.administer = role >= Role::administrator;
  return out;
}

Rights both(const Rights& a, const Rights& b) {
  Rights out;
  for (const auto& [ignored, right] : names) out.*right = a.*right && b.*right;
  return out;
}

const char* name(Role role) {
  return std::ranges::find(roles, role, [](const auto& one) { return one.second; })->first;
}

std::optional<Role> parse_role(std::string_view text) {
  for (const auto& [its_name, role] : roles)
    if (text == its_name) return role;
  return std::nullopt;
}

std::string text_of(const Rights& rights) {
  std::string out;
  for (const auto& [its_name, right] : names)
    if (rights.*right) out += (out.empty() ? "" : " ") + std::string(its_name);
  return out;
}

std::optional<Rights> parse_rights(std::string_view text) {
  Rights out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    const auto found =
        std::ranges::find_if(names, [&](const auto& one) { return word == one.first; });
    if (found == names.end()) return std::nullopt;
    out.*found->second = true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace meterlens::door
