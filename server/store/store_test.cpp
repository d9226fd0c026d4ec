#include "server/store/store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "protocol/checksum.h"
#include "server/store/fixture.h"
#include "server/store/news.h"

namespace meterlens::store {
namespace {

using test::photo_of;
using test::reading_of;

class StoreTest : public test::OnBoth {};

Device device_of(const std::string& id) {
  Device device;
  device.id = id;
  device.product = "meterlens";
  device.online = true;
  device.firmware = "1.2";
  device.remark = "cellar";
  device.first_seen_ms = 1000;
  device.last_seen_ms = 2000;
  return device;
}

TEST_P(StoreTest, KeepsFirstSeenAndRemarkOfAKnownDevice) {
  ASSERT_TRUE(store_->save_device(device_of("m1")));
  Device later = device_of("m1");
  later.dialect = protocol::Dialect::smartdtu;
  later.remark = "";
  later.first_seen_ms = 9000;
  later.last_seen_ms = 9000;
  later.state_json = R"({"modem":{}})";
  ASSERT_TRUE(store_->save_device(later));

  const auto found = store_->device("m1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first_seen_ms, 1000);
  EXPECT_EQ(found->last_seen_ms, 9000);
  EXPECT_EQ(found->remark, "cellar");
  EXPECT_EQ(found->dialect, protocol::Dialect::smartdtu);
  EXPECT_EQ(found->state_json, R"({"modem":{}})");
  EXPECT_TRUE(found->online);
}

TEST_P(StoreTest, ListsDevicesByNameAndMarksThemOffline) {
  ASSERT_TRUE(store_->save_device(device_of("m2")));
  ASSERT_TRUE(store_->save_device(device_of("m1")));
  ASSERT_TRUE(store_->mark_all_offline());
  const auto devices = store_->devices();
  ASSERT_TRUE(devices);
  ASSERT_EQ(devices->size(), 2U);
  EXPECT_EQ((*devices)[0].id, "m1");
  EXPECT_FALSE((*devices)[0].online);
  EXPECT_FALSE((*devices)[1].online);
}

TEST_P(StoreTest, SaysWhatIsNotThere) {
  const auto device = store_->device("nobody");
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().code, ErrorCode::not_found);
  EXPECT_EQ(device.error().message, "there is no device nobody");
  EXPECT_EQ(store_->command(4).error().code, ErrorCode::not_found);
  EXPECT_EQ(store_->photo(4).error().code, ErrorCode::not_found);
  EXPECT_EQ(store_->reading(4).error().code, ErrorCode::not_found);
  command::Command command;
  command.id = 4;
  EXPECT_EQ(store_->save_command(command).error().code, ErrorCode::not_found);
}

TEST_P(StoreTest, TakesNamesAsTextAndNotAsSql) {
  const std::string name = "x'; DROP TABLE device; --";
  ASSERT_TRUE(store_->save_device(device_of(name)));
  EXPECT_EQ(store_->device(name)->id, name);
  EXPECT_TRUE(store_->readings({.device = name})->empty());
}

TEST_P(StoreTest, FollowsACommandThroughItsLife) {
  command::Command command;
  command.device = "m1";
  command.created_ms = command.updated_ms = 5;
  const auto id = store_->add_command(command);
  ASSERT_TRUE(id);
  EXPECT_EQ(store_->add_command(command).value(), *id + 1);
  EXPECT_EQ(store_->open_commands()->size(), 2U);

  command.id = *id;
  command.state = command::State::failed;
  command.reason = "sensor";
  command.packets_received = 12;
  command.packets_total = 30;
  command.updated_ms = 9;
  ASSERT_TRUE(store_->save_command(command));
  const auto found = store_->command(*id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, command::State::failed);
  EXPECT_EQ(found->reason, "sensor");
  EXPECT_EQ(found->packets_received, 12);
  EXPECT_EQ(found->packets_total, 30);
  EXPECT_EQ(found->created_ms, 5);
  EXPECT_EQ(found->updated_ms, 9);
  const auto open = store_->open_commands();
  ASSERT_EQ(open->size(), 1U);
  EXPECT_EQ((*open)[0].id, *id + 1);
}

TEST_P(StoreTest, AStoredPhotoTurnsItsFailedCommandRight) {
  command::Command command;
  command.device = "m1";
  const std::int64_t id = store_->add_command(command).value();
  command.id = id;
  command.state = command::State::failed;
  command.reason = "the camera sent no photo in time";
  ASSERT_TRUE(store_->save_command(command));
  std::array photos{photo_of("m2", 1), photo_of("m1", 2), photo_of("m1", 3)};
  for (photo::Photo& photo : photos) photo.command = id;
  photos[1].state = photo::PhotoState::quarantined;
  photos[2].received_at_ms = 1234;
  ASSERT_TRUE(store_->add_photos({photos.data(), 2}));
  EXPECT_EQ(store_->command(id)->state, command::State::failed);
  ASSERT_TRUE(store_->add_photos({&photos[2], 1}));
  const auto mended = store_->command(id);
  EXPECT_EQ(mended->state, command::State::stored);
  EXPECT_EQ(mended->reason, "");
  EXPECT_EQ(mended->photo, photos[2].id);
  EXPECT_EQ(mended->updated_ms, 1234);
  EXPECT_EQ(store_->command_life(id)->back().state, command::State::stored);
  EXPECT_EQ(store_->open_commands()->size(), 1U);
}

TEST_P(StoreTest, GivesBackAPhotoAsItWas) {
  photo::Photo photo = photo_of("m1", 3);
  photo.image_file = "capture_0123456789abcdef.jpg";
  photo.state = photo::PhotoState::quarantined;
  photo.reason = "truncated";
  photo.command = 7;
  ASSERT_TRUE(store_->add_photos({&photo, 1}));
  ASSERT_GT(photo.id, 0);
  const auto found = store_->photo(photo.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->device, "m1");
  EXPECT_EQ(found->photo_id, 3U);
  EXPECT_EQ(found->image_file, photo.image_file);
  EXPECT_EQ(found->photo_bytes, 3);
  EXPECT_EQ(found->sha256, photo.sha256);
  EXPECT_EQ(found->state, photo::PhotoState::quarantined);
  EXPECT_EQ(found->reason, "truncated");
  EXPECT_EQ(found->captured_at_ms, photo.captured_at_ms);
  EXPECT_EQ(found->received_at_ms, photo.received_at_ms);
  EXPECT_EQ(found->command, 7);
  EXPECT_EQ(found->path, photo.path);
  EXPECT_TRUE(found->bytes.empty());
}

TEST_P(StoreTest, KeepsANativePhotoOnlyOnce) {
  std::vector<photo::Photo> first{photo_of("m1", 1), photo_of("m1", 2)};
  ASSERT_TRUE(store_->add_photos(first));
  std::vector<photo::Photo> again{photo_of("m1", 2), photo_of("m1", 3), photo_of("m2", 2)};
  ASSERT_TRUE(store_->add_photos(again));
  EXPECT_EQ(again[0].id, first[1].id);
  EXPECT_GT(again[1].id, first[1].id);
  EXPECT_NE(again[2].id, first[1].id);
  EXPECT_EQ(store_->photos({})->size(), 4U);
}

TEST_P(StoreTest, FindsThePhotoThatWasSentAgain) {
  std::vector<photo::Photo> photos{photo_of("m1", 1), photo_of("m1", 2), photo_of("smart", 0)};
  ASSERT_TRUE(store_->add_photos(photos));
  const auto find = [&](const char* device, std::uint32_t number, std::uint32_t of) {
    return store_->find_photo(device, number, photo_of(device, of).sha256).value();
  };
  EXPECT_EQ(find("m1", 2, 2)->id, photos[1].id);
  EXPECT_FALSE(find("m1", 2, 1));
  EXPECT_FALSE(find("m2", 2, 2));
  EXPECT_EQ(find("smart", 0, 0)->id, photos[2].id);
  EXPECT_EQ(store_->newest_photo("m1").value()->id, photos[1].id);
  EXPECT_FALSE(store_->newest_photo("nobody").value());
}

TEST_P(StoreTest, FiltersPhotosNewestFirst) {
  std::vector<photo::Photo> photos;
  for (std::uint32_t i = 1; i <= 5; ++i) photos.push_back(photo_of(i % 2 == 0 ? "m2" : "m1", i));
  ASSERT_TRUE(store_->add_photos(photos));
  const auto ids = [&](const Filter& filter) {
    std::vector<std::uint32_t> out;
    const auto found = store_->photos(filter).value();
    for (const auto& photo : found) out.push_back(photo.photo_id);
    return out;
  };
  EXPECT_EQ(ids({}), (std::vector<std::uint32_t>{5, 4, 3, 2, 1}));
  EXPECT_EQ(ids({.device = "m1"}), (std::vector<std::uint32_t>{5, 3, 1}));
  EXPECT_EQ(ids({.device = "m1", .since_ms = photos[2].received_at_ms}),
            (std::vector<std::uint32_t>{5, 3}));
  EXPECT_EQ(ids({.count_max = 2}), (std::vector<std::uint32_t>{5, 4}));
}

TEST_P(StoreTest, QueuesStoredPhotosUntilTheyHaveAReading) {
  std::vector<photo::Photo> photos{photo_of("m1", 1), photo_of("m1", 2), photo_of("m1", 3)};
  photos[1].state = photo::PhotoState::quarantined;
  ASSERT_TRUE(store_->add_photos(photos));
  ASSERT_EQ(store_->unread_photos(10)->size(), 2U);
  EXPECT_EQ(store_->unread_photos(1)->size(), 1U);
  ASSERT_TRUE(store_->add_reading(reading_of("m1", photos[0].id, 100)));
  const auto unread = store_->unread_photos(10);
  ASSERT_EQ(unread->size(), 1U);
  EXPECT_EQ((*unread)[0].id, photos[2].id);
}

TEST_P(StoreTest, GivesBackAReadingAsItWas) {
  validate::Reading reading = reading_of("m1", 12, 100);
  reading.reasons = {"roll-over: the register came round from 99", "two\nlines"};
  const auto id = store_->add_reading(reading);
  ASSERT_TRUE(id);
  const auto found = store_->reading(*id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, *id);
  EXPECT_EQ(found->meter, "m1");
  EXPECT_EQ(found->digits, "00195419");
  EXPECT_EQ(found->certain, 8);
  EXPECT_EQ(found->red, 3);
  EXPECT_EQ(found->value_count, 195419);
  EXPECT_EQ(found->value_decimals, 3);
  EXPECT_EQ(found->value, "195.419");
  EXPECT_EQ(found->confidence, 0.987);
  EXPECT_EQ(found->window, reading.window);
  EXPECT_EQ(found->wheels, reading.wheels);
  EXPECT_EQ(found->ms, 4.1);
  EXPECT_EQ(found->verdict, validate::Verdict::accepted);
  EXPECT_EQ(found->reasons, (std::vector<std::string>{reading.reasons[0], "two lines"}));
}

TEST_P(StoreTest, JudgesAgainstTheNewestAcceptedByTimeOfShot) {
  ASSERT_TRUE(store_->add_reading(reading_of("m1", 1, 300)));
  ASSERT_TRUE(store_->add_reading(reading_of("m1", 2, 200)));
  validate::Reading doubtful = reading_of("m1", 3, 400);
  doubtful.verdict = validate::Verdict::doubtful;
  ASSERT_TRUE(store_->add_reading(doubtful));
  EXPECT_EQ(store_->newest_accepted("m1").value()->photo, 1);
  EXPECT_FALSE(store_->newest_accepted("m2").value());

  const auto photos = [&](const Filter& filter) {
    std::vector<std::int64_t> out;
    const auto found = store_->readings(filter).value();
    for (const auto& reading : found) out.push_back(reading.photo);
    return out;
  };
  EXPECT_EQ(photos({}), (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_EQ(photos({.verdict = "accepted"}), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(photos({.device = "m1", .since_ms = 300}), (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(photos({.device = "m1", .verdict = "doubtful"}), (std::vector<std::int64_t>{3}));
  EXPECT_TRUE(photos({.device = "m2"}).empty());
}

TEST_P(StoreTest, KnowsOfARegisterThatCameRoundHoweverManyReadingsAgo) {
  NewsBook book(*store_);
  const auto add = [&](std::int64_t at_ms, validate::Verdict verdict, std::uint32_t flags) {
    validate::Reading reading = reading_of("m1", 0, at_ms);
    reading.verdict = verdict;
    reading.flags = flags;
    ASSERT_TRUE(store_->add_reading(reading));
  };
  constexpr std::uint32_t round = bit(validate::Flag::roll_over);
  add(1000, validate::Verdict::accepted, round);
  add(2000, validate::Verdict::doubtful, round);
  for (int i = 0; i < 150; ++i) add(4000 + i, validate::Verdict::accepted, 0);
  EXPECT_EQ(book.began_anew("m1", 1000, 9000), false) << "before, and not accepted";
  add(3000, validate::Verdict::accepted, round | bit(validate::Flag::late));
  EXPECT_EQ(book.began_anew("m1", 1000, 9000), true);
  EXPECT_EQ(book.began_anew("m1", 3000, 9000), false);
  EXPECT_EQ(book.began_anew("m2", 1000, 9000), false);
}

TEST_P(StoreTest, KeepsReviewsBesideTheReading) {
  const auto id = store_->add_reading(reading_of("m1", 1, 300)).value();
  validate::Reading edited = store_->reading(id).value();
  edited.digits = "00195420";
  edited.value = "195.420";
  edited.value_count = 195420;
  edited.verdict = validate::Verdict::manual;
  edited.review = validate::Review{.reviewer = "ann", .reason = "misread", .at_ms = 900};
  const auto once = store_->add_review(edited, 0);
  ASSERT_TRUE(once);
  EXPECT_EQ(once->digits, "00195420");
  EXPECT_EQ(once->value_count, 195420);
  EXPECT_EQ(once->verdict, validate::Verdict::manual);
  EXPECT_EQ(once->review->reviewer, "ann");
  EXPECT_EQ(once->review->at_ms, 900);
  EXPECT_EQ(once->review->seen_digits, "00195419");
  EXPECT_EQ(once->review->seen_verdict, validate::Verdict::accepted);
  EXPECT_EQ(store_->newest_accepted("m1").value()->value, "195.420");
  EXPECT_FALSE(store_->newest_accepted("m1", id).value());

  EXPECT_EQ(store_->add_review(edited, 0).error().code, ErrorCode::conflict);
  EXPECT_EQ(store_->add_review(edited, once->review->id + 1).error().code, ErrorCode::conflict);
  edited.id = 99;
  EXPECT_EQ(store_->add_review(edited, 0).error().code, ErrorCode::not_found);
  edited.id = id;
  edited.verdict = validate::Verdict::rejected;
  const auto twice = store_->add_review(edited, once->review->id);
  ASSERT_TRUE(twice);
  EXPECT_GT(twice->review->id, once->review->id);
  EXPECT_EQ(twice->review->seen_verdict, validate::Verdict::accepted);
  EXPECT_FALSE(store_->newest_accepted("m1").value());

  store_->add_reading(reading_of("m1", 2, 400)).value();
  EXPECT_EQ(store_->readings({.verdict = "accepted"})->size(), 1U);
  const auto reviewed = store_->readings({.reviewed = true});
  ASSERT_EQ(reviewed->size(), 1U);
  EXPECT_EQ(reviewed->front().id, id);
  EXPECT_EQ(store_->readings({.verdict = "rejected"})->front().id, id);
}

TEST_P(StoreTest, IsTheSameAfterOpeningAgain) {
  photo::Photo photo = photo_of("m1", 1);
  ASSERT_TRUE(store_->add_photos({&photo, 1}));
  store_.reset();
  store_ = open();
  ASSERT_TRUE(store_);
  EXPECT_TRUE(store_->photo(photo.id));
  EXPECT_TRUE(store_->check());
}

TEST_P(StoreTest, ServesManyThreads) {
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t writer = 0; writer < 2; ++writer) {
      threads.emplace_back([&, writer] {
        for (std::uint32_t i = 1; i <= 50; ++i) {
          photo::Photo photo = photo_of(writer == 0 ? "m1" : "m2", i);
          EXPECT_TRUE(store_->add_photos({&photo, 1}));
        }
      });
    }
    for (int reader = 0; reader < 6; ++reader) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) EXPECT_TRUE(store_->photos({}));
      });
    }
  }
  EXPECT_EQ(store_->photos({.count_max = 1000})->size(), 100U);
}

// What a call returned as done is there after kill -9 at any later moment.
TEST_P(StoreTest, LosesNothingThatReturnedWhenKilled) {
  store_.reset();
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto store = open();
    for (std::uint32_t i = 1; store; ++i) {
      std::vector<photo::Photo> batch{photo_of("m1", 2 * i), photo_of("m1", 2 * i + 1)};
      if (!store->add_photos(batch)) break;
      for (const auto& photo : batch) {
        if (write(pipe_ends[1], &photo.id, sizeof photo.id) != sizeof photo.id) _exit(1);
      }
    }
    _exit(1);
  }
  close(pipe_ends[1]);
  std::vector<std::int64_t> done;
  std::int64_t id = 0;
  while (done.size() < 200 && read(pipe_ends[0], &id, sizeof id) == sizeof id) done.push_back(id);
  ASSERT_EQ(done.size(), 200U);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  while (read(pipe_ends[0], &id, sizeof id) == sizeof id) done.push_back(id);
  close(pipe_ends[0]);

  store_ = open();
  ASSERT_TRUE(store_);
  for (const auto one : done) EXPECT_TRUE(store_->photo(one)) << one;
  EXPECT_EQ(store_->photos({.count_max = 100'000})->size() % 2, 0U) << "half a batch is in";
}

INSTANTIATE_TEST_SUITE_P(On, StoreTest, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
