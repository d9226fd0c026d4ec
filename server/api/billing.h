// Inside api/: readings as they are billed, as CSV and JSON. The columns stay; new ones come last.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "server/store/store.h"

namespace meterlens::api {

// Of the query: from, to (ISO 8601 or Unix ms), meter, all, missing, cursor, count. The
// error says what is wrong.
std::expected<store::BillingFilter, std::string> parse_billing(std::string_view query);

struct BillingPage {
  std::string body;
  std::string next;  // cursor of the following page; empty: this is the last
};
// The head line comes only with the first page, so that pages can be put one after another.
store::Result<BillingPage> billing_csv(store::Store& store, const store::BillingFilter& filter);
store::Result<BillingPage> billing_json(store::Store& store, const store::BillingFilter& filter);

}  // namespace meterlens::api
