// For the tests of store/: a database of their own, and rows to put in.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/store/store.h"

namespace meterlens::store::test {

inline constexpr std::int64_t begin_ms = 1'700'006'400'000;  // 2023-11-15 00:00 UTC

enum class Kind : std::uint8_t { sqlite, postgresql };

// The URL of the server that tests may use: $METERLENS_TEST_POSTGRESQL, or what the ctest fixture
// `postgresql.start` has written.
inline std::string server_url() {
  if (const char* given = getenv("METERLENS_TEST_POSTGRESQL")) return given;
  std::string url;
  std::ifstream file(METERLENS_POSTGRESQL_FILE);
  std::getline(file, url);
  return url;
}

// Without notices.
inline std::string quiet_url() {
  return server_url() + "&options=-cclient_min_messages%3Dwarning";
}

// Runs `sql` on a connection of its own; the first value of the answer.
inline std::string run_on_server(const std::string& url, const std::string& sql) {
  PGconn* connection = PQconnectdb(url.c_str());
  PGresult* result = PQexec(connection, sql.c_str());
  const auto status = PQresultStatus(result);
  EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
      << sql << ": " << PQerrorMessage(connection);
  std::string value;
  if (PQntuples(result) > 0) value = PQgetvalue(result, 0, 0);
  PQclear(result);
  PQfinish(connection);
  return value;
}

// SQLite; a folder, and in it the database.
class Fixture : public testing::Test {
 protected:
  explicit Fixture(Kind kind = Kind::sqlite) : kind_(kind) {}

  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "store_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    if (kind_ == Kind::postgresql) {
      ASSERT_NE(server_url(), "") << "no server: run this by ctest, or by tools/postgresql.py run";
      schema_ = "test_" + folder_.filename().string().substr(11) + std::to_string(getpid());
      run_on_server(server_url(), "CREATE SCHEMA \"" + schema_ + '"');
    }
    store_ = open();
    ASSERT_TRUE(store_);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
    if (!schema_.empty()) run_on_server(quiet_url(), "DROP SCHEMA \"" + schema_ + "\" CASCADE");
  }
  std::string path() const {
    if (kind_ == Kind::sqlite) return (folder_ / "a b.db").string();
    return server_url() + "&options=-csearch_path%3D%22" + schema_ + "%22";
  }
  // The same through the socket in `folder_`, where a Proxy listens.
  std::string proxied() const {
    std::string url = path();
    const auto host = url.find("host=") + 5;
    return url.replace(host, url.find('&', host) - host, folder_.string());
  }
  static std::string server_folder() {
    const std::string url = server_url();
    return url.substr(url.find("host=") + 5);
  }
  std::unique_ptr<Store> open() const {
    const int patience_ms = kind_ == Kind::sqlite ? 20 : 2000;
    auto opened = Store::open(path(), {.busy_timeout_ms = patience_ms});
    if (!opened) ADD_FAILURE() << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  const Kind kind_;
  std::filesystem::path folder_;
  std::string schema_;
  std::unique_ptr<Store> store_;
};

// A test suite that runs on both: TEST_P, and INSTANTIATE_TEST_SUITE_P(On, Suite, both, named).
class OnBoth : public Fixture, public testing::WithParamInterface<Kind> {
 protected:
  OnBoth() : Fixture(GetParam()) {}
};
inline const auto both = testing::Values(Kind::sqlite, Kind::postgresql);
inline std::string named(const testing::TestParamInfo<Kind>& kind) {
  return kind.param == Kind::sqlite ? "sqlite" : "postgresql";
}

// Bytes, hash and times follow from the number.
inline photo::Photo photo_of(const std::string& device, std::uint32_t number) {
  photo::Photo photo;
  photo.device = device;
  photo.photo_id = number;
  photo.bytes = {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 1};
  photo.sha256 = protocol::sha256(photo.bytes);
  photo.captured_at_ms = 1000 + number;
  photo.received_at_ms = 2000 + number;
  photo.path = "public/images/" + device + "/" + std::to_string(number) + ".jpg";
  return photo;
}

inline validate::Reading reading_of(const std::string& meter, std::int64_t photo,
                                    std::int64_t at_ms) {
  validate::Reading reading;
  reading.meter = reading.device = meter;
  reading.photo = photo;
  reading.at_ms = at_ms;
  reading.status = "read";
  reading.digits = "00195419";
  reading.certain = 8;
  reading.red = 3;
  reading.value_count = 195419;
  reading.value_decimals = 3;
  reading.value = "195.419";
  reading.confidence = 0.987;
  reading.window = {{{10.5, 20}, {200, 21.25}, {199, 60}, {9, 59}}};
  reading.wheels = {1, 0.998, 0.412};
  reading.ms = 4.1;
  reading.verdict = validate::Verdict::accepted;
  return reading;
}

}  // namespace meterlens::store::test
