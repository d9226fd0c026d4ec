// Inside store/: the tables of the second reader, of photos that people send, of other light and of
// the life of commands.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration second_migration();

}  // namespace meterlens::store
