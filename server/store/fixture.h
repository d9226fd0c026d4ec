// For the tests of store/: a database in a folder of its own, and rows to put in.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "server/store/store.h"

namespace meterlens::store::test {

class Fixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "store_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    store_ = open();
    ASSERT_TRUE(store_);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string path() const { return (folder_ / "a b.db").string(); }
  std::unique_ptr<Store> open() const {
    auto opened = Store::open(path(), {.busy_timeout_ms = 20});
    return opened ? std::move(*opened) : nullptr;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Store> store_;
};

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
  reading.ms = 4.1;
  reading.verdict = validate::Verdict::accepted;
  return reading;
}

}  // namespace meterlens::store::test
