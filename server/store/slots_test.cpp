#include "server/store/slots.h"

#include "server/store/fixture.h"
#include "server/store/fleet.h"

namespace meterlens::store {
namespace {

using validate::Verdict;
using Names = std::vector<std::string>;

class SlotsTest : public test::OnBoth {
 protected:
  void SetUp() override {
    OnBoth::SetUp();
    for (const char* id : {"a", "b"}) {
      Device device;
      device.id = id;
      device.first_seen_ms = 1;
      ASSERT_TRUE(store_->save_device(device));
    }
    for (const char* id : {"cold", "hot"}) {
      validate::Meter meter;
      meter.id = id;
      ASSERT_TRUE(store_->add_meter(meter, {}));
    }
  }
  void watch(const std::string& device, const std::string& meter, std::int64_t from_ms,
             std::int64_t to_ms = 0) {
    validate::Watch watch;
    watch.device = device;
    watch.meter = meter;
    watch.from_ms = from_ms;
    watch.to_ms = to_ms;
    const auto added = store_->add_watch(watch, {});
    ASSERT_TRUE(added) << added.error().message;
  }
  static schedule::Schedule of(Names meters) {
    schedule::Schedule out;
    out.name = "some";
    out.meters = std::move(meters);
    return out;
  }
  static fleet::Tags tags(const std::string& group) {
    fleet::Tags out;
    out.group = group;
    return out;
  }
  Names subjects(const schedule::Schedule& schedule, std::int64_t at_ms) {
    Names out;
    const auto found = SlotBook(*store_).subjects(schedule, at_ms).value();
    for (const Subject& one : found)
      out.push_back(one.meter + " " + one.device);
    return out;
  }
  std::int64_t add(const std::string& meter, std::int64_t at_ms,
                   Verdict verdict = Verdict::accepted) {
    auto reading = test::reading_of(meter, 0, at_ms);
    reading.verdict = verdict;
    return store_->add_reading(reading).value();
  }
  const Moment moment_{7, 1000, 900, 2000};
};

TEST_P(SlotsTest, ASchedulesMetersAreSeenByTheCameraOfThatTime) {
  watch("a", "cold", 100, 500);
  watch("b", "cold", 500);
  watch("b", "hot", 500, 600);
  SlotBook book(*store_);
  EXPECT_EQ(book.cameras(of({"cold", "hot", "nobody's"}), 200).value(), Names{"a"});
  // Two meters in one photo.
  EXPECT_EQ(book.cameras(of({"cold", "hot"}), 550).value(), Names{"b"});
  EXPECT_EQ(subjects(of({"cold", "hot"}), 550), (Names{"cold b", "hot b"}));
  EXPECT_EQ(subjects(of({"cold", "hot"}), 600), (Names{"cold b", "hot "}));
  EXPECT_EQ(book.next_change(100).value(), 500);
  EXPECT_EQ(book.next_change(500).value(), 600);
  EXPECT_EQ(book.next_change(600).value(), 0);
}

TEST_P(SlotsTest, AGroupMeansTheMetersInItAndBelow) {
  watch("a", "cold", 100);
  Fleet fleet(*store_);
  ASSERT_TRUE(fleet.save_tags(fleet::Kind::meter, "cold", tags("house/2")));
  ASSERT_TRUE(fleet.save_tags(fleet::Kind::meter, "hot", tags("house")));
  ASSERT_TRUE(fleet.save_tags(fleet::Kind::meter, "b", tags("houses")));
  schedule::Schedule one = of({});
  one.meter_group = "house";
  EXPECT_EQ(subjects(one, 200), (Names{"cold a", "hot "}));
  EXPECT_EQ(SlotBook(*store_).cameras(one, 200).value(), Names{"a"});
}

TEST_P(SlotsTest, DevicesMeanTheMetersThatTheyLookAt) {
  watch("a", "cold", 100);
  schedule::Schedule all = of({});
  EXPECT_EQ(subjects(all, 200), (Names{"a a", "b b", "cold a"}));
  all.devices = {"b"};
  EXPECT_EQ(subjects(all, 200), Names{"b b"});
  all.devices.clear();
  all.group = "g";
  EXPECT_EQ(subjects(all, 200), Names{});
  ASSERT_TRUE(Fleet(*store_).save_tags(fleet::Kind::device, "a", tags("g/h")));
  EXPECT_EQ(subjects(all, 200), (Names{"a a", "cold a"}));
}

TEST_P(SlotsTest, ARemovedMeterIsNotWanted) {
  watch("a", "cold", 100);
  auto meter = store_->meter("cold").value();
  meter.removed_ms = 300;
  ASSERT_TRUE(store_->change_meter(meter, {}));
  EXPECT_EQ(subjects(of({"cold"}), 299), Names{"cold a"});
  EXPECT_EQ(subjects(of({"cold"}), 300), Names{});
  EXPECT_EQ(SlotBook(*store_).next_change(200).value(), 300);
}

TEST_P(SlotsTest, ASlotWithoutAReadingIsNotedOnceWithWhy) {
  watch("a", "cold", 100);
  command::Command command;
  command.device = "a";
  command.created_ms = 1000;
  command.state = command::State::expired;
  command.reason = "no answer";
  ASSERT_TRUE(store_->add_command(command));
  add("b", 899);   // before
  add("b", 2000);  // of the next moment
  add("a", 1500, Verdict::doubtful);
  SlotBook book(*store_);
  const auto all = book.subjects(of({}), 1000).value();
  int added = 0;
  EXPECT_EQ(book.note(moment_, all, 3000, added).value(), (Names{"b", "cold"}));
  EXPECT_EQ(added, 2);
  EXPECT_EQ(book.note(moment_, all, 4000, added).value(), (Names{"b", "cold"}));
  EXPECT_EQ(added, 0);
  const auto missing = book.missing({.open = true}).value();
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_EQ(missing[0].meter, "cold");
  EXPECT_EQ(missing[0].reason, "a: command 1 expired, no answer");
  EXPECT_EQ(missing[1].reason, "b is offline");
  EXPECT_EQ(missing[1].noticed_ms, 3000);
  EXPECT_EQ(missing[1].moment.due_ms, 1000);
  const std::vector<Subject> nobody{{"hot", ""}};
  EXPECT_EQ(book.note(moment_, nobody, 5000, added).value(), Names{"hot"});
  EXPECT_EQ(book.missing({.meter = "hot"}).value().front().reason,
            "no camera looks at it at that time");
}

TEST_P(SlotsTest, TheLateReadingEndsItAndItsEstimate) {
  SlotBook book(*store_);
  const std::vector<Subject> one{{"hot", ""}};
  const Names meters{"hot"};
  int added = 0;
  ASSERT_TRUE(book.note(moment_, one, 3000, added));
  add("hot", 500);
  EXPECT_EQ(book.waiting(meters).value(), (std::map<std::string, int>{{"hot", 1}}));
  EXPECT_EQ(book.close(meters, 4000).value(), 0);
  // After it: heard again, but this one stays missing.
  add("hot", 2500);
  EXPECT_EQ(book.close(meters, 4000).value(), 0);
  EXPECT_TRUE(book.waiting(meters).value().empty());
  const auto reading = add("hot", 1200, Verdict::doubtful);
  EXPECT_EQ(book.close(meters, 5000).value(), 1);
  const Missing late = book.missing({.meter = "hot"}).value().front();
  EXPECT_EQ(late.closed_ms, 5000);
  EXPECT_EQ(late.reading, reading);
  EXPECT_TRUE(book.missing({.open = true}).value().empty());
  EXPECT_EQ(book.close(meters, 6000).value(), 0);
}

TEST_P(SlotsTest, AreBilledByMeterAndTime) {
  SlotBook book(*store_);
  int added = 0;
  for (const std::int64_t due_ms : {1000, 2000, 3000}) {
    const std::vector<Subject> both{{"cold", ""}, {"hot", ""}};
    ASSERT_TRUE(book.note({7, due_ms, due_ms - 10, due_ms + 900}, both, 9000, added));
  }
  const auto keys = [&](const BillingFilter& filter) {
    Names out;
    const auto found = book.billed(filter).value();
    for (const Missing& one : found)
      out.push_back(one.meter + std::to_string(one.moment.due_ms));
    return out;
  };
  EXPECT_EQ(keys({.from_ms = 2000}), (Names{"cold2000", "cold3000", "hot2000", "hot3000"}));
  EXPECT_EQ(keys({.meter = "hot", .to_ms = 2000}), Names{"hot1000"});
  // Behind a reading of that time the slot still comes, behind a slot it does not.
  EXPECT_EQ(keys({.after_meter = "hot", .after_ms = 2000, .after_id = 5}),
            (Names{"hot2000", "hot3000"}));
  EXPECT_EQ(keys({.after_meter = "hot", .after_ms = 2000, .after_id = billing_slot_id}),
            Names{"hot3000"});
}

TEST_P(SlotsTest, AScheduleIsJudgedFromItsLastChangeOn) {
  schedule::Schedule one = of({"hot"});
  one.done_ms = 500;
  one.id = store_->add_schedule(one).value();
  one = store_->schedule(one.id).value();
  EXPECT_EQ(one.meters, Names{"hot"});
  EXPECT_TRUE(one.devices.empty());
  EXPECT_EQ(one.judged_ms, 500);
  ASSERT_TRUE(SlotBook(*store_).judged(one, 1000));
  EXPECT_EQ(store_->schedule(one.id)->judged_ms, 1000);
  one.done_ms = 5000;
  ASSERT_TRUE(store_->save_schedule(one));
  ASSERT_TRUE(SlotBook(*store_).judged(one, 2000));  // what it was is over
  EXPECT_EQ(store_->schedule(one.id)->judged_ms, 5000);
}

TEST_P(SlotsTest, GoWithReadingsThatAreTooOldAndWhatReadersSaid) {
  SlotBook book(*store_);
  int added = 0;
  const std::vector<Subject> one{{"hot", ""}};
  ASSERT_TRUE(book.note(moment_, one, 3000, added));
  ASSERT_TRUE(book.note({7, 5000, 4900, 6000}, one, 7000, added));
  auto old = test::reading_of("hot", 0, 100);
  validate::Said said;
  said.reader = "local";
  said.status = "read";
  old.said = {said};
  const auto id = store_->add_reading(old).value();
  add("hot", 200);
  ASSERT_EQ(store_->said(id).value().size(), 1U);
  ASSERT_TRUE(store_->remove_aged({.readings_before_ms = 4000}));
  EXPECT_FALSE(store_->reading(id));
  EXPECT_TRUE(store_->said(id).value().empty());
  const auto left = book.missing({}).value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].moment.due_ms, 5000);
}

INSTANTIATE_TEST_SUITE_P(On, SlotsTest, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
