// Inside store/: the tables of users, sessions, tokens, credentials and the audit.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration access_migration();

}  // namespace meterlens::store
