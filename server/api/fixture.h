// For the tests of the API: a server on 127.0.0.1 and a free port, with a store of its own that has
// three devices, two photos and a reading.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "server/api/api.h"
#include "server/api/raw_client.h"

namespace meterlens::api {

using nlohmann::json;
using test::body_of;
using test::get;
using test::post;
using test::RawClient;
using test::send;
using test::status_of;
namespace fs = std::filesystem;

class ApiTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "api_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directories(folder_ / "console" / "assets");
    fs::create_directories(folder_ / "public" / "images");
    put("secret.txt", "the secret");
    auto opened = store::Store::open((folder_ / "a.db").string(), {.busy_timeout_ms = 20});
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    fill();
    settings_.port = 0;
    settings_.console_folder = (folder_ / "console").string();
    settings_.photo_folders = {(folder_ / "public" / "images").string()};
    settings_.version = "9.9";
    settings_.live_client_count_max = 2;
    settings_.counting_ms_least = 3'600'000;
    start();
  }
  void TearDown() override {
    api_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }

  Doors doors() {
    Doors doors;
    doors.capture = [this](const std::string& device) { return capture(device); };
    doors.change_settings = [this](const std::string& device, protocol::Part part,
                                   const std::vector<std::uint8_t>& entries)
        -> std::expected<command::WishedSettings, CaptureError> {
      if (device == "full")
        return std::unexpected(CaptureError{CaptureErrorCode::wrong_dialect, "a SmartDTU"});
      command::WishedSettings wish{device, part, 3, 0, entries, {}};
      EXPECT_TRUE(store_->save_settings(wish));
      return wish;
    };
    doors.schedules_changed = [] {};
    doors.upload = [this](photo::Photo photo) -> std::expected<server::Uploaded, CaptureError> {
      const auto known = store_->find_upload(photo.meter, photo.sha256);
      if (*known) return server::Uploaded{**known, false};
      EXPECT_TRUE(store_->add_photos({&photo, 1}));
      return server::Uploaded{photo, true};
    };
    doors.aim = [this](const std::string& device,
                       const protocol::Aim& aim) -> std::expected<void, CaptureError> {
      if (device == "full")
        return std::unexpected(CaptureError{CaptureErrorCode::wrong_dialect, "a SmartDTU"});
      aimed_.push_back(aim);
      return {};
    };
    doors.view = [this](const std::string&) { return view_; };
    doors.broker_connected = [] { return true; };
    doors.reader_state = [] { return std::string("ok"); };
    doors.storage_fault = [this] { return storage_fault_; };
    doors.credentials_changed = [this] { ++credentials_changes_; };
    doors.meter_groups = [this](const std::string& meter) {
      const auto found = groups_.find(meter);
      return found == groups_.end() ? std::vector<std::string>{} : found->second;
    };
    return doors;
  }

  void start() {
    auto api = Api::start(settings_, *store_, metrics_, doors());
    ASSERT_TRUE(api) << api.error();
    api_ = std::move(*api);
    port_ = api_->port();
  }

  std::expected<command::Command, CaptureError> capture(const std::string& device) {
    if (!store_->device(device)) {
      return std::unexpected(CaptureError{CaptureErrorCode::unknown_device, "there is no device"});
    }
    if (device == "full") {
      return std::unexpected(CaptureError{CaptureErrorCode::queue_full, "16 are waiting"});
    }
    command::Command command;
    command.device = device;
    command.created_ms = command.updated_ms = 77;
    command.id = store_->add_command(command).value();
    return command;
  }

  void fill() {
    for (const char* id : {"m1", "m2", "full"}) {
      store::Device device;
      device.id = id;
      device.product = "meterlens";
      device.first_seen_ms = device.last_seen_ms = 5;
      ASSERT_TRUE(store_->save_device(device));
    }
    photo::Photo photo;
    photo.device = "m1";
    photo.photo_id = 1;
    photo.bytes = {0xff, 0xd8, 0xff, 0xd9};
    photo.sha256 = protocol::sha256(photo.bytes);
    photo.captured_at_ms = photo.received_at_ms = 1000;
    photo.path = (folder_ / "public/images/1.jpg").string();
    ASSERT_TRUE(store_->add_photos({&photo, 1}));
    put("public/images/1.jpg", "\xff\xd8\xff\xd9");
    photo.photo_id = 2;
    photo.path = (folder_ / "public/images/../../secret.txt").string();
    ASSERT_TRUE(store_->add_photos({&photo, 1}));
    validate::Reading reading;
    reading.meter = reading.device = "m1";
    reading.photo = 1;
    reading.at_ms = 1000;
    reading.status = "read";
    reading.digits = "00195419";
    reading.certain = 8;
    reading.value = "195.419";
    reading.red = 3;
    reading.verdict = validate::Verdict::accepted;
    ASSERT_TRUE(store_->add_reading(reading));
  }

  void put(const std::string& path, const std::string& text) {
    std::ofstream(folder_ / path, std::ios::binary) << text;
  }
  json get_json(const std::string& path) { return json::parse(body_of(get(port_, path))); }
  std::string code_of(const std::string& answer) {
    return json::parse(body_of(answer))["error"]["code"];
  }

  fs::path folder_;
  Settings settings_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Api> api_;
  std::uint16_t port_ = 0;
  std::string storage_fault_;
  std::vector<protocol::Aim> aimed_;
  std::optional<photo::View> view_;
  std::atomic<int> credentials_changes_{0};
  std::map<std::string, std::vector<std::string>> groups_;  // of meters; set before it starts
};

}  // namespace meterlens::api
