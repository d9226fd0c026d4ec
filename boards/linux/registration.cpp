#include "boards/linux/registration.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <memory>
#include <utility>

namespace meterlens::boards {
namespace {

constexpr std::chrono::seconds pause_most{60};
constexpr std::chrono::minutes pause_refused{10};
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

int stops(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
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

Answer post(const RegistrationOptions& options, const std::string& body,
            const std::stop_token& stop) {
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
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, &stops);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &stop);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.text);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, error.data());
  if (!options.ca_file.empty())
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, options.ca_file.c_str());
  if (curl_easy_perform(curl.get()) == CURLE_OK)
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  else if (!stop.stop_requested())
    spdlog::warn(fmt::format("{}: {}", url, error.data()));
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

Registration register_once(const Newcomer& newcomer, const RegistrationOptions& options,
                           const std::stop_token& stop) {
  using Outcome = Registration::Outcome;
  if (auto kept = kept_password(newcomer.state); !kept.empty()) return {Outcome::done, kept};
  const auto made = newcomer.state / "password.new", kept = newcomer.state / "password";
  const auto password = password_to_register(made);
  if (!password) return {Outcome::refused, password.error()};
  const std::string body =
      fmt::format(R"({{"product":{},"secret":{},"device":{},"password":{}}})",
                  quoted(options.product), quoted(options.secret), quoted(newcomer.device),
                  quoted(*password));
  const Answer answer = post(options, body, stop);
  if (answer.status == 0) return {Outcome::later, "no answer"};
  if (answer.status == 429 || answer.status >= 500)
    return {Outcome::later, std::to_string(answer.status)};
  if (answer.status != 200 && answer.status != 201)
    return {Outcome::refused, fmt::format("{} does not register {}: {} {}", options.server,
                                          newcomer.device, answer.status, answer.text)};
  std::error_code error;
  std::filesystem::rename(made, kept, error);
  if (error) return {Outcome::refused, fmt::format("{}: {}", kept.string(), error.message())};
  return {Outcome::done, *password};
}

Registrar::Registrar(RegistrationOptions options, const std::vector<Newcomer>& newcomers)
    : options_(std::move(options)) {
  for (const Newcomer& newcomer : newcomers) places_.push_back({newcomer, Clock::now()});
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::vector<Registrar::Registered> Registrar::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fresh_, {});
}

std::optional<std::string> Registrar::refusal() const {
  const std::lock_guard lock(mutex_);
  for (const Place& place : places_)
    if (place.last.outcome != Registration::Outcome::refused) return std::nullopt;
  return places_.front().last.text;
}

void Registrar::run(const std::stop_token& stop) {
  const auto is_done = [](const Place& place) {
    return place.last.outcome == Registration::Outcome::done;
  };
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex_);
  while (!std::ranges::all_of(places_, is_done)) {
    const auto next = std::ranges::min_element(places_, {}, [&](const Place& place) {
      return is_done(place) ? Clock::time_point::max() : place.due;
    });
    stopped.wait_until(lock, stop, next->due, [] { return false; });
    if (stop.stop_requested()) return;
    const Newcomer newcomer = next->newcomer;
    lock.unlock();
    Registration registration = register_once(newcomer, options_, stop);
    lock.lock();
    next->last = std::move(registration);
    note(static_cast<std::size_t>(next - places_.begin()));
  }
}

void Registrar::note(std::size_t index) {
  Place& place = places_[index];
  const std::string& text = place.last.text;
  switch (place.last.outcome) {
    case Registration::Outcome::done:
      fresh_.push_back({index, text});
      return;
    case Registration::Outcome::refused:
      spdlog::error(fmt::format("{}; asked again in {} minutes", text, pause_refused.count()));
      place.due = Clock::now() + pause_refused;
      return;
    case Registration::Outcome::later:
      spdlog::warn(fmt::format("{}: not registered yet ({}); again in {} s", place.newcomer.device,
                               text, place.pause.count()));
      place.due = Clock::now() + place.pause;
      place.pause = std::min(2 * place.pause, pause_most);
  }
}

}  // namespace meterlens::boards
