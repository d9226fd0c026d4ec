// The requests about images and remote updates.
#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/query.h"
#include "server/api/routes.h"

namespace meterlens::api {
namespace {

struct Status {
  int status;
  const char* code;
};

Status status_of(server::ImageErrorCode code) {
  using enum server::ImageErrorCode;
  switch (code) {
    case not_an_image: return {400, "not_an_image"};
    case malformed: return {400, "image_malformed"};
    case wrong_size: return {400, "image_wrong_size"};
    case wrong_hash: return {400, "image_wrong_hash"};
    case no_keys: return {409, "no_public_keys"};
    case wrong_signature: return {400, "wrong_signature"};
    case store: break;
  }
  return {503, "store_failed"};
}

Response answer_to(server::UpdateError error) {
  using enum server::UpdateError;
  switch (error) {
    case unknown_device:
      return error_response(404, "unknown_device",
                            "there is no such device; it appears when it first connects");
    case unknown_image: return error_response(404, "unknown_image", "there is no such image");
    case not_native:
      return error_response(409, "not_native", "a SmartDTU takes no images of ours");
    case update_open:
      return error_response(409, "update_open",
                            "another update of this device is under way; order it when that ended");
    case disabled:
      return error_response(409, "device_disabled", "the device is disabled: enable it before");
    case store: break;
  }
  return error_response(503, "store_failed",
                        "the update could not be stored; /api/v1/health says why");
}

}  // namespace

Response Routes::images(const Request& request, const std::string&) {
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  auto images = store_.images(cursor->id, cursor->count_max + 1);
  if (!images) return store_error(images.error());
  const bool has_more = cut(*images, cursor->count_max);
  return json_response(images_json(*images, has_more));
}

Response Routes::add_image(const Request& request, const std::string&) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(request.body.data());
  const auto image = doors_.add_image({bytes, request.body.size()});
  if (image) return json_response(image_json(*image), 201);
  const auto [status, code] = status_of(image.error().code);
  return error_response(status, code, image.error().message);
}

Response Routes::updates(const Request& request, const std::string& id) {
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  if (!protocol::is_device_name(id)) return unknown("device", id);
  if (const auto device = store_.device(id); !device) return store_error(device.error(), "device");
  auto updates = store_.updates(id, cursor->id, cursor->count_max + 1);
  if (!updates) return store_error(updates.error());
  const bool has_more = cut(*updates, cursor->count_max);
  return json_response(updates_json(*updates, has_more));
}

Response Routes::update(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("update", id);
  const auto update = store_.update(*number);
  if (!update) return store_error(update.error(), "update");
  return json_response(update_json(*update));
}

Response Routes::order_update(const Request& request, const std::string& id) {
  const auto image = parse_update(request.body);
  if (!image) return bad_request(image.error());
  if (!protocol::is_device_name(id)) return unknown("device", id);
  const auto update = doors_.update(id, *image);
  if (!update) return answer_to(update.error());
  return json_response(update_json(*update), 202);
}

}  // namespace meterlens::api
