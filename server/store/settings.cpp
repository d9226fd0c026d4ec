// What the server wishes of the settings of each device's parts.
#include <fmt/format.h>

#include "server/store/engine.h"

namespace meterlens::store {
namespace {

using command::WishedSettings;
using soci::into;
using soci::use;

// Two digits a byte; what this file has written.
std::string digits_of(const std::vector<std::uint8_t>& bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::uint8_t nibble(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  throw soci::soci_error("settings in the database are not hexadecimal");
}

std::vector<std::uint8_t> settings_bytes(const std::string& digits) {
  if (digits.size() % 2 != 0) throw soci::soci_error("settings in the database are cut");
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(nibble(digits[i]) << 4 | nibble(digits[i + 1])));
  return out;
}

struct SettingsRow {
  explicit SettingsRow(soci::statement& statement) {
    statement.exchange(into(settings.device));
    statement.exchange(into(part));
    statement.exchange(into(revision));
    statement.exchange(into(confirmed));
    statement.exchange(into(entries));
    statement.exchange(into(refused));
  }
  WishedSettings take() {
    settings.part = part == protocol::name(protocol::Part::dtu) ? protocol::Part::dtu
                                                                 : protocol::Part::camera;
    settings.revision = static_cast<std::uint32_t>(revision);
    settings.confirmed = static_cast<std::uint32_t>(confirmed);
    settings.entries = settings_bytes(entries);
    if (settings.entries.size() % protocol::setting_bytes != 0)
      throw soci::soci_error("settings in the database are cut");
    settings.refused = settings_bytes(refused);
    return std::move(settings);
  }
  WishedSettings settings;
  std::string part, entries, refused;
  long long revision = 0, confirmed = 0;
};

}  // namespace

Result<void> Store::save_settings(const WishedSettings& settings) {
  return engine_->write([&](soci::session& sql) {
    const std::string part = protocol::name(settings.part);
    const long long revision = settings.revision;
    const long long confirmed = settings.confirmed;
    const std::string entries = digits_of(settings.entries);
    const std::string refused = digits_of(settings.refused);
    sql << "INSERT INTO settings (device, part, revision, confirmed, entries, refused)"
           " VALUES (:device, :part, :revision, :confirmed, :entries, :refused)"
           " ON CONFLICT (device, part) DO UPDATE SET revision = excluded.revision,"
           " confirmed = excluded.confirmed, entries = excluded.entries,"
           " refused = excluded.refused",
        use(settings.device), use(part), use(revision), use(confirmed), use(entries), use(refused);
  });
}

Result<std::vector<WishedSettings>> Store::settings(const Owned& owned) {
  return engine_->read([&](soci::session& sql) {
    return select_owned<SettingsRow>(
        sql, "SELECT device, part, revision, confirmed, entries, refused FROM settings"
             " WHERE revision >= 0", "", owned);
  });
}

Result<std::optional<WishedSettings>> Store::settings(const std::string& device,
                                                      protocol::Part part) {
  return engine_->read([&](soci::session& sql) {
    return select_first<SettingsRow>(
        sql,
        "SELECT device, part, revision, confirmed, entries, refused FROM settings"
        " WHERE device = :device AND part = :part",
        device, std::string(protocol::name(part)));
  });
}

}  // namespace meterlens::store
