// Lists from a replica, and starts beside each other. The replica here is a schema of its own,
// whose rows differ, so that one sees who answered.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/store/fixture.h"

namespace meterlens::store {
namespace {

using test::photo_of;

class Replica : public test::Fixture {
 protected:
  Replica() : Fixture(test::Kind::postgresql) {}
  void SetUp() override {
    Fixture::SetUp();
    other_ = schema_ + "_copy";
    test::run_on_server(test::server_url(), "CREATE SCHEMA \"" + other_ + '"');
    auto filled = Store::open(url());
    ASSERT_TRUE(filled);
    photo::Photo photo = photo_of("from the replica", 1);
    ASSERT_TRUE((*filled)->add_photos({&photo, 1}));
    photo = photo_of("from the primary", 1);
    ASSERT_TRUE(store_->add_photos({&photo, 1}));
    store_.reset();
  }
  void TearDown() override {
    test::run_on_server(test::quiet_url(), "DROP SCHEMA \"" + other_ + "\" CASCADE");
    Fixture::TearDown();
  }
  std::string url() const {
    return test::server_url() + "&options=-csearch_path%3D%22" + other_ + "%22";
  }
  std::unique_ptr<Store> open_with(const std::string& replica) {
    Options options;
    options.busy_timeout_ms = 2000;
    options.replica_url = replica;
    options.say = [this](const std::string& words) { said_ += words + '\n'; };
    auto opened = Store::open(path(), options);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  static std::string who(Store& store, bool may_lag) {
    const auto photos = store.photos({.may_lag = may_lag});
    return photos && photos->size() == 1 ? photos->front().device : "nobody";
  }

  std::string other_;
  std::string said_;
};

TEST_F(Replica, AnswersListsThatMayLagAndNothingElse) {
  const auto store = open_with(url());
  EXPECT_EQ(who(*store, true), "from the replica");
  EXPECT_EQ(who(*store, false), "from the primary");
  EXPECT_EQ(store->photo(1)->device, "from the primary");
  EXPECT_EQ(said_, "");
}

TEST_F(Replica, OneThatIsAwayIsSaidAndDoneWithout) {
  const auto store = open_with("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1");
  EXPECT_EQ(who(*store, true), "from the primary");
  EXPECT_EQ(who(*store, true), "from the primary");
  EXPECT_NE(said_.find("lists come from the primary"), std::string::npos) << said_;
  EXPECT_EQ(said_.find('\n'), said_.size() - 1) << "said more than once: " << said_;
}

TEST_F(Replica, OneThatBreaksInTheMiddleIsDoneWithout) {
  const auto store = open_with(url());
  EXPECT_EQ(who(*store, true), "from the replica");
  test::run_on_server(url(), "ALTER TABLE photo RENAME TO gone");
  EXPECT_EQ(who(*store, true), "from the primary");
  EXPECT_NE(said_.find("lists come from the primary"), std::string::npos) << said_;
}

// Two servers of one version, or an old and a new one, start on one database at once.
TEST_F(Replica, StartsBesideEachOtherDoNotCollide) {
  test::run_on_server(test::quiet_url(), "DROP SCHEMA \"" + other_ + "\" CASCADE");
  test::run_on_server(test::server_url(), "CREATE SCHEMA \"" + other_ + '"');
  std::atomic<int> good = 0;
  std::vector<std::thread> starts;
  for (int i = 0; i < 4; ++i) {
    starts.emplace_back([&] {
      const auto opened = Store::open(url(), {.busy_timeout_ms = 30'000, .reader_count = 1});
      EXPECT_TRUE(opened) << opened.error().message;
      good += opened.has_value();
    });
  }
  for (std::thread& one : starts) one.join();
  EXPECT_EQ(good, 4);
  EXPECT_EQ(test::run_on_server(url(), "SELECT count(*) = max(version) FROM schema_version"), "t");
}

}  // namespace
}  // namespace meterlens::store
