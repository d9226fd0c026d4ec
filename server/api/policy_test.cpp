#include "server/api/policy.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "server/api/openapi.h"

namespace meterlens::api {
namespace {

// Each path of openapi.yaml as a request would have it.
std::vector<std::string> paths() {
  std::vector<std::string> out;
  std::istringstream lines(openapi_text);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with("  /") || !line.ends_with(':')) continue;
    std::string path = "/api/v1" + line.substr(2, line.size() - 3);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}') - at + 1, "7");
    out.push_back(path);
  }
  return out;
}

TEST(Policy, EveryPathHasALine) {
  EXPECT_GT(paths().size(), 25U);
  for (const auto& path : paths()) EXPECT_TRUE(is_listed(path)) << path;
}

TEST(Policy, WhoMayDoWhat) {
  using enum Need;
  const struct {
    const char* method;
    const char* path;
    Need need;
  } table[] = {
      {"GET", "/", nothing},
      {"GET", "/main.js", nothing},
      {"POST", "/main.js", administer},
      {"GET", "/health", nothing},
      {"GET", "/metrics", metrics},
      {"GET", "/metricsx", nothing},  // a file of the console, if anything
      {"POST", "/api/v1/session", nothing},
      {"GET", "/api/v1/photos/7.jpg", read},
      {"GET", "/api/v1/devices/m1/view.jpg", read},
      {"POST", "/api/v1/devices/m1/commands", operate},
      {"POST", "/api/v1/devices/m1/credential", administer},
      {"PATCH", "/api/v1/readings/7", review},
      {"POST", "/api/v1/meters/m1/readings", review},
      {"PATCH", "/api/v1/meters/m1", operate},
      {"POST", "/api/v1/images", administer},
      {"GET", "/api/v1/users", administer},
      {"GET", "/api/v1/users/ana", administer},
      {"GET", "/api/v1/usersx", administer},
      {"GET", "/api/v1/audit", administer},
      {"GET", "/api/v1/tokens", account},
      {"GET", "/api/v1/nobody-knows", administer},
      {"GET", "/api", administer},
      {"GET", "/api/v1/devicesx", administer},
      {"GET", "/api/v1//devices", administer},
      {"GET", "/api/v1/DEVICES", administer},
  };
  for (const auto& [method, path, need] : table)
    EXPECT_EQ(need_of(method, path), need) << method << ' ' << path;
}

TEST(Policy, RightsOpenWhatTheyName) {
  using enum Need;
  const auto rights = *door::parse_rights("read");
  EXPECT_TRUE(allows(rights, read));
  EXPECT_TRUE(allows(rights, account));
  for (const Need need : {metrics, review, operate, administer})
    EXPECT_FALSE(allows(rights, need)) << name(need);
}

}  // namespace
}  // namespace meterlens::api
