// Inside store/: what differs between the engines, beyond the words of dialect.h.
#pragma once

// SOCI's bindings for Boost.Fusion are templates that nobody uses here: without them its headers
// need no Boost, and compile in half the time.
#include <soci/soci-config.h>
#undef SOCI_HAVE_BOOST
#include <soci/soci.h>

#include <memory>
#include <string>

#include "server/store/store.h"

namespace meterlens::store {

// Thrown inside open(): the error is known already.
struct OpenFailure {
  Error error;
};

// The connection went away before the transaction was committed: nothing of it is stored.
struct LostConnection : soci::soci_error {
  using soci::soci_error::soci_error;
};

// The connection went away at the commit, and the server did not come back to say what it did.
struct UnansweredCommit : soci::soci_error {
  using soci::soci_error::soci_error;
};

// Of one database. Each member throws soci_error when the engine refuses, if nothing else is said.
class Driver {
 public:
  virtual ~Driver() = default;
  // `writes`: the one connection that writes; else one that must not.
  virtual void connect(soci::session& sql, bool writes) = 0;
  // One transaction at a time writes, of all programs; waits for the others.
  virtual void begin(soci::session& sql) = 0;
  virtual void commit(soci::session& sql) = 0;
  virtual void roll_back(soci::session& sql) noexcept = 0;
  // The connection is gone, and with it what was not committed.
  virtual bool is_lost(const soci::soci_error& error, soci::session& sql) const = 0;
  // Whether the last transaction, whose commit was asked for and not answered, is stored. `sql` is
  // connected anew.
  virtual bool was_committed(soci::session& sql) = 0;
  virtual Error explain(const soci::soci_error& error, soci::session& sql) const = 0;
  // For people; without secrets.
  virtual const std::string& name() const = 0;
};

std::unique_ptr<Driver> sqlite_driver(const std::string& path, const Options& options);
// Throws OpenFailure when the URL is none or bears a password.
std::unique_ptr<Driver> postgresql_driver(const std::string& url, const Options& options);

// postgresql://... or postgres://...
bool is_postgresql(const std::string& place);

// Code and advice for an SQLite result; `system_errno` tells a full disk from a broken one.
Error explain_sqlite(int sqlite_result, int system_errno, const std::string& words,
                     const std::string& path, int busy_timeout_ms);
// The same for an SQLSTATE of PostgreSQL.
Error explain_sqlstate(const std::string& state, const std::string& words, const std::string& name,
                       int busy_timeout_ms);

}  // namespace meterlens::store
