#include "app/billing.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/stored.h"
#include "server/api/billing.h"

namespace meterlens::app {
namespace {

constexpr int page_count = 5000;

int cannot_export(const std::string& words) {
  fmt::print(stderr, "meterlens export readings: {}\n", words);
  return 1;
}

}  // namespace

int export_billing(const BillingOptions& options) {
  const std::string query = fmt::format("from={}&to={}&meter={}&all={}&missing={}&count={}",
                                        options.from, options.to, options.meter, options.all,
                                        options.missing, page_count);
  auto filter = api::parse_billing(query);
  if (!filter) return cannot_export(filter.error());
  const auto store = open_store(options.config);
  if (!store) return cannot_export(store.error());
  for (;;) {
    const auto page = api::billing_csv(**store, *filter);
    if (!page) return cannot_export(page.error().message);
    if (std::fwrite(page->body.data(), 1, page->body.size(), stdout) != page->body.size() ||
        std::fflush(stdout) != 0)
      return cannot_export("cannot write to the standard output");
    if (page->next.empty()) return 0;
    filter = api::parse_billing(query + "&cursor=" + page->next);
    if (!filter) return cannot_export(filter.error());
  }
}

}  // namespace meterlens::app
