#include "boards/linux/registration.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <thread>

namespace meterlens::boards {
namespace {

using std::chrono::seconds;
constexpr seconds pause_first{1}, pause_most{60};
constexpr long answer_s = 20;
constexpr std::size_t answer_bytes_max = 4096;
constexpr std::size_t password_chars = 26;  // 130 bits

struct Answer {
  long status = 0;  // 0: none came
  std::string text;
};

std::size_t take(char* bytes, std::size_t one, std::size_t count, void* out) {
  auto& text = *static_cast<std::string*>(out);
  if (text.size() + count > answer_bytes_max) return 0;
  text.append(bytes, one * count);
  return one * count;
}

// Texts of the command line and of files, so only quotes and control characters need care.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

Answer post(const RegistrationOptions& options, const std::string& body) {
  Answer answer;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 curl_easy_cleanup);
  if (!curl) return answer;
  std::array<char, CURL_ERROR_SIZE> error{};
  const std::string url = options.server + "/api/v1/registrations";
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, answer_s);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.text);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, error.data());
  if (!options.ca_file.empty())
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, options.ca_file.c_str());
  if (curl_easy_perform(curl.get()) == CURLE_OK)
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  else
    spdlog::warn("{}: {}", url, error.data());
  return answer;
}

std::expected<std::string, std::string> random_password() {
  constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(alphabet.size() == 32);
  std::array<std::uint8_t, password_chars> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return std::unexpected("the system has no chance to give");
  std::string out;
  for (const std::uint8_t byte : bytes) out += alphabet[byte % 32];
  return out;
}

std::string first_line(const std::filesystem::path& file) {
  std::string line;
  std::ifstream in(file);
  std::getline(in, line);
  return line;
}

bool write_durably(const std::filesystem::path& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    fsync(fd) == 0;
  return close(fd) == 0 && done;
}

// The one that was made before an end in the middle of it, or a new one.
std::expected<std::string, std::string> password_to_register(const std::filesystem::path& file) {
  if (auto before = first_line(file); before.size() == password_chars) return before;
  auto fresh = random_password();
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (fresh && !write_durably(file, *fresh + "\n"))
    return std::unexpected(fmt::format("{} cannot be written", file.string()));
  return fresh;
}

}  // namespace

std::string kept_password(const std::filesystem::path& state) {
  return first_line(state / "password");
}

std::expected<std::string, std::string> registered_password(const std::filesystem::path& state,
                                                            const std::string& device,
                                                            const RegistrationOptions& options) {
  if (auto kept = kept_password(state); !kept.empty() || options.server.empty()) return kept;
  const auto made = state / "password.new";
  const auto password = password_to_register(made);
  if (!password) return password;
  const std::string body =
      fmt::format(R"({{"product":{},"secret":{},"device":{},"password":{}}})",
                  quoted(options.product), quoted(options.secret), quoted(device),
                  quoted(*password));
  for (seconds pause = pause_first;; pause = std::min(2 * pause, pause_most)) {
    const Answer answer = post(options, body);
    if (answer.status == 200 || answer.status == 201) break;
    const bool may_pass = answer.status == 0 || answer.status == 429 || answer.status >= 500;
    if (!may_pass)
      return std::unexpected(fmt::format("{} does not register {}: {} {}", options.server, device,
                                         answer.status, answer.text));
    spdlog::warn("{}: not registered yet ({}); again in {} s", device,
                 answer.status == 0 ? "no answer" : std::to_string(answer.status), pause.count());
    std::this_thread::sleep_for(pause);
  }
  std::error_code error;
  std::filesystem::rename(made, state / "password", error);
  if (error)
    return std::unexpected(fmt::format("{}: {}", (state / "password").string(), error.message()));
  return password;
}

}  // namespace meterlens::boards
