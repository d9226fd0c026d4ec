#include "server/photo/s3.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "protocol/require.h"

namespace meterlens::photo {
namespace {

constexpr std::size_t error_bytes_max = 65'536;
constexpr long connect_ms_max = 5000;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Lines = std::unique_ptr<curl_slist, FreeList>;

// All but the letters, digits and marks that a URL's path has as they are.
std::string encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') ||
                          std::string_view("-._~/").find(c) != std::string_view::npos;
    if (is_plain) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// What stands between <Code> and </Code> of an S3 error.
std::string code_of(const std::string& body) {
  const std::size_t start = body.find("<Code>");
  if (start == std::string::npos) return {};
  const std::string code = body.substr(start + 6, body.find("</Code>", start) - start - 6);
  const bool is_word = !code.empty() && code.size() < 64 && std::ranges::all_of(code, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
  });
  return is_word ? " " + code : "";
}

// One request and what came of it.
struct Call {
  const char* method = "GET";
  std::string path;
  std::span<const std::uint8_t> bytes = {};
  bool only_if_new = false;
  std::size_t answer_bytes_max = error_bytes_max;

  std::string answer = {};
  bool is_too_long = false;
  CURLcode result = CURLE_OK;
  long status = 0;
  curl_off_t length = 0;
  std::array<char, CURL_ERROR_SIZE> words{};
  Lines headers = nullptr;

  bool is_done() const { return result == CURLE_OK && status >= 200 && status < 300; }
  // The same may go well next time.
  bool is_worth_a_try() const {
    if (result != CURLE_OK) return !is_too_long;
    return status >= 500 || status == 429 || status == 408 || status == 409;
  }
};

std::size_t take(char* data, std::size_t size, std::size_t count, void* to) {
  auto& call = *static_cast<Call*>(to);
  if (call.answer.size() + size * count > call.answer_bytes_max) {
    call.is_too_long = true;
    return 0;
  }
  call.answer.append(data, size * count);
  return size * count;
}

class S3 : public Objects {
 public:
  explicit S3(const S3Settings& settings)
      : settings_(settings),
        root_("s3://" + settings.bucket + (settings.prefix.empty() ? "" : "/" + settings.prefix)),
        login_(settings.key_id + ":" + settings.secret),
        provider_("aws:amz:" + settings.region + ":s3") {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    protocol::require(once == CURLE_OK);
  }
  ~S3() override {
    for (CURL* one : idle_) curl_easy_cleanup(one);
  }

  const std::string& root() const override { return root_; }

  std::expected<std::vector<std::string>, FileError> put(
      std::span<const Object> objects) override {
    std::deque<Call> calls;
    for (const Object& object : objects) {
      Call& call = calls.emplace_back();
      call.method = "PUT";
      call.path = object.path;
      call.bytes = object.bytes;
      call.only_if_new = true;
    }
    run_all(calls);
    std::vector<std::string> were_there;
    for (Call& call : calls) {
      if (call.is_done()) continue;
      const auto there = settle(call);
      if (!there) return std::unexpected(there.error());
      if (*there) were_there.push_back(call.path);
    }
    return were_there;
  }

  std::expected<std::vector<std::uint8_t>, FileError> get(const std::string& path,
                                                          std::size_t bytes_max) override {
    Call call;
    call.path = path;
    call.answer_bytes_max = bytes_max;
    if (auto wrong = run(call)) return std::unexpected(*std::move(wrong));
    return std::vector<std::uint8_t>(call.answer.begin(), call.answer.end());
  }

  std::expected<std::uint64_t, FileError> size(const std::string& path) override {
    Call call;
    call.method = "HEAD";
    call.path = path;
    if (auto wrong = run(call)) return std::unexpected(*std::move(wrong));
    return static_cast<std::uint64_t>(std::max<curl_off_t>(call.length, 0));
  }

  std::expected<void, FileError> remove(const std::string& path) override {
    Call call;
    call.method = "DELETE";
    call.path = path;
    auto wrong = run(call);
    if (wrong && wrong->code != FileErrorCode::not_found) return std::unexpected(*std::move(wrong));
    return {};
  }

 private:
  // Of a put that was not done: whether the same bytes are there already.
  std::expected<bool, FileError> settle(Call& call) {
    const bool is_there = call.result == CURLE_OK && call.status == 412;
    // Some stores know no conditions.
    const bool is_unknown = call.result == CURLE_OK && call.status == 501;
    if (!is_there && !is_unknown) return std::unexpected(error_of(call));
    if (is_there) {
      const auto there = get(call.path, call.bytes.size());
      if (there && std::ranges::equal(*there, call.bytes)) return true;
    }
    // What lies there is nobody's photo: its row would have been found before.
    call.only_if_new = false;
    if (auto wrong = run(call)) return std::unexpected(*std::move(wrong));
    return false;
  }

  std::optional<FileError> run(Call& call) {
    for (int tries = 1;; ++tries) {
      CURL* const curl = borrow();
      set_up(curl, call);
      finish(curl, call, curl_easy_perform(curl));
      give_back(curl);
      if (call.is_done()) return {};
      if (!call.is_worth_a_try() || tries >= settings_.tries_max) return error_of(call);
      pause(tries);
    }
  }

  // Several at a time; those that are worth it again, after a pause for all of them.
  void run_all(std::deque<Call>& calls) {
    std::vector<Call*> open;
    for (Call& call : calls) open.push_back(&call);
    for (int tries = 1; !open.empty(); ++tries) {
      run_round(open);
      std::erase_if(open, [](const Call* call) {
        return call->is_done() || !call->is_worth_a_try();
      });
      if (open.empty() || tries >= settings_.tries_max) return;
      pause(tries);
    }
  }

  void run_round(const std::vector<Call*>& calls) {
    const std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi(curl_multi_init(),
                                                                      curl_multi_cleanup);
    protocol::require(multi != nullptr);
    std::size_t next = 0, under_way = 0;
    while (next < calls.size() || under_way > 0) {
      for (; next < calls.size() && under_way < static_cast<std::size_t>(settings_.requests_max);
           ++next, ++under_way) {
        CURL* const curl = borrow();
        set_up(curl, *calls[next]);
        curl_easy_setopt(curl, CURLOPT_PRIVATE, calls[next]);
        curl_multi_add_handle(multi.get(), curl);
      }
      int running = 0, left = 0;
      curl_multi_perform(multi.get(), &running);
      while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* const curl = message->easy_handle;
        const CURLcode result = message->data.result;
        Call* call = nullptr;
        curl_easy_getinfo(curl, CURLINFO_PRIVATE, &call);
        finish(curl, *call, result);
        curl_multi_remove_handle(multi.get(), curl);
        give_back(curl);
        --under_way;
      }
      if (under_way > 0) curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
    }
  }

  void set_up(CURL* curl, Call& call) {
    curl_easy_reset(curl);
    call.answer.clear();
    call.is_too_long = false;
    call.words[0] = '\0';
    const std::string key = call.path.substr(std::string_view("s3://").size());
    const std::string url = settings_.address + "/" + encoded(key);
    const bool is_put = std::string_view(call.method) == "PUT";
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    // Without TLS it is on this machine, where no proxy has a say.
    if (url.starts_with("http://")) curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (std::string_view(call.method) == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (is_put) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(call.bytes.size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.bytes.data());
    }
    if (is_put || std::string_view(call.method) == "DELETE")
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method);
    call.headers.reset();
    const auto add = [&](const std::string& line) {
      curl_slist* const all = curl_slist_append(call.headers.get(), line.c_str());
      (void)call.headers.release();
      call.headers.reset(all);
    };
    const auto digits = protocol::hex(protocol::sha256(call.bytes));
    add("x-amz-content-sha256: " + std::string(digits.begin(), digits.end()));
    if (is_put) add("Content-Type: image/jpeg");
    if (is_put && call.only_if_new) add("If-None-Match: *");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call.headers.get());
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider_.c_str());
    curl_easy_setopt(curl, CURLOPT_USERPWD, login_.c_str());
    if (!settings_.ca_file.empty())
      curl_easy_setopt(curl, CURLOPT_CAINFO, settings_.ca_file.c_str());
    const auto timeout_ms = static_cast<long>(settings_.timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, std::min(timeout_ms, connect_ms_max));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "meterlens");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &call);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call.words.data());
  }

  static void finish(CURL* curl, Call& call, CURLcode result) {
    call.result = result;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call.status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &call.length);
    // It points into the call, which may end before the handle.
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  }

  FileError error_of(const Call& call) const {
    const std::string what = fmt::format("cannot {} {} at {}: ", call.method, call.path,
                                         settings_.address);
    if (call.is_too_long) return {FileErrorCode::failed, what + "it is larger than any photo"};
    if (call.result != CURLE_OK) {
      const std::string words =
          call.words[0] != '\0' ? call.words.data() : curl_easy_strerror(call.result);
      return {FileErrorCode::unreachable,
              what + words + "; look whether the store runs, and at the network between"};
    }
    const std::string answer = fmt::format("the answer is {}{}", call.status, code_of(call.answer));
    if (call.status == 404)
      return {FileErrorCode::not_found, what + answer + "; check that bucket and object are there"};
    if (call.status == 401 || call.status == 403) {
      return {call.bytes.empty() ? FileErrorCode::unreachable : FileErrorCode::read_only,
              what + answer + "; check the keys, their rights in this bucket, and this clock"};
    }
    if (call.status == 507)
      return {FileErrorCode::disk_full, what + answer + "; make room in the store"};
    return {call.status >= 500 ? FileErrorCode::unreachable : FileErrorCode::failed,
            what + answer + "; the store's log says why"};
  }

  void pause(int tries) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(settings_.pause_ms_first) *
                                (1 << (tries - 1)));
  }

  // Handles keep their connections.
  CURL* borrow() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) {
      CURL* const made = curl_easy_init();
      protocol::require(made != nullptr);
      return made;
    }
    CURL* const curl = idle_.back();
    idle_.pop_back();
    return curl;
  }
  void give_back(CURL* curl) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(curl);
  }

  const S3Settings settings_;
  const std::string root_;
  const std::string login_;
  const std::string provider_;
  std::mutex mutex_;
  std::vector<CURL*> idle_;
};

bool is_here(const std::string& address) {
  for (const std::string_view start : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!address.starts_with(start)) continue;
    if (address.size() == start.size() || address[start.size()] == ':') return true;
  }
  return false;
}

}  // namespace

std::expected<S3Settings, std::string> parse_s3(const std::string& place) {
  const auto wrong = [](const char* why) {
    return std::unexpected(fmt::format("photos in [store] must be like "
                                       "s3:https://s3.example.net/bucket/prefix: {}", why));
  };
  if (!place.starts_with("s3:")) return wrong("it does not begin with s3:");
  std::string rest = place.substr(3);
  while (rest.ends_with('/')) rest.pop_back();
  const std::size_t host = rest.find("://");
  if (host == std::string::npos) return wrong("there is no https:// in it");
  const std::size_t bucket = rest.find('/', host + 3);
  if (bucket == std::string::npos) return wrong("there is no bucket in it");
  S3Settings out;
  out.address = rest.substr(0, bucket);
  const std::size_t prefix = rest.find('/', bucket + 1);
  out.bucket = rest.substr(bucket + 1, prefix == std::string::npos ? prefix : prefix - bucket - 1);
  if (prefix != std::string::npos) out.prefix = rest.substr(prefix + 1);
  if (out.address.find('@') != std::string::npos)
    return wrong("keys do not belong there; put them into the environment or photos_keys_file");
  if (!out.address.starts_with("https://") && !is_here(out.address))
    return wrong("without TLS it may only be on this machine");
  if (out.bucket.empty()) return wrong("there is no bucket in it");
  if (rest.find_first_of("?#% \\") != std::string::npos || rest.find("/../") != std::string::npos)
    return wrong("it has marks that do not belong into bucket and prefix");
  return out;
}

std::shared_ptr<Objects> open_s3(const S3Settings& settings) {
  return std::make_shared<S3>(settings);
}

}  // namespace meterlens::photo
