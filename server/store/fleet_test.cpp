// The rows of tags, records, profiles, campaigns and kept answers, on a real database.
#include "server/store/fleet.h"

#include <map>

#include "server/store/access.h"
#include "server/store/alarms.h"
#include "server/store/fixture.h"

namespace meterlens::store::test {
namespace {

using fleet::Kind;
using fleet::Tags;

class FleetRows : public Fixture {
 protected:
  void SetUp() override {
    Fixture::SetUp();
    rows_ = std::make_unique<Fleet>(*store_);
    for (const char* id : {"m1", "m2", "m3"}) add(id);
  }
  void add(const std::string& id) {
    Device device;
    device.id = id;
    device.online = id == "m2";
    ASSERT_TRUE(store_->save_device(device));
  }
  std::vector<std::string> found(const fleet::Target& target) {
    return rows_->devices({.target = target}).value();
  }
  using Names = std::vector<std::string>;

  std::unique_ptr<Fleet> rows_;
};

TEST_F(FleetRows, TagsFilterDevicesAndMeters) {
  ASSERT_TRUE(rows_->save_tags(Kind::device, "m1", {"a/b", {{"floor", "3"}}, 0}));
  ASSERT_TRUE(rows_->save_tags(Kind::device, "m2", {"a", {{"floor", "4"}, {"x", ""}}, 0}));
  ASSERT_TRUE(rows_->save_tags(Kind::device, "m3", {"ab", {}, 0}));
  ASSERT_TRUE(rows_->save_tags(Kind::meter, "m3", {"a", {}, 0}));
  EXPECT_EQ(found({}), (Names{"m1", "m2", "m3"}));
  EXPECT_EQ(found({.group = "a"}), (Names{"m1", "m2"}));
  EXPECT_EQ(found({.group = "a/b"}), Names{"m1"});
  EXPECT_EQ(found({.group = "a' OR '1'='1"}), Names{});
  EXPECT_EQ(found({.group = "%"}), Names{});
  EXPECT_EQ(found({.label_name = "floor"}), (Names{"m1", "m2"}));
  EXPECT_EQ(found({.group = "a", .label_name = "floor", .label_value = "4"}), Names{"m2"});
  EXPECT_EQ(rows_->meters({.target = {.group = "a"}}).value(), Names{"m3"});
  EXPECT_EQ(rows_->devices({.online = true}).value(), Names{"m2"});
  EXPECT_EQ(rows_->devices({.after = "m1", .count_max = 1}).value(), Names{"m2"});
  EXPECT_EQ(rows_->devices_of({.devices = {"m3", "gone", "m1"}, .group = "a/b"}).value(),
            (Names{"m1", "m3"}));
  EXPECT_EQ(rows_->devices({.search = "M2"}).value(), Names{"m2"});
  EXPECT_EQ(rows_->devices({.search = "_2"}).value(), Names{});
  const auto groups = rows_->groups(10).value();
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].group, "a");
  EXPECT_EQ(groups[0].devices, 1);
  EXPECT_EQ(groups[0].meters, 1);
}

TEST_F(FleetRows, OfTwoEditsOfTagsTheSecondIsRefused) {
  const auto first = rows_->save_tags(Kind::device, "m1", {"a", {{"l", "1"}}, 0});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->version, 1);
  const auto second = rows_->save_tags(Kind::device, "m1", {"b", {}, 0});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(rows_->save_tags(Kind::device, "m1", {"b", {}, 1})->version, 2);
  EXPECT_TRUE(rows_->tags(Kind::device, "m1")->labels.empty());
  EXPECT_EQ(rows_->tags(Kind::device, "nobody")->version, 0);
}

TEST_F(FleetRows, SwitchesKeepTheirCount) {
  EXPECT_TRUE(rows_->device_switch("m1")->enabled);
  ASSERT_TRUE(rows_->save_switch("m1", {false, 5, 0}));
  ASSERT_TRUE(rows_->add_dropped("m1", 3));
  ASSERT_TRUE(rows_->add_dropped("m1", 4));
  EXPECT_EQ(rows_->disabled().value(), Names{"m1"});
  EXPECT_EQ(rows_->devices({.enabled = false}).value(), Names{"m1"});
  EXPECT_EQ(rows_->devices({.enabled = true}).value(), (Names{"m2", "m3"}));
  ASSERT_TRUE(rows_->save_switch("m1", {true, 6, 0}));
  EXPECT_EQ(rows_->device_switch("m1")->dropped, 7);
  EXPECT_TRUE(rows_->device_switch("m1")->enabled);
  ASSERT_TRUE(rows_->add_dropped("m2", 5));
  EXPECT_EQ(rows_->device_switch("m2")->dropped, 5) << "it sent too much";
  EXPECT_EQ(rows_->devices({.enabled = false}).value(), Names{});
}

TEST_F(FleetRows, ADeviceGoesWithOrWithoutItsHistory) {
  for (const char* id : {"m1", "m2"}) {
    photo::Photo photo = photo_of(id, 1);
    ASSERT_TRUE(store_->add_photos({&photo, 1}));
    ASSERT_TRUE(store_->add_reading(reading_of(id, photo.id, 7)));
    validate::Reading other = reading_of(id, photo.id, 7);
    other.device = id;
    ASSERT_TRUE(rows_->save_tags(Kind::device, id, {"a", {}, 0}));
    const std::vector<fleet::Message> messages{{0, id, {}, 1, "t", 1, true, "x"}};
    ASSERT_TRUE(rows_->add_messages(messages));
  }
  EXPECT_EQ(rows_->remove_device("m1", false).value(), Names{});
  EXPECT_FALSE(store_->device("m1"));
  EXPECT_EQ(store_->photos({.device = "m1"})->size(), 1U);
  EXPECT_EQ(store_->readings({.device = "m1"})->size(), 1U);
  EXPECT_EQ(rows_->messages("m1", 0, 10)->size(), 1U);
  EXPECT_EQ(rows_->tags(Kind::device, "m1")->group, "");
  EXPECT_EQ(rows_->remove_device("m2", true).value(), Names{"public/images/m2/1.jpg"});
  EXPECT_EQ(store_->photos({.device = "m2"})->size(), 0U);
  EXPECT_EQ(store_->readings({.device = "m2"})->size(), 0U);
  EXPECT_EQ(rows_->messages("m2", 0, 10)->size(), 0U);
  EXPECT_TRUE(store_->device("m3"));
}

TEST_F(FleetRows, WhatOtherTopicsKeepOfADeviceGoesToo) {
  Access access(*store_);
  AlarmBook alarms(*store_);
  std::map<std::string, std::int64_t> commands, ended;
  for (const std::string id : {"m1", "m2"}) {
    command::Command order;
    order.device = id;
    commands[id] = store_->add_command(order).value();
    command::LightTry light;
    light.device = id;
    light.first_command = commands[id];
    ASSERT_TRUE(store_->add_light_try(light));
    ASSERT_TRUE(store_->watched(id, 1));
    ASSERT_TRUE(access.save_credential({id, "hash", "admin", 1, false}));
    ended[id] = alarms.raise(AlarmKind::silent, id, "quiet", 1).value()->id;
    ASSERT_TRUE(alarms.clear(AlarmKind::silent, id, "heard", 2).value());
    ASSERT_TRUE(alarms.raise(AlarmKind::silent, id, "quiet again", 3).value());
  }
  ASSERT_TRUE(rows_->remove_device("m1", false));
  const auto tries = store_->light_tries(commands["m1"]).value();
  ASSERT_EQ(tries.size(), 1U);
  EXPECT_EQ(tries[0].state, command::LightTry::State::done) << "nothing is sent to it any more";
  EXPECT_EQ(store_->watches("m1", "", 0, 10)->size(), 1U);
  EXPECT_TRUE(access.credential("m1")->has_value());
  EXPECT_TRUE(alarms.alarm(ended["m1"]));

  ASSERT_TRUE(rows_->remove_device("m2", true));
  EXPECT_EQ(store_->light_tries(commands["m2"])->size(), 0U);
  EXPECT_EQ(store_->command_life(commands["m2"])->size(), 0U);
  EXPECT_EQ(store_->watches("m2", "", 0, 10)->size(), 0U);
  EXPECT_FALSE(access.credential("m2")->has_value());
  EXPECT_FALSE(alarms.alarm(ended["m2"]));
  EXPECT_EQ(alarms.alarms({.open = true})->size(), 2U) << "who was told of them hears of their end";
}

TEST_F(FleetRows, MessagesHavePagesAndAnEnd) {
  std::vector<fleet::Message> messages;
  for (int i = 1; i <= 30; ++i)
    messages.push_back(
        {0, i % 3 == 0 ? "m2" : "m1", fleet::Direction::down, i, "t", i, false, "00"});
  ASSERT_TRUE(rows_->add_messages(messages));
  const auto page = rows_->messages("m1", 0, 15).value();
  ASSERT_EQ(page.size(), 15U);
  EXPECT_EQ(page.front().at_ms, 29);
  EXPECT_FALSE(page.front().is_text);
  EXPECT_EQ(rows_->messages("m1", page.back().id, 15)->size(), 5U);
  ASSERT_TRUE(rows_->forget_messages("m1", 4));
  EXPECT_EQ(rows_->messages("m1", 0, 100)->size(), 4U);
  ASSERT_TRUE(rows_->forget_messages("m1", 4));
  EXPECT_EQ(rows_->messages("m1", 0, 100)->size(), 4U);
  EXPECT_EQ(rows_->messages("m2", 0, 100)->size(), 10U);
  const auto aged = store_->remove_aged({.messages_before_ms = 28});
  ASSERT_TRUE(aged);
  EXPECT_EQ(rows_->messages("m2", 0, 100)->size(), 1U);
}

TEST_F(FleetRows, HealthIsThinnedAsItIsWritten) {
  const auto add_at = [&](std::int64_t at_ms, const std::string& values) {
    const std::vector<fleet::Sample> one{{"m1", "dtu", at_ms, values}};
    ASSERT_TRUE(rows_->add_samples(one, 1000));
  };
  for (int i = 0; i < 100; ++i) add_at(100 * i, "{\"uptime_s\":" + std::to_string(i) + "}");
  const auto all = rows_->samples("m1", 0, 1'000'000, "", 100).value();
  ASSERT_EQ(all.size(), 10U);
  EXPECT_EQ(all.front().at_ms, 9900);
  EXPECT_EQ(all.front().values_json, R"({"uptime_s":99})");
  EXPECT_EQ(rows_->samples("m1", 2000, 4000, "", 100)->size(), 2U);
  ASSERT_TRUE(rows_->thin_samples(7000, 3, 2000));
  const auto rest = rows_->samples("m1", 0, 1'000'000, "", 100).value();
  // Slots 7, 8, 9 are young, of 2 to 6 every third stays.
  std::vector<std::int64_t> slots;
  for (const auto& one : rest) slots.push_back(one.at_ms / 1000);
  EXPECT_EQ(slots, (std::vector<std::int64_t>{9, 8, 7, 6, 3}));
}

TEST_F(FleetRows, ControlsComeBackAfterARestart) {
  fleet::Control control;
  control.device = "m1";
  control.kind = fleet::ControlKind::gpio;
  control.payload = R"({"gpio":{"gpio1":1}})";
  control.id = rows_->add_control(control).value();
  control.state = fleet::ControlState::sent;
  ASSERT_TRUE(rows_->save_control(control));
  store_.reset();
  store_ = open();
  rows_ = std::make_unique<Fleet>(*store_);
  ASSERT_EQ(rows_->open_controls()->size(), 1U);
  EXPECT_EQ(rows_->open_controls()->front().state, fleet::ControlState::sent);
  control.state = fleet::ControlState::confirmed;
  ASSERT_TRUE(rows_->save_control(control));
  EXPECT_TRUE(rows_->open_controls()->empty());
  EXPECT_EQ(rows_->control(control.id)->payload, control.payload);
  EXPECT_EQ(rows_->control(99).error().code, ErrorCode::not_found);
}

TEST_F(FleetRows, ProfilesAreEditedByVersionAndPushed) {
  fleet::Profile profile;
  profile.name = "night";
  profile.camera = {1, 0, 0, 0, 255};
  profile.target = {{"m1"}, "a", "floor", "3"};
  profile.id = rows_->add_profile(profile).value();
  const auto stored = rows_->profile(profile.id).value();
  EXPECT_EQ(stored.camera, profile.camera);
  EXPECT_EQ(stored.target, profile.target);
  profile.name = "day";
  ASSERT_TRUE(rows_->save_profile(profile));
  EXPECT_EQ(rows_->save_profile(profile).error().code, ErrorCode::conflict);
  const std::vector<std::string> devices{"m1", "m2"};
  ASSERT_TRUE(rows_->add_pushes(profile.id, devices, 5));
  auto pending = rows_->pending_pushes(10).value();
  ASSERT_EQ(pending.size(), 2U);
  pending[0].state = fleet::PushState::failed;
  pending[0].reason = "why";
  ASSERT_TRUE(rows_->save_push(pending[0]));
  EXPECT_EQ(rows_->pending_pushes(10)->size(), 1U);
  EXPECT_EQ(rows_->push(profile.id, "m1").value()->reason, "why");
  EXPECT_EQ(rows_->remove_profile(profile.id, 1).error().code, ErrorCode::conflict);
  ASSERT_TRUE(rows_->remove_profile(profile.id, 2));
  EXPECT_EQ(rows_->profile(profile.id).error().code, ErrorCode::not_found);
  EXPECT_FALSE(rows_->push(profile.id, "m1").value());
}

TEST_F(FleetRows, CampaignsCountTheirStages) {
  fleet::Campaign campaign;
  campaign.name = "spring";
  campaign.image = 3;
  campaign.target.group = "a";
  campaign.canaries = {"m2"};
  const auto devices = fleet::stages_of(campaign, {"m1", "m2", "m3"});
  campaign.id = rows_->add_campaign(campaign, devices).value();
  const auto stored = rows_->campaign(campaign.id).value();
  EXPECT_EQ(stored.steps, campaign.steps);
  EXPECT_EQ(stored.canaries, campaign.canaries);
  ASSERT_EQ(rows_->running_campaigns()->size(), 1U);
  auto counts = rows_->campaign_counts(campaign.id).value();
  EXPECT_EQ(counts.at(0).waiting, 1);
  update::Update update;
  update.device = "m2";
  update.image = 3;
  update.state = update::State::refused;
  update.reason = "older_version";
  update.id = store_->add_update(update).value();
  ASSERT_TRUE(store_->save_update(update));
  EXPECT_EQ(rows_->known_update("m2", 3, 0).value(), std::optional<std::int64_t>(update.id));
  EXPECT_EQ(rows_->known_update("m1", 3, 0).value(), std::nullopt);
  ASSERT_TRUE(rows_->save_campaign_device(campaign.id,
                                          {"m2", 0, update.id, fleet::Turn::ordered, ""}));
  ASSERT_TRUE(rows_->settle_campaign(campaign.id));
  counts = rows_->campaign_counts(campaign.id).value();
  EXPECT_EQ(counts.at(0).failed, 1);
  EXPECT_EQ(rows_->campaign_devices(campaign.id, "m1", 1)->front().reason,
            "refused: older_version");
  campaign.state = fleet::CampaignState::paused;
  ASSERT_TRUE(rows_->save_campaign(campaign, fleet::CampaignState::running));
  EXPECT_EQ(rows_->save_campaign(campaign, fleet::CampaignState::running).error().code,
            ErrorCode::conflict);
}

TEST_F(FleetRows, AKeyIsTakenOnce) {
  EXPECT_FALSE(rows_->take_key("k", {"hash", 0, "", 100}, 0).value());
  auto kept = rows_->take_key("k", {"hash", 0, "", 101}, 0).value();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->status, 0);
  ASSERT_TRUE(rows_->keep_answer("k", {"hash", 202, "{}", 100}));
  kept = rows_->take_key("k", {"hash", 0, "", 102}, 0).value();
  EXPECT_EQ(kept->status, 202);
  EXPECT_EQ(kept->body, "{}");
  ASSERT_TRUE(rows_->free_key("k"));
  EXPECT_FALSE(rows_->take_key("k", {"other", 0, "", 103}, 0).value());
  EXPECT_FALSE(rows_->take_key("k", {"new day", 0, "", 999}, 500).value());
}

}  // namespace
}  // namespace meterlens::store::test
