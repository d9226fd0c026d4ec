#include "server/api/policy.h"

#include <algorithm>

#include "server/api/query.h"

namespace meterlens::api {
namespace {

using enum Need;

// The first line that fits counts. A pattern without {id} stands for the path and all below it.
struct PolicyLine {
  std::string_view pattern;
  Need look;    // GET
  Need change;  // all other methods
};

constexpr PolicyLine lines[] = {
    {"/health", nothing, administer},
    {"/metrics", metrics, administer},
    {"/api/v1/health", nothing, administer},
    {"/api/v1/openapi.yaml", nothing, administer},
    {"/api/v1/metrics", metrics, administer},
    {"/api/v1/session", nothing, nothing},  // asks for itself
    {"/api/v1/registrations", nothing, nothing},
    {"/api/v1/tokens", account, account},
    {"/api/v1/sessions", account, account},
    {"/api/v1/users", administer, administer},
    {"/api/v1/upkeep", administer, administer},
    {"/api/v1/audit", administer, administer},
    {"/api/v1/products", administer, administer},
    {"/api/v1/credentials", administer, administer},
    {"/api/v1/devices/{id}/credential", administer, administer},
    {"/api/v1/images", read, administer},
    {"/api/v1/readings/{id}", read, review},
    {"/api/v1/meters/{id}/readings", read, review},
    {"/api/v1/meters/{id}/second", read, administer},  // it may cost money
    {"/api/v1/second", read, administer},
    {"/api/v1/notify", read, administer},
    {"/api/v1/devices", read, operate},
    {"/api/v1/commands", read, operate},
    {"/api/v1/photos", read, operate},
    {"/api/v1/readings", read, operate},
    {"/api/v1/meters", read, operate},
    {"/api/v1/watches", read, operate},
    {"/api/v1/schedules", read, operate},
    {"/api/v1/updates", read, operate},
    {"/api/v1/groups", read, operate},
    {"/api/v1/controls", read, operate},
    {"/api/v1/profiles", read, operate},
    {"/api/v1/campaigns", read, operate},
    {"/api/v1/alarms", read, operate},
    {"/api/v1/export", read, operate},
    {"/api/v1/import", read, operate},
    {"/api/v1/summary", read, operate},
    {"/api/v1/events", read, operate},
};

const PolicyLine* line_of(std::string_view path) {
  for (const PolicyLine& line : lines) {
    if (line.pattern.find('{') != std::string_view::npos) {
      if (match(line.pattern, path)) return &line;
    } else if (path.starts_with(line.pattern)) {
      const auto rest = path.substr(line.pattern.size());
      if (rest.empty() || rest.front() == '/') return &line;
    }
  }
  return nullptr;
}

}  // namespace

Need need_of(std::string_view method, std::string_view path) {
  if (const PolicyLine* line = line_of(path)) return method == "GET" ? line->look : line->change;
  const bool is_api = path == "/api" || path.starts_with("/api/");
  return is_api || method != "GET" ? administer : nothing;  // the console's files
}

bool is_listed(std::string_view path) { return line_of(path) != nullptr; }

bool allows(const door::Rights& rights, Need need) {
  switch (need) {
    case nothing:
    case account: return true;
    case metrics: return rights.metrics;
    case read: return rights.read;
    case review: return rights.review;
    case operate: return rights.operate;
    case administer: return rights.administer;
  }
  return false;
}

const char* name(Need need) {
  switch (need) {
    case nothing: return "nothing";
    case account: return "account";
    case metrics: return "metrics";
    case read: return "read";
    case review: return "review";
    case operate: return "operate";
    case administer: return "administer";
  }
  return "";
}

}  // namespace meterlens::api
