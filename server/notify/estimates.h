// Each night, values for due times without a reading, where two readings stand around them. Always
// marked as estimated, noted in the slot, and withdrawn when the actual one comes
// (store::SlotBook::close). An end anywhere makes none twice. One thread.
#pragma once

#include <cstdint>

#include "server/metrics/metrics.h"
#include "server/notify/settings.h"
#include "server/store/slots.h"

namespace meterlens::notify {

class Estimates {
 public:
  Estimates(const EstimateSettings& settings, store::Store& store, metrics::Metrics& metrics)
      : settings_(settings), book_(store), metrics_(metrics) {}

  // Goes on with the night's work, a bounded number of gaps in small transactions.
  store::Result<void> look(std::int64_t now_ms);

 private:
  const EstimateSettings settings_;
  store::SlotBook book_;
  metrics::Metrics& metrics_;
  std::int64_t night_ = 0;  // that is being done, or was last: days since 1970
  bool is_done_ = false;
  std::int64_t after_ = 0;  // the slot that was looked at last
};

}  // namespace meterlens::notify
