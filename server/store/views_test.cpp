// Pages of devices with the newest of each, and the counts that are kept, on both engines.
#include "server/store/alarms.h"
#include "server/store/fixture.h"
#include "server/store/fleet.h"
#include "server/store/summary.h"

namespace meterlens::store::test {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

class Views : public OnBoth {
 protected:
  void SetUp() override {
    OnBoth::SetUp();
    rows_ = std::make_unique<Fleet>(*store_);
    std::vector<Device> devices;
    for (const char* id : {"m1", "m2", "m3"}) {
      Device device;
      device.id = id;
      device.state_json = "{\"csq\":9}";
      device.online = device.id == "m2";
      devices.push_back(device);
    }
    ASSERT_TRUE(rows_->save_devices(devices));
  }
  std::vector<DeviceView> views(const DeviceFilter& filter = {}, const ViewParts& parts = {}) {
    auto found = rows_->views(filter, parts);
    if (!found) ADD_FAILURE() << found.error().message;
    return found.value_or(std::vector<DeviceView>());
  }
  std::int64_t command(const std::string& device, command::State state) {
    command::Command one;
    one.device = device;
    one.state = state;
    return store_->add_command(one).value();
  }
  // Of the day and the day before, by the kept counts.
  Summary summary() { return store_->summary(10 * day_ms, 2).value(); }

  std::unique_ptr<Fleet> rows_;
};

TEST_P(Views, ShowTheNewestOfEach) {
  std::vector<photo::Photo> photos{photo_of("m1", 1), photo_of("m1", 2), photo_of("m3", 3)};
  ASSERT_TRUE(store_->add_photos(photos));
  ASSERT_TRUE(store_->add_reading(reading_of("m1", photos[1].id, 500)));
  ASSERT_TRUE(store_->add_reading(reading_of("m1", photos[0].id, 100)));
  command("m1", command::State::read);
  const std::int64_t oldest = command("m1", command::State::sent);
  command("m1", command::State::queued);
  command("m2", command::State::expired);
  ASSERT_TRUE(rows_->save_tags(fleet::Kind::device, "m1", {"a/b", {{"floor", "3"}}, 0}));
  ASSERT_TRUE(rows_->save_tags(fleet::Kind::meter, "m2", {"a", {{"floor", "9"}}, 0}));
  ASSERT_TRUE(rows_->save_switch("m3", {false, 7, 0}));

  const auto all = views();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].device.id, "m1");
  EXPECT_EQ(all[0].device.state_json, "{\"csq\":9}");
  ASSERT_TRUE(all[0].newest_photo);
  EXPECT_EQ(all[0].newest_photo->id, photos[1].id);
  ASSERT_TRUE(all[0].newest_reading);
  EXPECT_EQ(all[0].newest_reading->at_ms, 500);
  ASSERT_TRUE(all[0].active_command);
  EXPECT_EQ(all[0].active_command->id, oldest);
  EXPECT_EQ(all[0].tags.group, "a/b");
  EXPECT_EQ(all[0].tags.labels.at("floor"), "3");
  EXPECT_TRUE(all[1].device.online);
  EXPECT_FALSE(all[1].newest_photo || all[1].newest_reading || all[1].active_command);
  EXPECT_TRUE(all[1].tags.group.empty() && all[1].tags.labels.empty());
  EXPECT_FALSE(all[2].state.enabled);
  EXPECT_EQ(rows_->view("m1")->newest_photo->id, photos[1].id);
  EXPECT_EQ(rows_->view("m9").error().code, ErrorCode::not_found);
}

TEST_P(Views, ShowTheReadingOfTheMeterThatADeviceWatchesNow) {
  const validate::Author author{"ana", "new house", 5};
  validate::Meter meter;
  meter.id = "hall";
  ASSERT_TRUE(store_->add_meter(meter, author));
  for (const std::string device : {"m1", "m2"}) {
    validate::Watch old = store_->watches(device, "", 0, 1).value().front();
    old.to_ms = 900;
    ASSERT_TRUE(store_->change_watch(old, author));
    validate::Watch now;
    now.device = device;
    now.meter = "hall";
    now.from_ms = 900;
    ASSERT_TRUE(store_->add_watch(now, author));
  }
  ASSERT_TRUE(store_->add_reading(reading_of("m1", 0, 800)));
  ASSERT_TRUE(store_->add_reading(reading_of("hall", 0, 700)));
  const auto all = views();
  ASSERT_EQ(all.size(), 3U);
  for (const std::size_t i : {0U, 1U}) {
    ASSERT_TRUE(all[i].newest_reading) << i;
    EXPECT_EQ(all[i].newest_reading->meter, "hall");
  }
  EXPECT_FALSE(all[2].newest_reading);
}

TEST_P(Views, LookUpOnlyWhatIsAskedFor) {
  std::vector<photo::Photo> photos{photo_of("m1", 1)};
  ASSERT_TRUE(store_->add_photos(photos));
  ASSERT_TRUE(rows_->save_tags(fleet::Kind::device, "m1", {"a", {{"floor", "3"}}, 0}));
  const auto bare = views({}, {false, false, false, false, false});
  ASSERT_EQ(bare.size(), 3U);
  EXPECT_EQ(bare[0].device.state_json, "");
  EXPECT_EQ(bare[0].tags.group, "a");
  EXPECT_TRUE(bare[0].tags.labels.empty());
  EXPECT_FALSE(bare[0].newest_photo);
}

TEST_P(Views, PagesOfHundredsAreWhole) {
  std::vector<Device> devices(450);
  std::vector<photo::Photo> photos;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    devices[i].id = "x" + std::to_string(1000 + i);
    photos.push_back(photo_of(devices[i].id, 1));
  }
  ASSERT_TRUE(rows_->save_devices(devices));
  ASSERT_TRUE(store_->add_photos(photos));
  const auto page = views({.after = "m3", .count_max = 401});
  ASSERT_EQ(page.size(), 401U);
  for (std::size_t i = 0; i < page.size(); ++i) {
    EXPECT_EQ(page[i].device.id, devices[i].id);
    ASSERT_TRUE(page[i].newest_photo) << i;
    EXPECT_EQ(page[i].newest_photo->device, devices[i].id);
  }
  EXPECT_EQ(views({.online = true}).size(), 1U);
}

TEST_P(Views, ManyCommandsAreSavedTogetherWithTheirLife) {
  std::vector<command::Command> commands(3);
  for (command::Command& one : commands) {
    one.device = "m1";
    one.id = store_->add_command(one).value();
    one.state = command::State::sent;
    one.updated_ms = 50;
  }
  commands[1].id = 999;
  ASSERT_TRUE(rows_->save_commands(commands));
  commands[0].packets_received = 4;  // no moment of its own
  ASSERT_TRUE(rows_->save_commands(commands));
  EXPECT_EQ(store_->command(commands[0].id)->packets_received, 4);
  EXPECT_EQ(store_->command_life(commands[0].id)->size(), 2U);
  EXPECT_EQ(store_->command_life(commands[2].id)->back().at_ms, 50);
  EXPECT_TRUE(store_->command_life(999)->empty());
}

TEST_P(Views, CountsFollowEveryWayOfAReading) {
  std::vector<photo::Photo> photos{photo_of("m1", 1), photo_of("m2", 2)};
  ASSERT_TRUE(store_->add_photos(photos));
  auto doubtful = reading_of("m1", photos[0].id, 10 * day_ms + 1);
  doubtful.verdict = validate::Verdict::doubtful;
  doubtful.id = store_->add_reading(doubtful).value();
  ASSERT_TRUE(store_->add_reading(reading_of("m2", photos[1].id, 10 * day_ms + 2)));
  const std::int64_t old = store_->add_reading(reading_of("m2", 0, 9 * day_ms)).value();
  ASSERT_TRUE(store_->add_reading(reading_of("m2", 0, 8 * day_ms)));  // before both days
  EXPECT_EQ(summary().doubtful, 1);
  EXPECT_EQ(summary().days[1].doubtful, 1);
  EXPECT_EQ(summary().days[1].accepted, 1);
  EXPECT_EQ(summary().days[0].accepted, 1);

  // A person's word moves it from one count to another.
  doubtful.verdict = validate::Verdict::rejected;
  doubtful.review = validate::Review{.reviewer = "ana", .at_ms = 9};
  ASSERT_TRUE(store_->add_review(doubtful, 0));
  EXPECT_EQ(summary().doubtful, 0);
  EXPECT_EQ(summary().days[1].doubtful, 0);
  EXPECT_EQ(summary().days[1].rejected, 1);

  // What is too old goes, but the newest accepted one of a meter.
  Aging aging;
  aging.readings_before_ms = 10 * day_ms;
  ASSERT_EQ(store_->remove_aged(aging)->readings, 2);
  EXPECT_FALSE(store_->reading(old));
  EXPECT_EQ(summary().days[0].accepted, 0);
  EXPECT_EQ(summary().days[1].accepted, 1);

  // And with a device all that its photos said.
  ASSERT_TRUE(rows_->remove_device("m1", true));
  EXPECT_EQ(summary().days[1].rejected, 0);
  ASSERT_TRUE(rows_->remove_device("m2", true));
  EXPECT_EQ(summary().days[1].accepted, 0);
  EXPECT_TRUE(store_->readings({})->empty());
}

TEST_P(Views, MetersAreFoundByWhatTheyAreAndHowTheyStand) {
  validate::Meter cellar, attic, never;
  cellar.id = "w-cellar";
  cellar.place = "Keller 100% nass";
  attic.id = "w-attic";
  attic.serial = "AB_12";
  never.id = "never";
  ASSERT_TRUE(store_->add_meters(std::vector{cellar, attic, never}, {}));
  validate::Reading reading = reading_of("w-cellar", 0, 100);
  reading.verdict = validate::Verdict::doubtful;
  ASSERT_TRUE(store_->add_reading(reading));
  reading.at_ms = 200;
  reading.verdict = validate::Verdict::rejected;
  ASSERT_TRUE(store_->add_reading(reading));
  reading = reading_of("w-attic", 0, 50);
  reading.verdict = validate::Verdict::doubtful;
  ASSERT_TRUE(store_->add_reading(reading));
  AlarmBook alarms(*store_);
  ASSERT_TRUE(alarms.raise(AlarmKind::leak, "w-attic", "flow", 1));
  ASSERT_TRUE(alarms.raise(AlarmKind::leak, "w-cellar", "flow", 1));
  ASSERT_TRUE(alarms.clear(AlarmKind::leak, "w-cellar", "none", 2));
  ASSERT_TRUE(alarms.raise(AlarmKind::disk, "never", "a folder of that name", 1));
  validate::Watch watch;
  watch.device = "m2";
  watch.meter = "never";
  ASSERT_TRUE(store_->add_watch(watch, {}));

  using List = std::vector<std::string>;
  const auto found = [&](const MeterFilter& filter) {
    List names;
    auto all = rows_->meters(filter).value();
    for (std::string& name : all)
      if (!name.starts_with('m')) names.push_back(std::move(name));
    return names;
  };
  using enum validate::Verdict;
  EXPECT_EQ(found({.search = "KELLER"}), List{"w-cellar"});
  EXPECT_EQ(found({.search = "100%"}), List{"w-cellar"});
  EXPECT_EQ(found({.search = "b_1"}), List{"w-attic"});
  EXPECT_EQ(found({.search = "l_r"}), List{});
  EXPECT_EQ(found({.search = "' OR 1=1"}), List{});
  EXPECT_EQ(found({.verdict = doubtful}), List{"w-attic"}) << "only the newest counts";
  EXPECT_EQ(found({.verdict = rejected}), List{"w-cellar"});
  EXPECT_EQ(found({.verdict = accepted}), List{});
  EXPECT_EQ(found({.unread = true}), List{"never"});
  EXPECT_EQ(found({.alarmed = true}), List{"w-attic"});
  ASSERT_TRUE(alarms.raise(AlarmKind::silent, "m2", "nothing heard", 3));
  EXPECT_EQ(found({.alarmed = true}), (List{"never", "w-attic"}));
  EXPECT_EQ(found({.search = "w-", .after = "w-attic"}), List{"w-cellar"});
  EXPECT_EQ(found({.search = "cell", .verdict = doubtful}), List{});
}

INSTANTIATE_TEST_SUITE_P(On, Views, both, named);

}  // namespace
}  // namespace meterlens::store::test
