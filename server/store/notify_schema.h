// Inside store/: the step of the schema that brings alarms and what sinks have been told.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration notify_migration();

}  // namespace meterlens::store
