// Images and updates over HTTP, against a running server with a store of its own.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "protocol/image.h"
#include "server/api/api.h"
#include "server/api/raw_client.h"

namespace meterlens::api {
namespace {

using nlohmann::json;
using test::body_of;
using test::get;
using test::post;
using test::status_of;
namespace fs = std::filesystem;

class UpdateRoutes : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "api_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    store_ = *store::Store::open((folder_ / "a.db").string());
    store::Device device;
    device.id = "m1";
    ASSERT_TRUE(store_->save_device(device));
    Settings settings;
    settings.port = 0;
    Doors doors;
    doors.add_image = [this](std::span<const std::uint8_t> file) { return add_image(file); };
    doors.update = [this](const std::string& id, std::int64_t image) { return update(id, image); };
    doors.capture = [](const std::string&) { return command::Command(); };
    doors.schedules_changed = [] {};
    doors.change_settings = [](const std::string&, protocol::Part, std::vector<std::uint8_t>) {
      return std::unexpected(CaptureError{});
    };
    doors.broker_connected = [] { return true; };
    doors.reader_state = [] { return std::string("ok"); };
    doors.storage_fault = [] { return std::string(); };
    api_ = *Api::start(settings, *store_, metrics_, std::move(doors));
  }
  void TearDown() override {
    api_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }

  std::expected<update::Image, server::ImageError> add_image(std::span<const std::uint8_t> file) {
    uploaded_bytes_ = file.size();
    if (image_error_) return std::unexpected(server::ImageError{*image_error_, "why"});
    update::Image image;
    image.board = "esp32cam";
    image.version = 7;
    image.image_bytes = 5;
    image.created_ms = 9;
    image.id = store_->add_image(image).value();
    return image;
  }
  std::expected<update::Update, server::UpdateError> update(const std::string& device,
                                                            std::int64_t image) {
    if (update_error_) return std::unexpected(*update_error_);
    update::Update update;
    update.device = device;
    update.image = image;
    update.version = 7;
    update.created_ms = update.updated_ms = 77;
    update.id = store_->add_update(update).value();
    return update;
  }
  static std::string code_of(const std::string& answer) {
    return json::parse(body_of(answer))["error"]["code"];
  }
  std::string upload(std::size_t bytes) {
    return post(api_->port(), "/api/v1/images", std::string(bytes, '\0'));
  }
  std::string order(const std::string& body, const std::string& device = "m1") {
    return post(api_->port(), "/api/v1/devices/" + device + "/updates", body);
  }

  fs::path folder_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Api> api_;
  std::size_t uploaded_bytes_ = 0;
  std::optional<server::ImageErrorCode> image_error_;
  std::optional<server::UpdateError> update_error_;
};

TEST_F(UpdateRoutes, AnImageOfTheLargestSizeIsTakenAndOneMoreByteIsNot) {
  constexpr std::size_t most = protocol::image_file_head_bytes + protocol::image_bytes_max;
  const std::string answer = upload(most);
  ASSERT_EQ(status_of(answer), 201) << answer;
  EXPECT_EQ(uploaded_bytes_, most);
  const json image = json::parse(body_of(answer));
  EXPECT_EQ(image["part"], "camera");
  EXPECT_EQ(image["board"], "esp32cam");
  EXPECT_EQ(image["version"], 7);
  const json images = json::parse(body_of(get(api_->port(), "/api/v1/images")));
  EXPECT_EQ(images["images"], json::array({image}));
  EXPECT_EQ(status_of(upload(most + 1)), 413);
  EXPECT_EQ(status_of(order(std::string(65'537, ' '))), 413) << "all else stays bounded";
}

TEST_F(UpdateRoutes, ABadImageIsRefusedByItsName) {
  using enum server::ImageErrorCode;
  const std::tuple<server::ImageErrorCode, int, const char*> table[] = {
      {not_an_image, 400, "not_an_image"},    {malformed, 400, "image_malformed"},
      {wrong_size, 400, "image_wrong_size"},  {wrong_hash, 400, "image_wrong_hash"},
      {no_keys, 409, "no_public_keys"},       {wrong_signature, 400, "wrong_signature"},
      {store, 503, "store_failed"}};
  for (const auto& [error, status, code] : table) {
    image_error_ = error;
    const std::string answer = upload(9);
    EXPECT_EQ(status_of(answer), status) << code;
    EXPECT_EQ(code_of(answer), code);
  }
}

TEST_F(UpdateRoutes, AnUpdateIsOrderedAndSeen) {
  const std::string answer = order(R"({"image":3})");
  ASSERT_EQ(status_of(answer), 202);
  const json update = json::parse(body_of(answer));
  EXPECT_EQ(update["state"], "queued");
  EXPECT_EQ(update["image"], 3);
  EXPECT_EQ(update["reason"], nullptr);
  const std::string id = std::to_string(update["id"].get<int>());
  EXPECT_EQ(json::parse(body_of(get(api_->port(), "/api/v1/updates/" + id))), update);
  const json updates = json::parse(body_of(get(api_->port(), "/api/v1/devices/m1/updates")));
  EXPECT_EQ(updates["updates"], json::array({update}));
  EXPECT_EQ(status_of(get(api_->port(), "/api/v1/updates/99")), 404);
  EXPECT_EQ(status_of(get(api_->port(), "/api/v1/devices/m9/updates")), 404);
}

TEST_F(UpdateRoutes, WhatCannotBeOrderedIsNamed) {
  using enum server::UpdateError;
  const std::tuple<server::UpdateError, int, const char*> table[] = {
      {unknown_device, 404, "unknown_device"}, {unknown_image, 404, "unknown_image"},
      {not_native, 409, "not_native"},         {update_open, 409, "update_open"},
      {store, 503, "store_failed"}};
  for (const auto& [error, status, code] : table) {
    update_error_ = error;
    const std::string answer = order(R"({"image":3})");
    EXPECT_EQ(status_of(answer), status) << code;
    EXPECT_EQ(code_of(answer), code);
  }
  update_error_.reset();
  for (const char* body : {"", "{}", "[3]", R"({"image":0})", R"({"image":-1})", R"({"image":"3"})",
                           R"({"image":1.5})", R"({"image":3,"x":1})",
                           R"({"image":18446744073709551615})"})
    EXPECT_EQ(status_of(order(body)), 400) << body;
  EXPECT_TRUE(store_->open_updates()->empty());
}

TEST_F(UpdateRoutes, AForeignPageChangesNothing) {
  for (const char* path : {"/api/v1/images", "/api/v1/devices/m1/updates"}) {
    const std::string answer =
        post(api_->port(), path, R"({"image":3})", "Origin: http://evil\r\n");
    EXPECT_EQ(status_of(answer), 403) << path;
  }
  EXPECT_EQ(uploaded_bytes_, 0U);
}

TEST_F(UpdateRoutes, ListsHavePages) {
  for (std::uint32_t version = 1; version <= 3; ++version) {
    update::Image image;
    image.board = "esp32cam";
    image.version = version;
    ASSERT_TRUE(store_->add_image(image));
    update::Update update;
    update.device = "m1";
    update.image = update.version = version;
    ASSERT_TRUE(store_->add_update(update));
  }
  for (const auto& [path, name] :
       {std::pair{"/api/v1/images", "images"},
        std::pair{"/api/v1/devices/m1/updates", "updates"}}) {
    const auto page = [&](const std::string& query) {
      return json::parse(body_of(get(api_->port(), path + query)));
    };
    const json first = page("?limit=2");
    ASSERT_EQ(first[name].size(), 2U) << path;
    EXPECT_EQ(first[name][0]["version"], 3) << "newest first";
    EXPECT_EQ(first["next"], "2");
    const json rest = page("?limit=2&cursor=2");
    ASSERT_EQ(rest[name].size(), 1U) << path;
    EXPECT_EQ(rest[name][0]["version"], 1);
    EXPECT_EQ(rest["next"], nullptr);
    EXPECT_EQ(status_of(get(api_->port(), path + std::string("?cursor=x"))), 400) << path;
  }
}

}  // namespace
}  // namespace meterlens::api
