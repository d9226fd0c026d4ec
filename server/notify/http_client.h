// One request over HTTP or HTTPS, with an end to every wait. Redirects are not followed: what is
// meant for one address goes to no other. The connection is kept for the next request. libcurl
// stays in http_client.cpp and email.cpp. One thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "server/notify/sink.h"

namespace meterlens::notify {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // posted
  std::int64_t timeout_s = 10;       // for all of it
  std::string ca_file;               // empty: the system's
  std::string user;                  // empty: no Basic authentication
  std::string password;
};

class HttpClient {
 public:
  // `stopping` ends a request that is under way.
  explicit HttpClient(const std::atomic<bool>& stopping);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The status of the answer, whose body nobody reads; or why there is none, without secrets.
  std::expected<int, std::string> post(const HttpRequest& request);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// What a status means for what was sent: 2xx is good, 400, 405, 413, 415 and 422 will be no better
// next time, all else (a wrong token as well) may be.
Sent judge_status(int status);
// Name of the host in `url`, for texts: never more of it, for there may be secrets in it.
std::string host_of(const std::string& url);
// libcurl is ready once for all; any thread, many times.
void init_curl();

}  // namespace meterlens::notify
