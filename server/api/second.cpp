#include "server/api/second.h"

#include <fmt/format.h>

#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/by_hand.h"
#include "server/api/json.h"
#include "server/api/query.h"
#include "server/api/second_json.h"
#include "server/photo/exif.h"
#include "server/photo/jpeg_shape.h"

namespace meterlens::api {
namespace {

constexpr int uses_max = 1000;
constexpr int policy_edits_max = 100;
using server::day_ms;
constexpr std::int64_t day_last = 100'000'000;

// A phone has no name of its own here; no device can be called so.
std::string phone_of(const std::string& meter) { return "phone:" + meter; }

Response shape_response(photo::ShapeError error) {
  using enum photo::ShapeError;
  switch (error) {
    case not_jpeg:
      return error_response(415, "not_a_jpeg", "the body is no JPEG: send the photo's own bytes");
    case truncated:
      return error_response(400, "truncated_jpeg", "the photo's end is missing: send it again");
    case too_large:
      return error_response(413, "too_many_pixels",
                            "the photo has more pixels than pixels_max in [upload] lets through");
    case damaged: break;
  }
  return error_response(400, "damaged_jpeg", "the photo is damaged: send it again");
}

std::int64_t today(const SecondInfo& info) { return (unix_ms() + info.day_offset_ms) / day_ms; }

}  // namespace

SecondRoutes::SecondRoutes(const Settings& settings, store::Store& store, const Doors& doors,
                           StoreError store_error)
    : settings_(settings), store_(store), doors_(doors), store_error_(std::move(store_error)) {}

void SecondRoutes::list(RouteList& routes) {
  routes.add(*this, {
      {"GET", "/api/v1/second", &SecondRoutes::state},
      {"DELETE", "/api/v1/second/stop", &SecondRoutes::resume},
      {"GET", "/api/v1/second/use", &SecondRoutes::uses},
      {"GET", "/api/v1/meters/{id}/second", &SecondRoutes::policy, counted},
      {"PUT", "/api/v1/meters/{id}/second", &SecondRoutes::change_policy, counted},
      {"GET", "/api/v1/readings/{id}/said", &SecondRoutes::said},
      {"POST", "/api/v1/meters/{id}/photos", &SecondRoutes::upload,
       {.body_bytes_max = settings_.upload_bytes_max}},
      {"GET", "/api/v1/commands", &SecondRoutes::commands},
      {"GET", "/api/v1/commands/{id}/life", &SecondRoutes::command_life},
      {"GET", "/api/v1/commands/{id}/tries", &SecondRoutes::light_tries},
  });
}

// ---- the second reader ----

Response SecondRoutes::state(const Request&, const std::string&) {
  const auto stop = store_.second_stop();
  if (!stop) return store_error_(stop.error(), "object");
  const auto billed = store_.second_billed(today(settings_.second));
  if (!billed) return store_error_(billed.error(), "object");
  return json_response(second_state_json(settings_.second, *stop, *billed, unix_ms()));
}

Response SecondRoutes::resume(const Request& request, const std::string& id) {
  const auto cleared = store_.save_second_stop({});
  if (!cleared) return store_error_(cleared.error(), "object");
  return state(request, id);
}

Response SecondRoutes::uses(const Request& request, const std::string&) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const std::string meter = query->get("meter");
  if (!meter.empty() && !protocol::is_device_name(meter))
    return bad_request("meter must be the name of a meter");
  std::int64_t from = 0, to = day_last;
  for (const auto& [key, day] : {std::pair{"from", &from}, std::pair{"to", &to}}) {
    const std::string value = query->get(key);
    if (value.empty()) continue;
    const auto parsed = parse_day(value);
    if (!parsed) return bad_request(std::string(key) + " must be a day, like 2026-01-31");
    *day = *parsed;
  }
  const auto uses = store_.second_uses(meter, from, to, uses_max);
  if (!uses) return store_error_(uses.error(), "object");
  return json_response(second_uses_json(*uses, settings_.second.currency));
}

Response SecondRoutes::policy(const Request&, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  if (const auto meter = store_.meter(id); !meter) return store_error_(meter.error(), "meter");
  const auto edits = store_.second_policies(id, policy_edits_max);
  if (!edits) return store_error_(edits.error(), "meter");
  return json_response(second_policy_json(id, *edits, settings_.second.policy));
}

Response SecondRoutes::change_policy(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  auto wanted = parse_second_policy(request.body);
  if (!wanted) return bad_request(wanted.error());
  if (request.caller.has_account()) wanted->author = request.caller.name;
  wanted->meter = id;
  wanted->at_ms = unix_ms();
  const auto added = store_.add_second_policy(*wanted);
  if (!added) return store_error_(added.error(), "meter");
  return policy(request, id);
}

Response SecondRoutes::said(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("reading", id);
  if (const auto reading = store_.reading(*number); !reading)
    return store_error_(reading.error(), "reading");
  const auto said = store_.said(*number);
  if (!said) return store_error_(said.error(), "reading");
  return json_response(said_json(*number, *said));
}

// ---- photos that people send ----

Response SecondRoutes::upload(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("meter", id);
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  if (request.body.empty())
    return error_response(400, "empty_body", "send the photo's own bytes as the body");
  const protocol::Bytes bytes(reinterpret_cast<const std::uint8_t*>(request.body.data()),
                              request.body.size());
  const auto shape = photo::look(bytes, {settings_.upload_pixels_max, true});
  if (!shape) return shape_response(shape.error());
  photo::Photo photo;
  const std::string taken_at = query->get("taken_at");
  const auto taken = taken_at.empty() ? photo::exif_time_ms(bytes) : parse_moment(taken_at);
  if (!taken_at.empty() && (!taken || *taken > unix_ms() + future_ms_max)) {
    return bad_request("taken_at must be a time that has been: Unix milliseconds, or like "
                       "2026-01-31T07:30:00+01:00");
  }
  if (const auto meter = store_.meter(id); !meter) return store_error_(meter.error(), "meter");
  photo.captured_at_ms = taken.value_or(0);
  photo.meter = id;
  photo.device = phone_of(id);
  photo.bytes.assign(bytes.begin(), bytes.end());
  photo.photo_bytes = static_cast<std::int64_t>(bytes.size());
  photo.sha256 = protocol::sha256(bytes);
  const auto done = doors_.upload(std::move(photo));
  if (!done) return refused(done.error());
  return json_response(photo_json(done->photo), done->is_new ? 201 : 200);
}

// ---- the life of commands ----

Response SecondRoutes::commands(const Request& request, const std::string&) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const std::string device = query->get("device");
  if (!device.empty() && !protocol::is_device_name(device))
    return bad_request("device must be the name of a device");
  const std::string cursor = query->get("cursor");
  const auto before = cursor.empty() ? std::optional(INT64_MAX) : parse_id(cursor);
  if (!before) return bad_request("cursor must be the \"next\" of the page before");
  auto commands = store_.commands(device, *before, page_count + 1);
  if (!commands) return store_error_(commands.error(), "command");
  const bool has_more = commands->size() > page_count;
  if (has_more) commands->pop_back();
  return json_response(
      commands_json(*commands, has_more ? std::to_string(commands->back().id) : ""));
}

Response SecondRoutes::command_life(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("command", id);
  const auto command = store_.command(*number);
  if (!command) return store_error_(command.error(), "command");
  const auto life = store_.command_life(*number);
  if (!life) return store_error_(life.error(), "command");
  return json_response(command_life_json(*command, *life));
}

Response SecondRoutes::light_tries(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("command", id);
  if (const auto command = store_.command(*number); !command)
    return store_error_(command.error(), "command");
  // A try's own command shows the slot that it belongs to.
  const auto own = store_.light_try_of(*number);
  if (!own) return store_error_(own.error(), "command");
  const std::int64_t first = *own ? (*own)->first_command : *number;
  const auto tries = store_.light_tries(first);
  if (!tries) return store_error_(tries.error(), "command");
  return json_response(light_tries_json(first, *tries));
}

}  // namespace meterlens::api
