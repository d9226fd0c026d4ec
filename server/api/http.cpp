// The only file that includes restinio.
#include "server/api/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>
#include <restinio/all.hpp>
#include <restinio/tls.hpp>

#include "server/api/slow_thread.h"

namespace meterlens::api {
namespace {

using namespace std::chrono_literals;

// Counts the connections and turns further ones away. restinio's own limiter is freed before the
// connections that call it when a server ends.
class Gate {
 public:
  explicit Gate(int count_max) : count_max_(count_max) {}

  restinio::ip_blocker::inspection_result_t inspect(
      const restinio::ip_blocker::incoming_info_t&) noexcept {
    return count_ < count_max_ ? restinio::ip_blocker::allow() : restinio::ip_blocker::deny();
  }
  void state_changed(const restinio::connection_state::notice_t& notice) noexcept {
    using restinio::connection_state::accepted_t;
    using restinio::connection_state::closed_t;
    if (std::holds_alternative<accepted_t>(notice.cause())) ++count_;
    if (std::holds_alternative<closed_t>(notice.cause())) --count_;
  }

 private:
  const int count_max_;
  std::atomic<int> count_{0};
};

struct Traits : restinio::default_traits_t {
  using ip_blocker_t = Gate;
  using connection_state_listener_t = Gate;
};
struct TlsTraits : restinio::default_tls_traits_t {
  using ip_blocker_t = Gate;
  using connection_state_listener_t = Gate;
};
using ChunkedBuilder = restinio::response_builder_t<restinio::chunked_output_t>;

// A body between the API's limit and this is read and answered by 413; a longer one is cut off.
constexpr std::uint64_t body_bytes_cut = 3'000'000;
constexpr auto request_read_limit = 30s;
constexpr auto request_handle_limit = 60s;  // longer than the heartbeat of a live stream
constexpr auto response_write_limit = 15s;

const char* reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "Internal Server Error";
  }
}

template <class Builder>
void add_headers(Builder& builder, const Response& response) {
  builder.append_header("Content-Type", response.content_type);
  builder.append_header("X-Content-Type-Options", "nosniff");
  builder.append_header("X-Frame-Options", "DENY");
  builder.append_header("Referrer-Policy", "no-referrer");
  builder.append_header("Cross-Origin-Resource-Policy", "same-origin");
  builder.append_header("Content-Security-Policy",
                        "default-src 'self'; img-src 'self' data: blob:; "
                        "object-src 'none'; frame-ancestors 'none'; "
                        "base-uri 'none'; form-action 'self'");
  for (const auto& [name, value] : response.headers) builder.append_header(name, value);
}

restinio::http_status_line_t status_line(int status) {
  return {restinio::http_status_code_t{static_cast<std::uint16_t>(status)}, reason_phrase(status)};
}

class EventStream final : public Stream {
 public:
  explicit EventStream(ChunkedBuilder builder) : builder_(std::move(builder)) {}

  void send(std::shared_ptr<const std::string> text) override {
    const std::size_t bytes = text->size();
    state_->pending_bytes += bytes;
    builder_.append_chunk(restinio::writable_item_t{std::move(text)});
    builder_.flush([state = state_, bytes](const auto& error) {
      state->pending_bytes -= bytes;
      if (error) state->broken = true;
    });
  }
  std::size_t pending_bytes() const override { return state_->pending_bytes; }
  bool is_broken() const override { return state_->broken; }
  void close() override { builder_.done(); }

 private:
  // Outlives the stream in restinio's callbacks.
  struct State {
    std::atomic<std::size_t> pending_bytes{0};
    std::atomic<bool> broken{false};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  ChunkedBuilder builder_;
};

std::string field(const restinio::request_t& request, restinio::http_field_t name) {
  return request.header().get_field_or(name, "");
}

Request convert(const restinio::request_t& request) {
  const auto& header = request.header();
  Request out;
  out.method = header.method().c_str();
  out.path = std::string(header.path().data(), header.path().size());
  out.query = std::string(header.query().data(), header.query().size());
  out.body = request.body();
  out.host = field(request, restinio::http_field_t::host);
  out.origin = field(request, restinio::http_field_t::origin);
  out.if_none_match = field(request, restinio::http_field_t::if_none_match);
  out.if_match = field(request, restinio::http_field_t::if_match);
  // `gzip;q=0` is not looked for: no browser sends it.
  out.accepts_gzip =
      field(request, restinio::http_field_t::accept_encoding).find("gzip") != std::string::npos;
  out.idempotency_key = header.get_field_or("Idempotency-Key", "");
  out.cookie = field(request, restinio::http_field_t::cookie);
  out.authorization = field(request, restinio::http_field_t::authorization);
  out.has_own_header = header.has_field("X-Meterlens");
  out.address = request.remote_endpoint().address().to_string();
  return out;
}

void write(restinio::request_t& request, Response response) {
  auto builder = request.create_response(status_line(response.status));
  add_headers(builder, response);
  if (!request.header().should_keep_alive()) builder.connection_close();
  builder.set_body(std::move(response.body));
  builder.done();
}

std::string explain(const std::system_error& error, const Settings& settings) {
  const std::string where = fmt::format("{}:{}", settings.address, settings.port);
  const int reason = error.code().value();  // an errno, whatever asio calls its category
  if (reason == EADDRINUSE) {
    return fmt::format("the HTTP port {} is in use by another program: end it "
                       "(`ss -ltnp sport = :{}` names it) or set another http.port", where,
                       settings.port);
  }
  if (reason == EACCES) {
    return fmt::format("no permission to listen on {}: set http.port to 1024 or above", where);
  }
  return fmt::format("cannot listen on {}: {}; set http.address to an IP address of this machine",
                     where, error.code().message());
}

// Of either kind of server.
class Running {
 public:
  virtual ~Running() = default;
};

template <class ItsTraits>
class RunningServer final : public Running {
 public:
  RunningServer(restinio::server_settings_t<ItsTraits> settings, int threads)
      : server_(restinio::run_async<ItsTraits>(restinio::own_io_context(), std::move(settings),
                                               static_cast<std::size_t>(threads))) {}
  ~RunningServer() override {
    server_->stop();
    server_->wait();
  }

 private:
  restinio::running_server_handle_t<ItsTraits> server_;
};

// The PEM texts have been judged before (door/certificate.h).
restinio::asio_ns::ssl::context tls_context(const door::Certificate& certificate) {
  namespace ssl = restinio::asio_ns::ssl;
  ssl::context context(ssl::context::tls_server);
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                      ssl::context::no_tlsv1_1 | ssl::context::no_sslv2 |
                      ssl::context::no_sslv3);
  context.use_certificate_chain(restinio::asio_ns::buffer(certificate.chain));
  context.use_private_key(restinio::asio_ns::buffer(certificate.key), ssl::context::pem);
  return context;
}

// What new connections are shown. Changed while they come: each takes the certificate that is there
// when it begins.
class Shown {
 public:
  void set(const door::Certificate& certificate) {
    auto context = std::make_shared<restinio::asio_ns::ssl::context>(tls_context(certificate));
    const std::lock_guard lock(mutex_);
    context_ = std::move(context);
  }
  // OpenSSL's callback of a connection that is about to show one.
  static int choose(SSL* connection, void* self) {
    const auto context = static_cast<Shown*>(self)->now();
    SSL_CTX* from = context->native_handle();
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(from, &chain);
    return SSL_use_cert_and_key(connection, SSL_CTX_get0_certificate(from),
                                SSL_CTX_get0_privatekey(from), chain, 1);
  }

 private:
  std::shared_ptr<restinio::asio_ns::ssl::context> now() {
    const std::lock_guard lock(mutex_);
    return context_;
  }
  std::mutex mutex_;
  std::shared_ptr<restinio::asio_ns::ssl::context> context_;
};

}  // namespace

struct HttpServer::Engine {
  SlowThread slow;
  Shown shown;
  std::unique_ptr<Running> server;
  std::uint16_t port = 0;
};

HttpServer::HttpServer() : engine_(std::make_unique<Engine>()) {}

// The slow answers go first: they hold requests of the server.
HttpServer::~HttpServer() {
  engine_->slow.stop();
  engine_->server.reset();
}

std::uint16_t HttpServer::port() const { return engine_->port; }

void HttpServer::set_certificate(const door::Certificate& certificate) {
  engine_->shown.set(certificate);
}

namespace {

struct Desk {
  HttpServer::Answer answer;
  Live* live = nullptr;
  SlowThread& slow;
  bool tls = false;

  restinio::request_handling_status_t serve(const restinio::request_handle_t& request) const;
};

restinio::request_handling_status_t Desk::serve(const restinio::request_handle_t& request) const {
  Response response = answer(convert(*request));
  if (tls) response.headers.emplace_back("Strict-Transport-Security", "max-age=31536000");
  if (response.later) {
    const bool taken = slow.post([request, later = std::move(response.later)] {
      write(*request, later());
    });
    if (!taken)
      write(*request, error_response(503, "busy", "too many log-ins at once: try again"));
    return restinio::request_accepted();
  }
  if (response.live && live != nullptr) {
    auto builder = request->create_response<restinio::chunked_output_t>(status_line(200));
    add_headers(builder, response);
    builder.connection_close();
    // Refused only when others came since the check: then the stream ends before it began.
    live->add(std::make_unique<EventStream>(std::move(builder)), std::move(response.may_see),
              std::move(response.still));
    return restinio::request_accepted();
  }
  write(*request, std::move(response));
  return restinio::request_accepted();
}

template <class ItsTraits>
restinio::server_settings_t<ItsTraits> settings_of(const Settings& settings, Desk desk,
                                                   std::uint16_t& port) {
  const auto gate = std::make_shared<Gate>(settings.connection_count_max);
  restinio::server_settings_t<ItsTraits> out;
  out.address(settings.address)
      .port(settings.port)
      .ip_blocker(gate)
      .connection_state_listener(gate)
      .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                    .max_url_size(4096)
                                    .max_field_name_size(256)
                                    .max_field_value_size(8192)
                                    .max_field_count(64)
                                    .max_body_size(std::max<std::uint64_t>(
                                        body_bytes_cut, settings.upload_bytes_max + 65'536)))
      .read_next_http_message_timelimit(request_read_limit)
      .handle_request_timeout(request_handle_limit)
      .write_http_response_timelimit(response_write_limit)
      .acceptor_post_bind_hook([&port](restinio::asio_ns::ip::tcp::acceptor& acceptor) {
        port = acceptor.local_endpoint().port();
      })
      .request_handler([desk = std::move(desk)](auto request) { return desk.serve(request); });
  return out;
}

}  // namespace

std::expected<std::unique_ptr<HttpServer>, std::string> HttpServer::start(const Settings& settings,
                                                                          Answer answer,
                                                                          Live* live) {
  std::unique_ptr<HttpServer> out(new HttpServer);
  Engine& engine = *out->engine_;
  Desk desk{std::move(answer), live, engine.slow, settings.certificate.has_value()};
  try {
    if (settings.certificate) {
      auto its = settings_of<TlsTraits>(settings, std::move(desk), engine.port);
      engine.shown.set(*settings.certificate);
      auto context = tls_context(*settings.certificate);
      SSL_CTX_set_cert_cb(context.native_handle(), &Shown::choose, &engine.shown);
      its.tls_context(std::move(context));
      engine.server = std::make_unique<RunningServer<TlsTraits>>(std::move(its), settings.threads);
    } else {
      auto its = settings_of<Traits>(settings, std::move(desk), engine.port);
      engine.server = std::make_unique<RunningServer<Traits>>(std::move(its), settings.threads);
    }
  } catch (const std::system_error& error) {
    return std::unexpected(explain(error, settings));
  }
  return out;
}

}  // namespace meterlens::api
