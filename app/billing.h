// `meterlens export readings`: readings as they are billed, as CSV on the standard output.
#pragma once

#include <string>

namespace meterlens::app {

struct BillingOptions {
  std::string config;  // settings file of the server; empty: the defaults
  std::string from;    // ISO 8601 or Unix ms; empty: from the first on
  std::string to;      // the first moment that does not count; empty: no end
  std::string meter;   // empty: all
  bool all = false;    // also doubtful and rejected ones
  bool missing = false;  // also due times without a reading
};

// The same lines as GET /api/v1/export/readings.csv gives page by page. Run it in the server's
// working directory, also while that runs. 1 when something is wrong, which it says.
int export_billing(const BillingOptions& options);

}  // namespace meterlens::app
