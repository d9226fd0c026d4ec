// Roles and what they may do. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterlens::door {

enum class Role : std::uint8_t { viewer, reviewer, operator_, administrator };

// A set of what may be done; as scopes of a token written "read review".
struct Rights {
  bool read = false;        // look at everything but users and the audit
  bool review = false;      // say what a reading is, enter values by hand
  bool operate = false;     // devices, meters, schedules
  bool administer = false;  // users, tokens of others, credentials, images, audit
  bool metrics = false;     // /metrics alone

  bool operator==(const Rights&) const = default;
  bool any() const { return read || review || operate || administer || metrics; }
  // Whether all of `other` is in this.
  bool cover(const Rights& other) const;
};

Rights rights_of(Role role);
Rights both(const Rights& a, const Rights& b);

const char* name(Role role);
std::optional<Role> parse_role(std::string_view text);
// Names with a space between, in the order above.
std::string text_of(const Rights& rights);
// Nothing for an unknown name.
std::optional<Rights> parse_rights(std::string_view text);

}  // namespace meterlens::door
