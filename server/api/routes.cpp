#include "server/api/routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/ids.h"
#include "protocol/image.h"
#include "server/api/answers.h"
#include "server/api/by_hand.h"
#include "server/api/files.h"
#include "server/api/openapi.h"
#include "server/api/query.h"

namespace meterlens::api {
namespace {

// Judged by its hash: it came over a network.
Response object_response(
    const std::expected<std::vector<std::uint8_t>, photo::FileError>& bytes,
    const photo::Photo& photo, const std::vector<std::pair<std::string, std::string>>& headers) {
  if (!bytes && bytes.error().code == photo::FileErrorCode::not_found) {
    return error_response(404, "photo_file_missing",
                          fmt::format("the object {} is not there any more", photo.path));
  }
  if (!bytes) return error_response(503, "photo_store_failed", bytes.error().message);
  if (photo.state == photo::PhotoState::stored && protocol::sha256(*bytes) != photo.sha256) {
    return error_response(503, "photo_store_failed",
                          fmt::format("the object {} is not the photo that was stored",
                                      photo.path));
  }
  return {200, "image/jpeg", std::string(bytes->begin(), bytes->end()), headers};
}

constexpr auto health_age_max = std::chrono::seconds(1);

constexpr const char* console_missing =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Meterlens</title>"
    "<h1>Meterlens is running</h1><p>The console has not been built. Run <code>./demo</code>, or "
    "<code>npm ci &amp;&amp; npm run build</code> in the folder <code>console</code>, and load "
    "this page again. The API is at <a href=\"/api/v1/devices\">/api/v1/devices</a>, described "
    "by <a href=\"/api/v1/openapi.yaml\">openapi.yaml</a>.</p></html>\n";

// An image file is the longest that anybody sends.
constexpr std::size_t image_file_bytes_max =
    protocol::image_file_head_bytes + protocol::image_bytes_max;

}  // namespace

Routes::Routes(const Settings& settings, store::Store& store, metrics::Metrics& metrics,
               const Doors& doors, Changed changed)
    : settings_(settings),
      store_(store),
      metrics_(metrics),
      doors_(doors),
      changed_(std::move(changed)),
      meters_(store, doors_, changed_, std::bind_front(&Routes::store_error, this)),
      second_(settings_, store, doors, std::bind_front(&Routes::store_error, this)),
      notify_(store, doors, changed_, std::bind_front(&Routes::store_error, this)),
      fleet_(store, doors_, changed_, std::bind_front(&Routes::store_error, this),
             [this](const std::string& id) { return device({}, id); }),
      upkeep_(doors_),
      idempotency_(store),
      rows_(store),
      list_(settings_.body_bytes_max, store),
      summaries_(std::chrono::milliseconds(settings_.counting_ms_least), std::chrono::seconds(5)) {
  list();
  meters_.list(list_);
  second_.list(list_);
  notify_.list(list_);
  fleet_.list(list_);
  upkeep_.list(list_);
}

void Routes::list() {
  list_.add(*this, {
      {"GET", "/api/v1/devices", &Routes::devices},
      {"GET", "/api/v1/devices/{id}", &Routes::device, counted},
      {"POST", "/api/v1/devices/{id}/commands", &Routes::capture},
      {"POST", "/api/v1/devices/{id}/aim", &Routes::aim},
      {"GET", "/api/v1/devices/{id}/view.jpg", &Routes::newest_view},
      {"GET", "/api/v1/devices/{id}/settings/camera", &Routes::camera_settings, counted},
      {"PUT", "/api/v1/devices/{id}/settings/camera", &Routes::change_camera, counted},
      {"GET", "/api/v1/devices/{id}/settings/dtu", &Routes::dtu_settings, counted},
      {"PUT", "/api/v1/devices/{id}/settings/dtu", &Routes::change_dtu, counted},
      {"GET", "/api/v1/commands/{id}", &Routes::command},
      {"GET", "/api/v1/photos", &Routes::photos},
      {"GET", "/api/v1/photos/{id}.jpg", &Routes::photo_file},
      {"GET", "/api/v1/readings", &Routes::readings},
      {"GET", "/api/v1/readings/{id}", &Routes::reading, versioned},
      {"PATCH", "/api/v1/readings/{id}", &Routes::review, versioned},
      {"GET", "/api/v1/schedules", &Routes::schedules},
      {"POST", "/api/v1/schedules", &Routes::add_schedule},
      {"GET", "/api/v1/schedules/{id}", &Routes::schedule, versioned},
      {"PUT", "/api/v1/schedules/{id}", &Routes::change_schedule, versioned},
      {"DELETE", "/api/v1/schedules/{id}", &Routes::delete_schedule, versioned},
      {"GET", "/api/v1/images", &Routes::images},
      {"POST", "/api/v1/images", &Routes::add_image,
       {.body_bytes_max = std::max(image_file_bytes_max, settings_.body_bytes_max)}},
      {"GET", "/api/v1/devices/{id}/updates", &Routes::updates},
      {"POST", "/api/v1/devices/{id}/updates", &Routes::order_update},
      {"GET", "/api/v1/updates/{id}", &Routes::update},
      {"GET", "/api/v1/summary", &Routes::summary},
      {"GET", "/api/v1/events", &Routes::events},
      {"GET", "/api/v1/health", &Routes::health},
      {"GET", "/api/v1/metrics", &Routes::metrics},
      {"GET", "/api/v1/openapi.yaml", &Routes::openapi},
      {"GET", "/health", &Routes::health},
      {"GET", "/metrics", &Routes::metrics},
  });
}

Response Routes::answer(const Request& request, bool live_is_full) {
  metrics_.add(metrics::Count::http_requests);
  Response response =
      request.method == "POST" && !request.idempotency_key.empty()
          ? idempotency_.answer(request, [&] { return dispatch(request); })
          : dispatch(request);
  if (response.live && live_is_full) {
    response = error_response(503, "too_many_live_clients",
                              "too many live clients: close some pages, or ask again later");
  }
  if (response.status >= 400) metrics_.add(metrics::Count::http_errors);
  return response;
}

Response Routes::dispatch(const Request& request) {
  if (auto response = list_.answer(request)) return *std::move(response);
  if (request.body.size() > settings_.body_bytes_max)
    return body_too_large(request.body.size(), settings_.body_bytes_max);
  const bool is_api = request.path == "/api" || request.path.starts_with("/api/");
  if (is_api) {
    return error_response(404, "unknown_path",
                          "there is no such path; /api/v1/openapi.yaml describes all");
  }
  if (request.method != "GET") return wrong_method("GET");
  return console_file(request);
}

Response Routes::device(const Request&, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("device", id);
  const auto view = rows_.view(id);
  if (!view) return store_error(view.error(), "device");
  return json_response(device_json(*view));
}

Response Routes::capture(const Request& request, const std::string& id) {
  if (const auto good = parse_capture(request.body); !good) return bad_request(good.error());
  if (!protocol::is_device_name(id)) return unknown("device", id);
  const auto command = doors_.capture(id);
  return command ? json_response(command_json(*command), 202) : refused(command.error());
}

Response Routes::camera_settings(const Request&, const std::string& id) {
  return settings_of(protocol::Part::camera, id);
}

Response Routes::dtu_settings(const Request&, const std::string& id) {
  return settings_of(protocol::Part::dtu, id);
}

Response Routes::settings_of(protocol::Part part, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("device", id);
  if (const auto device = store_.device(id); !device)
    return store_error(device.error(), "device");
  const auto settings = store_.settings(id, part);
  if (!settings) return store_error(settings.error());
  return json_response(
      settings_json(settings->value_or(command::WishedSettings{id, part, 0, 0, {}, {}})));
}

Response Routes::change_camera(const Request& request, const std::string& id) {
  return change(request, protocol::Part::camera, id);
}

Response Routes::change_dtu(const Request& request, const std::string& id) {
  return change(request, protocol::Part::dtu, id);
}

Response Routes::change(const Request& request, protocol::Part part, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("device", id);
  auto entries = parse_settings(request.body, part);
  if (!entries) return bad_request(entries.error());
  const auto settings = doors_.change_settings(id, part, *std::move(entries));
  return settings ? json_response(settings_json(*settings), 202) : refused(settings.error());
}

Response Routes::command(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("command", id);
  const auto command = store_.command(*number);
  if (!command) return store_error(command.error(), "command");
  return json_response(command_json(*command));
}

Response Routes::photo_file(const Request& request, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("photo", id);
  const auto photo = store_.photo(*number);
  if (!photo) return store_error(photo.error(), "photo");
  const auto digits = protocol::hex(photo->sha256);
  const std::string tag = '"' + std::string(digits.data(), digits.size()) + '"';
  const std::vector<std::pair<std::string, std::string>> headers{
      {"ETag", tag}, {"Cache-Control", "private, max-age=31536000, immutable"}};
  if (request.if_none_match == tag) return {304, "image/jpeg", "", headers};
  if (settings_.read_object && photo::is_object(photo->path))
    return object_response(settings_.read_object(photo->path, photo::upload_bytes_max), *photo,
                           headers);
  auto bytes = read_file_inside(settings_.photo_folders, photo->path);
  if (!bytes) {
    return error_response(404, "photo_file_missing",
                          fmt::format("the file {} is not there any more", photo->path));
  }
  return {200, "image/jpeg", std::move(*bytes), headers};
}

Response Routes::readings(const Request& request, const std::string&) {
  const auto filter = parse_filter(request.query, "meter", true);
  if (!filter) return bad_request(filter.error());
  const auto readings = store_.readings(*filter);
  if (!readings) return store_error(readings.error());
  const bool has_more = static_cast<int>(readings->size()) == filter->count_max;
  return json_response(readings_json(*readings, has_more));
}

Response Routes::reading(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("reading", id);
  const auto reading = store_.reading(*number);
  if (!reading) return store_error(reading.error(), "reading");
  return json_response(reading_json(*reading));
}

Response Routes::review(const Request& request, const std::string& id) {
  auto wanted = parse_edit(request.body);
  if (!wanted) return bad_request(wanted.error());
  if (request.caller.has_account()) wanted->edit.reviewer = request.caller.name;
  const auto number = parse_id(id);
  if (!number) return unknown("reading", id);
  const auto reading = store_.reading(*number);
  if (!reading) return store_error(reading.error(), "reading");
  const auto newest = store_.newest_accepted(reading->meter, reading->id);
  if (!newest) return store_error(newest.error());
  const auto meter = store_.meter(reading->meter);
  if (!meter && meter.error().code != store::ErrorCode::not_found)
    return store_error(meter.error());
  const auto then = meter_at(store_, meter ? *meter : validate::Meter{}, reading->at_ms);
  if (!then) return store_error(then.error());
  const auto reviewed = validate::review(*reading, wanted->edit, *newest, *then, unix_ms());
  if (!reviewed) return bad_request(reviewed.error());
  const auto stored = store_.add_review(*reviewed, wanted->version);
  if (!stored) return store_error(stored.error(), "reading");
  if (const auto done = meters_.reconsider(*stored); !done) return store_error(done.error());
  changed_(Subject::reading, id);
  changed_(Subject::device, stored->device);
  return json_response(reading_json(*stored));
}

Response Routes::events(const Request&, const std::string&) {
  Response response{200, "text/event-stream", "", {{"Cache-Control", "no-store"}}};
  response.live = true;
  return response;
}

std::string Routes::store_state() {
  // A check writes to the disk, and waits when the database is locked: one at a time, askers
  // meanwhile and within a second after it share its result.
  std::unique_lock lock(health_mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (store_checking_ || now - store_checked_at_ < health_age_max) return store_state_;
  store_checking_ = true;
  lock.unlock();
  const auto checked = store_.check();
  lock.lock();
  store_checking_ = false;
  store_state_ = checked ? "ok" : checked.error().message;
  store_checked_at_ = std::chrono::steady_clock::now();
  return store_state_;
}

Response Routes::health(const Request&, const std::string&) {
  Health health{doors_.broker_connected(), store_state(), doors_.reader_state()};
  const std::string fault = doors_.storage_fault();
  if (health.store == "ok" && !fault.empty()) health.store = fault;
  return json_response(health_json(health, settings_.version), health.store == "ok" ? 200 : 503);
}

Response Routes::metrics(const Request&, const std::string&) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text(),
          {{"Cache-Control", "no-store"}}};
}

Response Routes::openapi(const Request&, const std::string&) {
  return {200, "application/yaml", openapi_text, {{"Cache-Control", "no-cache"}}};
}

Response Routes::console_file(const Request& request) {
  const bool is_index = request.path == "/" || request.path == "/index.html";
  const std::string path = is_index ? "/index.html" : request.path;
  auto file = read_file(settings_.console_folder, path);
  if (file) {
    // Files under assets/ have their hash in the name.
    const bool is_hashed = request.path.starts_with("/assets/");
    Response response{
        200, file->content_type, std::move(file->bytes),
        {{"Cache-Control", is_hashed ? "public, max-age=31536000, immutable" : "no-cache"},
         {"Vary", "Accept-Encoding"}}};
    // The build of the console puts a compressed one beside each file.
    auto packed = request.accepts_gzip ? read_file(settings_.console_folder, path + ".gz")
                                       : std::unexpected(FileError::not_found);
    if (packed) {
      response.body = std::move(packed->bytes);
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
    return response;
  }
  if (is_index) {
    return {200, "text/html; charset=utf-8", console_missing, {{"Cache-Control", "no-store"}}};
  }
  return error_response(404, "unknown_path", "there is no such page; the console is at /");
}

Response Routes::store_error(const store::Error& error, const char* what) {
  if (error.code == store::ErrorCode::not_found) {
    return error_response(404, std::string("unknown_") + what, error.message);
  }
  if (error.code == store::ErrorCode::conflict) {
    return error_response(409, "conflict", error.message);
  }
  metrics_.add(metrics::Count::store_errors);
  if (error.code == store::ErrorCode::locked) {
    return error_response(503, "store_locked", error.message);
  }
  if (error.code == store::ErrorCode::unreachable) {
    return error_response(503, "store_unreachable", error.message);
  }
  if (error.code == store::ErrorCode::disk_full) {
    return error_response(507, "disk_full", error.message);
  }
  return error_response(500, "store_failed", error.message);
}

std::optional<std::string> Routes::render(Subject subject, const std::string& id) {
  const auto number = parse_id(id).value_or(0);
  switch (subject) {
    case Subject::device: {
      const auto view = rows_.view(id);
      return view ? std::optional(device_json(*view)) : std::nullopt;
    }
    case Subject::command: {
      const auto command = store_.command(number);
      return command ? std::optional(command_json(*command)) : std::nullopt;
    }
    case Subject::photo: {
      const auto photo = store_.photo(number);
      return photo ? std::optional(photo_json(*photo)) : std::nullopt;
    }
    case Subject::alarm: return notify_.alarm_text(number);
    case Subject::update: {
      const auto update = store_.update(number);
      return update ? std::optional(update_json(*update)) : std::nullopt;
    }
    case Subject::view: {
      const auto view = doors_.view(id);
      return view ? std::optional(view_json(id, *view)) : std::nullopt;
    }
    case Subject::reading: {
      const auto reading = store_.reading(number);
      return reading ? std::optional(reading_json(*reading)) : std::nullopt;
    }
  }
  return {};
}

}  // namespace meterlens::api
