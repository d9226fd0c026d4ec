#include "server/store/plans.h"

#include <soci/postgresql/soci-postgresql.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace meterlens::store {
namespace {

constexpr std::size_t plans_max = 256, seen_max = 4096;

// Others have no plan.
bool has_plan(std::string_view text) {
  constexpr std::array words{"SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "};
  return std::ranges::any_of(words, [&](const char* one) { return text.starts_with(one); });
}

class Session : public soci::postgresql_session_backend {
 public:
  using postgresql_session_backend::postgresql_session_backend;

  soci::postgresql_statement_backend* make_statement_backend() override;

  // The name by which the server knows the text; empty: it shall be given the text.
  std::string name_of(const std::string& text, int values) {
    if (!has_plan(text)) return {};
    if (const auto at = names_.find(text); at != names_.end()) return at->second;
    if (names_.size() >= plans_max || is_first(text)) return {};
    std::string name = get_next_statement_name();
    soci::details::postgresql_result made(
        *this, PQprepare(conn_, name.c_str(), text.c_str(), values, nullptr));
    made.check_for_errors("Cannot prepare a statement.");
    names_.emplace(text, name);
    return name;
  }

 private:
  // Texts that are made up each time fill no plans.
  bool is_first(const std::string& text) {
    if (seen_.size() >= seen_max) seen_.clear();
    return seen_.insert(std::hash<std::string>()(text)).second;
  }

  std::unordered_map<std::string, std::string> names_;
  std::unordered_set<std::size_t> seen_;
};

class PlannedStatement : public soci::postgresql_statement_backend {
 public:
  PlannedStatement(Session& session, bool single_row_mode)
      : postgresql_statement_backend(session, single_row_mode), planned_(session) {}
  // The plan stays with the connection.
  ~PlannedStatement() override { forget(); }

  void prepare(const std::string& query, soci::details::statement_type /*type*/) override {
    forget();
    postgresql_statement_backend::prepare(query, soci::details::st_one_time_query);
    statementName_ = planned_.name_of(query_, static_cast<int>(names_.size()));
    if (!statementName_.empty()) stType_ = soci::details::st_repeatable_query;
  }

 private:
  void forget() { statementName_.clear(); }
  Session& planned_;
};

soci::postgresql_statement_backend* Session::make_statement_backend() {
  return new PlannedStatement(*this, single_row_mode_);
}

class Factory : public soci::backend_factory {
 public:
  soci::details::session_backend* make_session(
      const soci::connection_parameters& parameters) const override {
    return new Session(parameters, false);
  }
};

}  // namespace

const soci::backend_factory& postgresql_with_plans() {
  static const Factory factory;
  return factory;
}

}  // namespace meterlens::store
