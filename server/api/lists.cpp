// The lists of devices and photos, page by page.
#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/query.h"
#include "server/api/routes.h"

namespace meterlens::api {
namespace {

std::expected<std::optional<bool>, std::string> truth(const Query& query, const std::string& key) {
  const std::string text = query.get(key);
  if (text.empty()) return std::nullopt;
  if (text == "true") return true;
  if (text == "false") return false;
  return std::unexpected(key + " must be true or false");
}

// A page of few and cheap columns may have so many devices, another one a thousand.
constexpr int cheap_devices_max = 10'000;
constexpr int devices_max = 1000;

std::expected<store::DeviceFilter, std::string> device_filter(const Query& query,
                                                              const DeviceFields& fields) {
  store::DeviceFilter out;
  const auto page = page_of(query, fields.is_cheap() ? cheap_devices_max : devices_max);
  if (!page) return std::unexpected(page.error());
  if (!page->cursor.empty() && !protocol::is_device_name(page->cursor))
    return std::unexpected("cursor must be the \"next\" of the page before");
  out.after = page->cursor;
  out.count_max = page->count_max + 1;
  out.target.group = query.get("group");
  if (const auto good = fleet::check_group(out.target.group); !good)
    return std::unexpected(good.error());
  if (const std::string label = query.get("label"); !label.empty())
    if (const auto good = fleet::parse_label(label, out.target); !good)
      return std::unexpected(good.error());
  out.dialect = query.get("dialect");
  if (!out.dialect.empty() && out.dialect != "native" && out.dialect != "smartdtu")
    return std::unexpected("dialect must be native or smartdtu");
  const auto search = search_of(query);
  if (!search) return std::unexpected(search.error());
  out.search = *search;
  const auto online = truth(query, "online");
  if (!online) return std::unexpected(online.error());
  const auto enabled = truth(query, "enabled");
  if (!enabled) return std::unexpected(enabled.error());
  out.online = *online;
  out.enabled = *enabled;
  return out;
}

}  // namespace

Response Routes::devices(const Request& request, const std::string&) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const std::string names = query->get("fields");
  const auto fields = names.empty() ? DeviceFields() : parse_device_fields(names);
  if (!fields) return bad_request(fields.error());
  const auto filter = device_filter(*query, *fields);
  if (!filter) return bad_request(filter.error());
  auto views = rows_.views(*filter, fields->parts());
  if (!views) return store_error(views.error());
  const bool has_more = cut(*views, filter->count_max - 1);
  return json_response(names.empty() ? devices_json(*views, has_more)
                                     : devices_json(*views, has_more, *fields));
}

Response Routes::photos(const Request& request, const std::string&) {
  auto filter = parse_filter(request.query, "device", false);
  if (!filter) return bad_request(filter.error());
  const auto query = parse_query(request.query);
  const auto page = page_of(*query);
  if (!page) return bad_request(page.error());
  if (!page->cursor.empty()) {
    const auto before = parse_id(page->cursor);
    if (!before) return bad_request("cursor must be the \"next\" of the page before");
    filter->before_id = *before;
  }
  filter->count_max = page->count_max + 1;
  auto photos = store_.photos(*filter);
  if (!photos) return store_error(photos.error());
  const bool has_more = photos->size() == static_cast<std::size_t>(filter->count_max);
  if (has_more) photos->pop_back();
  return json_response(photos_json(*photos, has_more));
}

}  // namespace meterlens::api
