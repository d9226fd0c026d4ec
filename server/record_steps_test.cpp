// What is recorded of devices while the database is another program's.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <string_view>

#include "server/steps_fixture.h"

namespace meterlens::server {
namespace {

using testing::start;

class RecordSteps : public testing::OnSteps {
 protected:
  RecordSteps() {
    settings_.committer.retry_ms_first = 0;
    restart();
  }
  ~RecordSteps() override { sqlite3_close(other_); }

  // Another program's.
  void run(const char* sql) {
    if (other_ == nullptr) {
      ASSERT_EQ(sqlite3_open((root_ / "m.db").c_str(), &other_), SQLITE_OK);
    }
    ASSERT_EQ(sqlite3_exec(other_, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  }
  void lock() { run("BEGIN EXCLUSIVE"); }
  void unlock() { run("ROLLBACK"); }
  void say_status(std::string_view json) {
    steps_->message("meterlens/m1/status", bytes_of(json));
    turn();
  }
  void note(std::string_view text) {
    steps_->fleet.note_message("meterlens/m1/status", bytes_of(text), start);
    steps_->tick();
  }
  std::size_t noted() { return store::Fleet(*store_).messages("m1", 0, 10)->size(); }
  bool names_the_lock() const {
    return steps_->committer.fault().find("locked by another program") != std::string::npos;
  }
  static protocol::Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  sqlite3* other_ = nullptr;
};

TEST_F(RecordSteps, WhyADeviceIsNotSavedIsSaid) {
  say_status(R"({"online":true})");
  lock();
  const auto errors = metrics_.count(metrics::Count::store_errors);
  say_status(R"({"online":false})");
  EXPECT_TRUE(names_the_lock()) << steps_->committer.fault();
  EXPECT_EQ(metrics_.count(metrics::Count::store_errors), errors + 1);
  unlock();
  turn();
  EXPECT_TRUE(steps_->committer.good());
  EXPECT_FALSE(store_->device("m1")->online);
}

TEST_F(RecordSteps, MessagesWaitForTheDatabase) {
  note("first");
  EXPECT_EQ(noted(), 1U);
  lock();
  note("second");
  EXPECT_TRUE(names_the_lock()) << steps_->committer.fault();
  note("third");
  EXPECT_EQ(noted(), 1U);
  unlock();
  turn();
  EXPECT_TRUE(steps_->committer.good());
  steps_->tick();
  EXPECT_EQ(noted(), 3U);
}

TEST_F(RecordSteps, AMessageThatTheDatabaseRefusesHoldsNothingUp) {
  run("CREATE TRIGGER refuse BEFORE INSERT ON message WHEN NEW.payload = 'bad'"
      " BEGIN SELECT RAISE(ABORT, 'refused'); END");
  note("bad");
  EXPECT_FALSE(steps_->committer.good());
  EXPECT_EQ(metrics_.count(metrics::Count::messages_not_recorded), 1U);
  turn();
  EXPECT_TRUE(steps_->committer.good());
  note("good");
  EXPECT_EQ(noted(), 1U);
}

}  // namespace
}  // namespace meterlens::server
