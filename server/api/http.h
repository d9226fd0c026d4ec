// Inside api/: HTTP without restinio's types. The server calls `answer` from its threads.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/api/api.h"
#include "server/api/caller.h"
#include "server/api/live.h"

namespace meterlens::api {

struct Request {
  std::string method;
  std::string path;   // as sent, not decoded, without the query
  std::string query;  // as sent, without the '?'
  std::string body;
  std::string host;
  std::string origin;
  std::string if_none_match;
  std::string if_match;
  bool accepts_gzip = false;
  std::string idempotency_key;
  std::string cookie;
  std::string authorization;
  bool has_own_header = false;  // X-Meterlens, which a foreign page cannot send
  std::string address;          // where the connection comes from, without the port
  Caller caller;                // found out by the doorkeeper
};

struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool live = false;  // keep the connection as a stream of events
  // Of a stream: whether this client may have an event; empty: all.
  Live::MaySee may_see = {};
  // Of a stream: whether its caller may still have it; empty: for ever.
  Live::Still still = {};
  // What takes long: called in a thread of its own, one after another, for the real answer.
  std::function<Response()> later = {};
};

// {"error":{"code":...,"message":...}}
Response error_response(int status, const std::string& code, const std::string& message);

class HttpServer {
 public:
  using Answer = std::function<Response(const Request&)>;

  // `live` keeps the streams, and outlives the server; without it no answer may be one.
  static std::expected<std::unique_ptr<HttpServer>, std::string> start(const Settings& settings,
                                                                       Answer answer,
                                                                       Live* live = nullptr);
  ~HttpServer();
  std::uint16_t port() const;
  // New connections are shown this one; only with TLS from the start. Any thread.
  void set_certificate(const door::Certificate& certificate);

 private:
  HttpServer();
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace meterlens::api
