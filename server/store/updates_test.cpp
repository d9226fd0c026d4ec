#include <gtest/gtest.h>

#include "server/store/fixture.h"

namespace meterlens::store {
namespace {

class UpdatesTest : public test::OnBoth {};

update::Image image_of(std::uint32_t version, protocol::Part part = protocol::Part::camera) {
  update::Image image;
  image.part = part;
  image.board = "esp32cam";
  image.version = version;
  image.image_bytes = version;
  image.sha256[0] = static_cast<std::uint8_t>(version);
  image.path = "var/updates/x.mli";
  image.created_ms = 5;
  return image;
}

update::Update update_of(const std::string& device, std::int64_t image) {
  update::Update update;
  update.device = device;
  update.image = image;
  update.part = protocol::Part::dtu;
  update.version = 0xFFFFFFFF;
  update.packets_total = 9;
  update.created_ms = update.updated_ms = 7;
  return update;
}

TEST_P(UpdatesTest, ImagesComeBackNewestFirst) {
  const auto first = store_->add_image(image_of(3));
  const auto second = store_->add_image(image_of(0xFFFFFFFF, protocol::Part::dtu));
  ASSERT_TRUE(first && second);
  store_ = nullptr;
  store_ = open();
  const auto images = store_->images(0, 10);
  ASSERT_EQ(images->size(), 2U);
  EXPECT_EQ(images->front().id, *second);
  const auto image = store_->image(*second);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->part, protocol::Part::dtu);
  EXPECT_EQ(image->board, "esp32cam");
  EXPECT_EQ(image->version, 0xFFFFFFFF);
  EXPECT_EQ(image->image_bytes, 0xFFFFFFFF);
  EXPECT_EQ(image->sha256, image_of(0xFFFFFFFF).sha256);
  EXPECT_EQ(image->path, "var/updates/x.mli");
  EXPECT_EQ(store_->image(99).error().code, ErrorCode::not_found);
}

TEST_P(UpdatesTest, TheSameImageIsInOnce) {
  const auto first = store_->add_image(image_of(3));
  auto again = image_of(3);
  again.path = "elsewhere";
  EXPECT_EQ(store_->add_image(again).value(), *first);
  EXPECT_EQ(store_->image(*first)->path, "elsewhere");
  again.board = "other";
  EXPECT_NE(store_->add_image(again).value(), *first);
}

TEST_P(UpdatesTest, UpdatesAreOpenUntilTheyAreFinal) {
  using enum update::State;
  std::int64_t id = 0;
  for (const auto state : {queued, receiving, verified, trying, confirmed, refused, failed}) {
    auto update = update_of("m1", 4);
    id = *store_->add_update(update);
    update.id = id;
    update.state = state;
    update.reason = update::is_final(state) ? "why" : "";
    update.packets_received = 3;
    update.updated_ms = 8;
    ASSERT_TRUE(store_->save_update(update));
  }
  ASSERT_TRUE(store_->add_update(update_of("m2", 4)));
  const auto open_ones = store_->open_updates();
  ASSERT_EQ(open_ones->size(), 5U);
  EXPECT_EQ(open_ones->front().state, queued);
  EXPECT_EQ(open_ones->back().device, "m2");
  const auto all = store_->updates("m1", 0, 10);
  ASSERT_EQ(all->size(), 7U);
  EXPECT_EQ(all->front().state, failed);
  const auto last = store_->update(id);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->reason, "why");
  EXPECT_EQ(last->part, protocol::Part::dtu);
  EXPECT_EQ(last->version, 0xFFFFFFFF);
  EXPECT_EQ(last->packets_received, 3);
  EXPECT_EQ(last->packets_total, 9);
  EXPECT_EQ(last->created_ms, 7);
  EXPECT_EQ(last->updated_ms, 8);
  EXPECT_EQ(store_->update(99).error().code, ErrorCode::not_found);
}

INSTANTIATE_TEST_SUITE_P(On, UpdatesTest, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
