// Inside api/: which right a request needs. Pure function. Every path of openapi.yaml has a line;
// one that has none is for administrators.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/door/rights.h"

namespace meterlens::api {

enum class Need : std::uint8_t { nothing, account, metrics, read, review, operate, administer };

Need need_of(std::string_view method, std::string_view path);
// Whether a line of the table is about this path.
bool is_listed(std::string_view path);
// `account` and `nothing` are not judged here.
bool allows(const door::Rights& rights, Need need);
const char* name(Need need);

}  // namespace meterlens::api
