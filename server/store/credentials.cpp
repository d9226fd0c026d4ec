// Credentials of devices, products, and the audit.
#include "server/store/access.h"
#include "server/store/engine.h"

namespace meterlens::store {
namespace {

using door::Credential;
using door::Entry;
using door::Product;
using soci::into;
using soci::use;

constexpr const char* credential_select =
    "SELECT device, hash, made_by, made_ms, removed FROM credential ";

struct CredentialRow {
  explicit CredentialRow(soci::statement& statement) {
    statement.exchange(into(credential.device));
    statement.exchange(into(credential.hash));
    statement.exchange(into(credential.by));
    statement.exchange(into(credential.made_ms));
    statement.exchange(into(removed));
  }
  Credential take() {
    credential.removed = removed != 0;
    return credential;
  }
  Credential credential;
  int removed = 0;
};

struct ProductRow {
  explicit ProductRow(soci::statement& statement) {
    statement.exchange(into(product.name));
    statement.exchange(into(product.hash));
    statement.exchange(into(product.made_ms));
  }
  Product take() const { return product; }
  Product product;
};

struct EntryRow {
  explicit EntryRow(soci::statement& statement) {
    statement.exchange(into(entry.id));
    statement.exchange(into(entry.at_ms));
    statement.exchange(into(entry.who));
    statement.exchange(into(entry.by));
    statement.exchange(into(entry.address));
    statement.exchange(into(entry.method));
    statement.exchange(into(entry.path));
    statement.exchange(into(entry.status));
    statement.exchange(into(entry.before));
    statement.exchange(into(entry.after));
  }
  Entry take() const { return entry; }
  Entry entry;
};

}  // namespace

Result<std::vector<Credential>> Access::credentials() {
  return engine_.read([](soci::session& sql) {
    return select_rows<CredentialRow>(sql, std::string(credential_select) + "ORDER BY device");
  });
}

Result<std::optional<Credential>> Access::credential(const std::string& device) {
  return engine_.read([&](soci::session& sql) {
    return select_first<CredentialRow>(
        sql, std::string(credential_select) + "WHERE device = :device", device);
  });
}

Result<void> Access::save_credential(const Credential& credential) {
  return engine_.write([&](soci::session& sql) {
    const int removed = credential.removed ? 1 : 0;
    sql << "INSERT INTO credential VALUES (:device, :hash, :by, :made, :removed) "
           "ON CONFLICT (device) DO UPDATE SET hash = excluded.hash, made_by = excluded.made_by, "
           "made_ms = excluded.made_ms, removed = excluded.removed",
        use(credential.device), use(credential.hash), use(credential.by), use(credential.made_ms),
        use(removed);
  });
}

Result<void> Access::register_credential(const Credential& credential) {
  const auto rows = engine_.write([&](soci::session& sql) {
    return change_rows(sql,
                       "INSERT OR IGNORE INTO credential SELECT CAST(:device AS TEXT), "
                       "CAST(:hash AS TEXT), CAST(:by AS TEXT), CAST(:made AS BIGINT), 0 "
                       "WHERE NOT EXISTS (SELECT 1 FROM device WHERE id = :same)",
                       credential.device, credential.hash, credential.by, credential.made_ms,
                       credential.device);
  });
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0)
    return std::unexpected(Error{ErrorCode::conflict, "the device is known already"});
  return {};
}

Result<std::vector<Product>> Access::products() {
  return engine_.read([](soci::session& sql) {
    return select_rows<ProductRow>(sql, "SELECT name, hash, made_ms FROM product ORDER BY name");
  });
}

Result<std::optional<Product>> Access::product(const std::string& name) {
  return engine_.read([&](soci::session& sql) {
    return select_first<ProductRow>(
        sql, "SELECT name, hash, made_ms FROM product WHERE name = :name", name);
  });
}

Result<void> Access::add_product(const Product& product) {
  const auto rows = engine_.write([&](soci::session& sql) {
    return change_rows(sql, "INSERT OR IGNORE INTO product VALUES (:name, :hash, :made)",
                       product.name, product.hash, product.made_ms);
  });
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0)
    return std::unexpected(Error{ErrorCode::conflict, "there is a product \"" + product.name +
                                                          "\" already: remove it before"});
  return {};
}

Result<void> Access::remove_product(const std::string& name) {
  const auto rows = engine_.write([&](soci::session& sql) {
    return change_rows(sql, "DELETE FROM product WHERE name = :name", name);
  });
  if (!rows) return std::unexpected(rows.error());
  if (*rows == 0)
    return std::unexpected(Error{ErrorCode::not_found, "there is no product \"" + name + "\""});
  return {};
}

Result<std::int64_t> Access::add_entry(const Entry& entry) {
  return engine_.write([&](soci::session& sql) {
    sql << "INSERT INTO audit (at_ms, who, made_by, address, method, path, status, before, after) "
           "VALUES (:at, :who, :by, :address, :method, :path, :status, :before, :after)",
        use(entry.at_ms), use(entry.who), use(entry.by), use(entry.address), use(entry.method),
        use(entry.path), use(entry.status), use(entry.before), use(entry.after);
    std::int64_t id = 0;
    sql << "SELECT last_insert_rowid()", into(id);
    return id;
  });
}

Result<std::vector<Entry>> Access::entries(std::int64_t before_id, int count_max,
                                           const std::string& who, const std::string& path) {
  return engine_.read([&](soci::session& sql) {
    const std::int64_t before = before_id == 0 ? INT64_MAX : before_id;
    return select_rows<EntryRow>(
        sql,
        "SELECT id, at_ms, who, made_by, address, method, path, status, before, after FROM audit "
        "WHERE id < :before AND (who = :who OR :any_who = '') "
        "AND substr(path, 1, length(:path)) = :same ORDER BY id DESC LIMIT :count",
        before, who, who, path, path, count_max);
  });
}

}  // namespace meterlens::store
