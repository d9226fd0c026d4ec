// GET /api/v1/summary: the counts of the console's home page.
#include "server/api/answers.h"
#include "server/api/json_text.h"
#include "server/api/query.h"
#include "server/api/routes.h"

namespace meterlens::api {
namespace {

constexpr int days_default = 14;
constexpr int days_max = 31;

std::string summary_json(const store::Summary& summary) {
  Json days = Json::array();
  for (const auto& day : summary.days)
    days.push_back({{"from_ms", day.from_ms},
                    {"accepted", day.accepted},
                    {"doubtful", day.doubtful},
                    {"rejected", day.rejected}});
  return Json{{"devices", summary.devices},
              {"online", summary.online},
              {"doubtful", summary.doubtful},
              {"captures",
               {{"done", summary.done}, {"open", summary.open}, {"failed", summary.failed}}},
              {"days", std::move(days)}}
      .dump();
}

}  // namespace

Response Routes::summary(const Request& request, const std::string&) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const auto since_ms = parse_id(query->get("since"));
  if (!since_ms || *since_ms > 9'999'999'999'999)
    return bad_request("since must be when the day began, in Unix ms, like 1767225600000");
  const std::string days = query->get("days");
  const auto count = days.empty() ? std::optional<std::int64_t>(days_default) : parse_id(days);
  if (!count || *count > days_max) return bad_request("days must be a whole number from 1 to 31");
  std::string asked = request.query;
  for (const std::string& group : request.caller.groups) asked += '\0' + group;
  const auto summary = summaries_.get(asked, [&] {
    return store_.summary(*since_ms, static_cast<int>(*count), request.caller.groups);
  });
  if (!summary) return store_error(summary.error());
  return json_response(summary_json(*summary));
}

}  // namespace meterlens::api
