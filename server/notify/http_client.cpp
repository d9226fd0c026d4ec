#include "server/notify/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "protocol/require.h"
#include "server/notify/give_up.h"

namespace meterlens::notify {
namespace {

// An answer longer than this is cut off: its status is all that counts.
constexpr std::size_t answer_bytes_max = 65'536;
constexpr long connect_s_max = 5;

std::size_t swallow(char*, std::size_t, std::size_t count, void* so_far) {
  auto& bytes = *static_cast<std::size_t*>(so_far);
  bytes += count;
  return bytes > answer_bytes_max ? 0 : count;
}

struct Headers {
  explicit Headers(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) list = curl_slist_append(list, line.c_str());
    // libcurl would ask first whether a long body is wanted, and wait a second.
    list = curl_slist_append(list, "Expect:");
  }
  ~Headers() { curl_slist_free_all(list); }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  curl_slist* list = nullptr;
};

}  // namespace

void init_curl() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  protocol::require(once == CURLE_OK);
}

struct HttpClient::Handle {
  explicit Handle(const std::atomic<bool>& its_stopping) : stopping(its_stopping) {
    init_curl();
    curl = curl_easy_init();
    protocol::require(curl != nullptr);
  }
  ~Handle() { curl_easy_cleanup(curl); }
  void set_up(const HttpRequest& request, const Headers& headers);

  const std::atomic<bool>& stopping;
  CURL* curl = nullptr;
  std::size_t answer_bytes = 0;
  std::array<char, CURL_ERROR_SIZE> error{};
};

void HttpClient::Handle::set_up(const HttpRequest& request, const Headers& headers) {
  curl_easy_reset(curl);
  answer_bytes = 0;
  error[0] = '\0';
  const auto timeout_s = static_cast<long>(request.timeout_s);
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, std::min(timeout_s, connect_s_max));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer_bytes);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, give_up);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stopping));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "meterlens");
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  if (request.user.empty()) return;
  curl_easy_setopt(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
  curl_easy_setopt(curl, CURLOPT_USERNAME, request.user.c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, request.password.c_str());
}

HttpClient::HttpClient(const std::atomic<bool>& stopping)
    : handle_(std::make_unique<Handle>(stopping)) {}

HttpClient::~HttpClient() = default;

std::expected<int, std::string> HttpClient::post(const HttpRequest& request) {
  const Headers headers(request.headers);
  handle_->set_up(request, headers);
  const CURLcode code = curl_easy_perform(handle_->curl);
  long status = 0;
  curl_easy_getinfo(handle_->curl, CURLINFO_RESPONSE_CODE, &status);
  const bool too_long = code == CURLE_WRITE_ERROR && status != 0;
  if (code == CURLE_OK || too_long) return static_cast<int>(status);
  const std::string words =
      handle_->error[0] != '\0' ? handle_->error.data() : curl_easy_strerror(code);
  return std::unexpected(fmt::format("no answer from {}: {}", host_of(request.url), words));
}

Sent judge_status(int status) {
  if (status >= 200 && status < 300) return {};
  if (status >= 300 && status < 400)
    return later(fmt::format("the answer is {}, a redirect, and none is followed: set the final "
                             "address", status), Trouble::redirect);
  if (status == 401 || status == 403)
    return later(fmt::format("the answer is {}: check the secret, token or password", status),
                 Trouble::not_let_in);
  if (status == 404) return later("the answer is 404: check the address", Trouble::wrong_address);
  constexpr std::array for_good{400, 405, 413, 415, 422};
  if (std::ranges::find(for_good, status) != for_good.end())
    return refused(fmt::format("the answer is {}", status));
  return later(fmt::format("the answer is {}", status), Trouble::not_taken);
}

std::string host_of(const std::string& url) {
  std::size_t begin = url.find("://");
  begin = begin == std::string::npos ? 0 : begin + 3;
  std::string host = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  const std::size_t at = host.rfind('@');
  return at == std::string::npos ? host : host.substr(at + 1);
}

}  // namespace meterlens::notify
