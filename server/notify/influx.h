// Tells an InfluxDB, by its HTTP interface of version 2 or 1, in line protocol: one point for each
// reading that counts, at the time of its shot. A correction writes the same point again; a
// withdrawal deletes it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/notify/settings.h"
#include "server/notify/sink.h"

namespace meterlens::notify {

// `store` outlives it.
std::unique_ptr<Sink> make_influx(const InfluxSettings& settings, store::Store& store);

// One line, without its end:
// <measurement>,meter=<id> value=<amount>,count=<n>i,decimals=<n>i,reading=<id>i,verdict="..",
// unit="..",medium=".." <ms>
// `value` is in the meter's unit; count and decimals are what the register shows, exactly.
std::string line_of(const std::string& measurement, const validate::Reading& reading,
                    const validate::Meter& meter);
// The body of a deletion in version 2, and the statement of one in version 1.
std::string deletion_v2(const std::string& measurement, const validate::Reading& reading);
std::string deletion_v1(const std::string& measurement, const validate::Reading& reading);

}  // namespace meterlens::notify
