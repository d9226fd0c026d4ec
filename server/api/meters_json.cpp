#include "server/api/meters_json.h"

#include <algorithm>

#include "protocol/ids.h"
#include "server/api/json_text.h"

namespace meterlens::api {
namespace {

using validate::Author;
using validate::Exchange;
using validate::Meter;
using validate::Watch;

constexpr std::int64_t number_max = 999'999'999'999'999'999;  // as of ids in paths

Json object(const Meter& meter) {
  const bool is_unknown = meter.medium == validate::Medium::unknown;
  return {{"id", meter.id},
          {"version", meter.version},
          {"medium", is_unknown ? Json(nullptr) : Json(validate::name(meter.medium))},
          {"wheels", or_null(meter.wheels)},
          {"decimals", meter.decimals < 0 ? Json(nullptr) : Json(meter.decimals)},
          {"unit", or_null(meter.unit)},
          {"factor", meter.factor},
          {"serial", or_null(meter.serial)},
          {"place", or_null(meter.place)},
          {"rate_max", or_null(meter.rate_max)},
          {"installed_ms", or_null(meter.installed_ms)},
          {"removed_ms", or_null(meter.removed_ms)}};
}

Json object(const Watch& watch) {
  return {{"id", watch.id},
          {"version", watch.version},
          {"device", watch.device},
          {"meter", watch.meter},
          {"from_ms", or_null(watch.from_ms)},
          {"to_ms", or_null(watch.to_ms)},
          {"region", watch.region ? Json(*watch.region) : Json(nullptr)}};
}

Json object(const Exchange& exchange) {
  return {{"id", exchange.id},
          {"meter", exchange.meter},
          {"at_ms", exchange.at_ms},
          {"end_reading", exchange.end_reading},
          {"start_reading", exchange.start_reading},
          {"serial_before", or_null(exchange.serial_before)},
          {"serial_after", or_null(exchange.serial_after)},
          {"author", or_null(exchange.author.name)},
          {"reason", or_null(exchange.author.reason)},
          {"made_at_ms", exchange.author.at_ms}};
}

template <class Thing>
std::string page_text(const char* name, const std::vector<Thing>& things, const std::string& next) {
  Json array = Json::array();
  for (const Thing& thing : things) array.push_back(object(thing));
  return text(Json{{name, std::move(array)}, {"next", or_null(next)}});
}

// Newest first; what was there before an edit is the next one's `after`.
template <class Thing>
std::string edits_json(const std::vector<store::Edit<Thing>>& edits) {
  Json array = Json::array();
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const Author& author = edits[i].author;
    array.push_back({{"at_ms", or_null(author.at_ms)},
                     {"author", or_null(author.name)},
                     {"reason", or_null(author.reason)},
                     {"before", i + 1 < edits.size() ? object(edits[i + 1].after) : Json(nullptr)},
                     {"after", object(edits[i].after)}});
  }
  return text(Json{{"history", std::move(array)}});
}

// Takes the known keys of a body one after another; remembers what is wrong first.
class Body {
 public:
  explicit Body(const std::string& body) : json_(Json::parse(body, nullptr, false)) {
    if (!json_.is_object()) error_ = "the body must be a JSON object";
  }

  // Null, where it may be, means empty.
  void take(const char* key, std::string& to, std::size_t bytes_max) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (value->is_null()) return to.clear();
    std::string said = value->is_string() ? value->get<std::string>() : std::string();
    const bool is_plain = std::ranges::none_of(
        said, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (said.empty() || said.size() > bytes_max || !is_plain) {
      return fail(std::string("\"") + key + "\" must be a text of 1 to " +
                  std::to_string(bytes_max) + " bytes without control characters");
    }
    to = std::move(said);
  }
  // Null means `nothing`.
  void take(const char* key, std::int64_t& to, std::int64_t least, std::int64_t most,
            std::int64_t nothing = 0) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (value->is_null()) {
      to = nothing;
    } else if (value->is_number_integer() && *value >= least && *value <= most) {
      to = value->get<std::int64_t>();
    } else {
      fail(std::string("\"") + key + "\" must be a whole number from " + std::to_string(least) +
           " to " + std::to_string(most));
    }
  }
  void take(const char* key, int& to, int least, int most, int nothing) {
    std::int64_t value = to;
    take(key, value, std::int64_t{least}, std::int64_t{most}, std::int64_t{nothing});
    to = static_cast<int>(value);
  }
  void take(const char* key, std::optional<validate::Region>& to) {
    const Json* value = find(key);
    if (value == nullptr) return;
    to.reset();
    if (value->is_null()) return;
    validate::Region region{};
    bool good = value->is_array() && value->size() == region.size();
    for (std::size_t i = 0; good && i < region.size(); ++i) {
      const Json& corner = (*value)[i];
      good = corner.is_array() && corner.size() == 2;
      for (std::size_t k = 0; good && k < 2; ++k) {
        good = corner[k].is_number() && corner[k] >= 0 && corner[k] <= 20'000;
        if (good) region[i][k] = corner[k].get<double>();
      }
    }
    if (!good) return fail("\"region\" must be four corners [[x,y],...] in pixels, 0 to 20000");
    to = region;
  }
  Author author() {
    Author out;
    take("author", out.name, 64);
    take("reason", out.reason, 500);
    return out;
  }
  void need(bool condition, const char* what) {
    if (!condition) fail(what);
  }
  void fail(std::string what) {
    if (error_.empty()) error_ = std::move(what);
  }
  // The first error, or nothing.
  std::string finish() {
    if (error_.empty() && known_ < json_.size()) {
      error_ = "the body has an unknown key: openapi.yaml names those that are known";
    }
    return error_;
  }

 private:
  const Json* find(const char* key) {
    if (!json_.is_object()) return nullptr;
    const auto at = json_.find(key);
    if (at == json_.end()) return nullptr;
    ++known_;
    return &*at;
  }

  Json json_;
  std::size_t known_ = 0;
  std::string error_;
};

void take_register(Body& body, Meter& meter) {
  body.take("wheels", meter.wheels, 1, validate::wheel_count_max, 0);
  body.take("decimals", meter.decimals, 0, validate::wheel_count_max, -1);
  body.take("serial", meter.serial, 64);
  body.need(meter.wheels == 0 || meter.decimals <= meter.wheels,
            "\"decimals\" must be at most \"wheels\"");
}

void take_times(Body& body, const char* from, std::int64_t& from_ms, const char* to,
                std::int64_t& to_ms) {
  body.take(from, from_ms, std::int64_t{0}, time_max);
  body.take(to, to_ms, std::int64_t{0}, time_max);
  body.need(to_ms == 0 || to_ms > from_ms, "the end must be later than the begin");
}

}  // namespace

std::string meter_json(const Meter& meter) { return text(object(meter)); }
std::string meters_json(const std::vector<Meter>& meters, const std::string& next) {
  return page_text("meters", meters, next);
}
std::string meter_edits_json(const std::vector<store::Edit<Meter>>& edits) {
  return edits_json(edits);
}
std::string watch_json(const Watch& watch) { return text(object(watch)); }
std::string watches_json(const std::vector<Watch>& watches, const std::string& next) {
  return page_text("watches", watches, next);
}
std::string watch_edits_json(const std::vector<store::Edit<Watch>>& edits) {
  return edits_json(edits);
}
std::string exchange_json(const Exchange& exchange) { return text(object(exchange)); }
std::string exchanges_json(const std::vector<Exchange>& exchanges) {
  Json array = Json::array();
  for (const Exchange& exchange : exchanges) array.push_back(object(exchange));
  return text(Json{{"exchanges", std::move(array)}});
}

std::string reading_history_json(const std::vector<validate::Reading>& history) {
  Json array = Json::array();
  for (const validate::Reading& one : history) {
    const validate::Review& review = one.review.value();
    array.push_back({{"version", review.id},
                     {"at_ms", or_null(review.at_ms)},
                     {"by", review.by_server ? "server" : "person"},
                     {"author", or_null(review.reviewer)},
                     {"reason", or_null(review.reason)},
                     {"verdict", validate::name(one.verdict)},
                     {"digits", one.digits},
                     {"certain", one.certain},
                     {"red", one.red},
                     {"value", one.value}});
  }
  return text(Json{{"history", std::move(array)}});
}

std::expected<Edited<Meter>, std::string> parse_meter(const std::string& text_in,
                                                      const Meter& before, bool is_new) {
  Body body(text_in);
  Edited<Meter> out{before, {}};
  Meter& meter = out.thing;
  if (is_new) {
    body.take("id", meter.id, 64);
    body.need(protocol::is_device_name(meter.id),
              "\"id\" must be 1 to 64 of A-Z a-z 0-9 . _ - and not begin with a dot");
  } else {
    meter.version = -1;
    body.take("version", meter.version, std::int64_t{0}, number_max);
    body.need(meter.version >= 0, "\"version\" must be the \"version\" of the meter that you saw");
  }
  std::string medium = validate::name(meter.medium);
  body.take("medium", medium, 16);
  const auto named = validate::medium_named(medium.empty() ? "unknown" : medium);
  body.need(named.has_value(), "\"medium\" must be water, gas, electricity or heat");
  meter.medium = named.value_or(validate::Medium::unknown);
  take_register(body, meter);
  body.take("unit", meter.unit, 16);
  body.take("factor", meter.factor, 32);
  const auto factor = validate::parse_decimal(meter.factor);
  body.need(factor && factor->count > 0, "\"factor\" must be a number above 0, like \"0.01\"");
  body.take("place", meter.place, 200);
  body.take("rate_max", meter.rate_max, std::int64_t{1}, std::int64_t{1'000'000'000'000});
  take_times(body, "installed_ms", meter.installed_ms, "removed_ms", meter.removed_ms);
  out.author = body.author();
  if (auto wrong = body.finish(); !wrong.empty()) return std::unexpected(std::move(wrong));
  return out;
}

std::expected<Edited<Watch>, std::string> parse_watch(const std::string& text_in,
                                                      const Watch& before, bool is_new) {
  Body body(text_in);
  Edited<Watch> out{before, {}};
  Watch& watch = out.thing;
  if (is_new) {
    body.take("device", watch.device, 64);
    body.take("meter", watch.meter, 64);
    body.need(protocol::is_device_name(watch.device) && protocol::is_device_name(watch.meter),
              "\"device\" and \"meter\" must be names of a device and a meter");
  } else {
    watch.version = -1;
    body.take("version", watch.version, std::int64_t{0}, number_max);
    body.need(watch.version >= 0, "\"version\" must be the \"version\" of the watch that you saw");
  }
  take_times(body, "from_ms", watch.from_ms, "to_ms", watch.to_ms);
  body.take("region", watch.region);
  out.author = body.author();
  if (auto wrong = body.finish(); !wrong.empty()) return std::unexpected(std::move(wrong));
  return out;
}

std::expected<ExchangeBody, std::string> parse_exchange(const std::string& text_in,
                                                        const Meter& before) {
  Body body(text_in);
  ExchangeBody out;
  out.after = before;
  out.after.version = -1;
  out.after.serial.clear();
  body.take("version", out.after.version, std::int64_t{0}, number_max);
  body.need(out.after.version >= 0, "\"version\" must be the \"version\" of the meter");
  body.take("at_ms", out.at_ms, std::int64_t{1}, time_max);
  body.need(out.at_ms > 0, "\"at_ms\" must say when it was exchanged");
  body.take("end", out.end, 32);
  body.take("start", out.start, 32);
  body.need(validate::parse_decimal(out.end) && validate::parse_decimal(out.start),
            "\"end\" and \"start\" must be values like \"195.419\"");
  take_register(body, out.after);
  out.author = body.author();
  if (auto wrong = body.finish(); !wrong.empty()) return std::unexpected(std::move(wrong));
  return out;
}

std::expected<ManualBody, std::string> parse_manual(const std::string& text_in) {
  Body body(text_in);
  ManualBody out;
  body.take("at_ms", out.at_ms, std::int64_t{1}, time_max);
  body.need(out.at_ms > 0, "\"at_ms\" must say when the meter showed it");
  body.take("value", out.value, 32);
  body.take("digits", out.digits, 32);
  out.author = body.author();
  if (auto wrong = body.finish(); !wrong.empty()) return std::unexpected(std::move(wrong));
  return out;
}

std::expected<EstimateBody, std::string> parse_estimate(const std::string& text_in) {
  Body body(text_in);
  EstimateBody out;
  body.take("from_ms", out.from_ms, std::int64_t{1}, time_max);
  body.take("to_ms", out.to_ms, std::int64_t{1}, time_max);
  body.take("every_ms", out.every_ms, std::int64_t{60'000}, std::int64_t{366LL * 86'400'000});
  body.need(out.from_ms > 0 && out.to_ms >= out.from_ms && out.every_ms > 0,
            "\"from_ms\", \"to_ms\" and \"every_ms\" must name the times to fill");
  body.need(out.every_ms == 0 ||
                (out.to_ms - out.from_ms) / out.every_ms < std::int64_t{estimate_count_max},
            "at most 1000 times at once: ask for fewer");
  std::string method = "linear";
  body.take("method", method, 16);
  body.need(method == "linear" || method == "profile", "\"method\" must be linear or profile");
  out.method = method == "profile" ? validate::Method::profile : validate::Method::linear;
  out.author = body.author();
  if (auto wrong = body.finish(); !wrong.empty()) return std::unexpected(std::move(wrong));
  return out;
}

}  // namespace meterlens::api
