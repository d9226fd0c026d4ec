// The routes of aiming: a camera sends small frames for a while, and the newest is shown.
#include "protocol/checksum.h"
#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/routes.h"

namespace meterlens::api {

Response Routes::aim(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("device", id);
  const auto aim = parse_aim(request.body);
  if (!aim) return bad_request(aim.error());
  if (const auto sent = doors_.aim(id, *aim); !sent) return refused(sent.error());
  return json_response("{}", 202);
}

Response Routes::newest_view(const Request& request, const std::string& id) {
  if (!protocol::is_device_name(id)) return unknown("device", id);
  if (const auto device = store_.device(id); !device) return store_error(device.error(), "device");
  auto view = doors_.view(id);
  if (!view) {
    return error_response(404, "no_view",
                          "no frame has come from this camera; POST .../aim asks for some");
  }
  const auto digits = protocol::hex(protocol::sha256(view->jpeg));
  const std::string tag = '"' + std::string(digits.data(), digits.size()) + '"';
  const std::vector<std::pair<std::string, std::string>> headers{{"ETag", tag},
                                                                 {"Cache-Control", "no-cache"}};
  if (request.if_none_match == tag) return {304, "image/jpeg", "", headers};
  return {200, "image/jpeg", std::string(view->jpeg.begin(), view->jpeg.end()), headers};
}

}  // namespace meterlens::api
