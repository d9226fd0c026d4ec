// Inside api/: a list of routes, and the walk over it. A route's line says all that is judged
// before its answer: method, path, the longest body, whether what it is about has a version.
// Who asks, and from which page, is the doorkeeper's matter. Filled once, then thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/http.h"
#include "server/api/preconditions.h"
#include "server/store/fleet.h"

namespace meterlens::api {

struct Terms {
  std::size_t body_bytes_max = 0;  // 0: as of all requests
  Version version = Version::none;  // of what it is about: else no ETag, no If-Match
};

// A line of a room's own table; {id} of the pattern is given to the answer.
template <class Room>
struct Line {
  const char* method;
  const char* pattern;
  Response (Room::*answer)(const Request&, const std::string& id);
  Terms terms = {};
};

inline constexpr Terms versioned{.version = Version::own};
inline constexpr Terms counted{.version = Version::counted};

class RouteList {
 public:
  // `store` must outlive it.
  RouteList(std::size_t body_bytes_max, store::Store& store)
      : body_bytes_max_(body_bytes_max), rows_(store) {}

  // `room` must outlive the list.
  template <class Room>
  void add(Room& room, std::initializer_list<Line<Room>> lines) {
    for (const Line<Room>& line : lines)
      routes_.push_back({line.method, line.pattern,
                         [&room, answer = line.answer](const Request& request,
                                                       const std::string& id) {
                           return (room.*answer)(request, id);
                         },
                         line.terms});
  }

  // Nothing when no route has this path.
  std::optional<Response> answer(const Request& request) const;
  // Each as "GET /api/v1/meters/{id}".
  std::vector<std::string> names() const;

 private:
  struct Route {
    std::string_view method;
    std::string_view pattern;
    std::function<Response(const Request&, const std::string& id)> answer;
    Terms terms;
  };
  Response ask(const Route& route, const Request& request, const std::string& id) const;
  Response look(const Route& route, const Request& request, const std::string& id) const;
  Response change_own(const Route& route, const Request& request, const std::string& id,
                      std::optional<std::int64_t> seen) const;
  Response change_counted(const Route& route, const Request& request, const std::string& id,
                          std::optional<std::int64_t> seen) const;

  const std::size_t body_bytes_max_;
  mutable store::Fleet rows_;
  std::vector<Route> routes_;
};

// 405 with the methods that would do, as "GET, PUT".
Response wrong_method(const std::string& methods);
Response body_too_large(std::size_t bytes, std::size_t bytes_max);

}  // namespace meterlens::api
