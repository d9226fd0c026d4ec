// Inside store/, PostgreSQL only: readings and messages are kept by month (UTC), so that old ones
// go with their table. What no month takes lies in a partition for the rest. Each throws
// soci_error.
#pragma once

#include <optional>

#include "server/store/driver.h"

namespace meterlens::store {

// Makes those of this month and the next two, where they are missing and can be made. To be called
// within a transaction.
void keep_months(soci::session& sql, long long now_ms);

// Those between two times as well, for old rows that are to come; at most 50 years.
void make_months(soci::session& sql, const char* table, long long from_ms, long long to_ms);

// Removes a month that ends at `before_ms` or earlier: one, for all other writers wait for it. Of
// its readings those that retention keeps for ever move to the rest, and the reviews of the others
// go too. How many rows are gone; nothing: there is no such month.
std::optional<long long> drop_reading_month(soci::session& sql, long long before_ms);
// All that end then; these have nothing that stays.
void drop_message_months(soci::session& sql, long long before_ms);

}  // namespace meterlens::store
