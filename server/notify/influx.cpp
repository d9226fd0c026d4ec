#include "server/notify/influx.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "server/notify/amount.h"
#include "server/notify/http_client.h"

namespace meterlens::notify {
namespace {

using store::News;
using store::NewsKind;

constexpr int line_count_max = 500;

// Line protocol has no escape for a line's end, and a backslash before a separator hides it.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) continue;
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  while (special.find('\\') == std::string_view::npos && out.ends_with('\\')) out.pop_back();
  return out;
}

std::string in_quotes(std::string_view text) { return '"' + escaped(text, "\"\\") + '"'; }

std::string percent(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

class Influx : public Sink {
 public:
  Influx(const InfluxSettings& settings, store::Store& store)
      : settings_(settings), store_(store), client_(stopping_) {
    while (settings_.url.ends_with('/')) settings_.url.pop_back();
  }

  bool wants(store::Stream stream) const override { return stream != store::Stream::alarm; }
  int batch_max() const override { return line_count_max; }

  Sent send(std::span<const News> news) override {
    std::string lines;
    for (const News& one : news) {
      if (one.kind == NewsKind::reading_withdrawn) {
        // In order: what is deleted here may be written again later.
        if (const Sent sent = write(client_, std::exchange(lines, "")); !sent.good()) return sent;
        if (const Sent sent = remove(one.reading); !sent.good()) return sent;
        continue;
      }
      validate::Meter meter;
      if (auto found = store_.meter(one.reading.meter)) meter = *std::move(found);
      else if (found.error().code != store::ErrorCode::not_found)
        return later(found.error().message);
      lines += line_of(settings_.measurement, one.reading, meter) + "\n";
    }
    return write(client_, std::move(lines));
  }
  // A point that no reading has: the connection, the token and the bucket are right, and it is
  // removed at once.
  Sent test() override {
    HttpClient client(stopping_);
    validate::Reading reading;
    reading.meter = "meterlens-test";
    reading.value = "0";
    const Sent sent =
        write(client, line_of(settings_.measurement + "_test", reading, validate::Meter{}) + "\n");
    return sent;
  }

 private:
  bool is_v2() const { return settings_.version == 2; }

  Sent write(HttpClient& client, std::string lines) {
    if (lines.empty()) return {};
    const std::string query =
        is_v2() ? fmt::format("/api/v2/write?org={}&bucket={}&precision=ms",
                              percent(settings_.org), percent(settings_.bucket))
                : fmt::format("/write?db={}&precision=ms", percent(settings_.bucket));
    return post(client, query, "text/plain; charset=utf-8", std::move(lines));
  }
  Sent remove(const validate::Reading& reading) {
    if (is_v2()) {
      return post(client_,
                  fmt::format("/api/v2/delete?org={}&bucket={}", percent(settings_.org),
                              percent(settings_.bucket)),
                  "application/json", deletion_v2(settings_.measurement, reading));
    }
    return post(client_, fmt::format("/query?db={}", percent(settings_.bucket)),
                "application/x-www-form-urlencoded",
                "q=" + percent(deletion_v1(settings_.measurement, reading)));
  }
  Sent post(HttpClient& client, const std::string& path, const std::string& type,
            std::string body) {
    HttpRequest request;
    request.url = settings_.url + path;
    request.headers = {"Content-Type: " + type};
    if (is_v2() && !settings_.token.empty())
      request.headers.push_back("Authorization: Token " + settings_.token);
    if (!is_v2()) {
      request.user = settings_.user;
      request.password = settings_.password;
    }
    request.body = std::move(body);
    request.timeout_s = settings_.timeout_s;
    request.ca_file = settings_.ca_file;
    const auto status = client.post(request);
    if (!status) return later(status.error(), Trouble::no_answer);
    Sent sent = judge_status(*status);
    if (!sent.good()) sent.error = "InfluxDB at " + host_of(settings_.url) + ": " + sent.error;
    return sent;
  }

  InfluxSettings settings_;
  store::Store& store_;
  HttpClient client_;
};

}  // namespace

std::unique_ptr<Sink> make_influx(const InfluxSettings& settings, store::Store& store) {
  return std::make_unique<Influx>(settings, store);
}

std::string line_of(const std::string& measurement, const validate::Reading& reading,
                    const validate::Meter& meter) {
  const std::string value = amount(reading.value, meter.factor).value_or(reading.value);
  std::string line = fmt::format(
      "{},meter={} value={},count={}i,decimals={}i,reading={}i,verdict={}",
      escaped(measurement, ", "), escaped(reading.meter, ",= "), value, reading.value_count,
      reading.value_decimals, reading.id, in_quotes(validate::name(reading.verdict)));
  if (!meter.unit.empty()) line += ",unit=" + in_quotes(meter.unit);
  if (meter.medium != validate::Medium::unknown)
    line += ",medium=" + in_quotes(validate::name(meter.medium));
  return line + fmt::format(" {}", reading.at_ms);
}

std::string deletion_v2(const std::string& measurement, const validate::Reading& reading) {
  const std::string at = time_text(reading.at_ms);
  const nlohmann::ordered_json body{
      {"start", at},
      {"stop", at},
      {"predicate", fmt::format("_measurement={} AND meter={}", in_quotes(measurement),
                                in_quotes(reading.meter))}};
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string deletion_v1(const std::string& measurement, const validate::Reading& reading) {
  std::string meter;
  for (const char c : reading.meter) meter += c == '\'' ? std::string("\\'") : std::string(1, c);
  return fmt::format("DELETE FROM {} WHERE \"meter\" = '{}' AND time = {}", in_quotes(measurement),
                     meter, reading.at_ms * 1'000'000);
}

}  // namespace meterlens::notify
