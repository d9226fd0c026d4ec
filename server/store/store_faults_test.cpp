// Faults made for real: another program's lock, missing permission, a full disk, a foreign file.
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "server/store/fixture.h"
#include "server/store/schema.h"
#include "server/store/store.h"

namespace meterlens::store {
namespace {

using test::photo_of;
using test::reading_of;

class StoreFaults : public test::Fixture {};

// Another program's connection.
class Intruder {
 public:
  explicit Intruder(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
  }
  ~Intruder() { sqlite3_close(db_); }
  void run(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  }

 private:
  sqlite3* db_ = nullptr;
};

// Runs `work` in a child of its own, whose limits and user may be changed; true when it passed.
bool passes_in_child(const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 0 : 1);
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is(const auto& result, ErrorCode code, const char* words) {
  if (result.has_value()) return false;
  if (result.error().code == code && result.error().message.find(words) != std::string::npos) {
    return true;
  }
  fprintf(stderr, "code %d: %s\n", static_cast<int>(result.error().code),
          result.error().message.c_str());
  return false;
}

TEST_F(StoreFaults, LockedByAnotherProgramWhileWriting) {
  photo::Photo before = photo_of("m1", 1);
  ASSERT_TRUE(store_->add_photos({&before, 1}));
  Intruder intruder(path());
  intruder.run("BEGIN EXCLUSIVE");
  photo::Photo photo = photo_of("m1", 2);
  EXPECT_TRUE(is(store_->add_photos({&photo, 1}), ErrorCode::locked, "locked by another program"));
  EXPECT_EQ(photo.id, 0);
  EXPECT_TRUE(is(store_->check(), ErrorCode::locked, path().c_str()));
  EXPECT_TRUE(store_->photo(before.id)) << "reading goes on beside a writer";
  intruder.run("ROLLBACK");
  EXPECT_TRUE(store_->add_photos({&photo, 1})) << "and writing after it";
}

TEST_F(StoreFaults, LockedByAnotherProgramAtStart) {
  store_.reset();
  Intruder intruder(path());
  intruder.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  EXPECT_TRUE(is(Store::open(path(), {.busy_timeout_ms = 20}), ErrorCode::locked, "fuser"));
}

TEST_F(StoreFaults, ReadOnly) {
  store_.reset();
  ASSERT_EQ(chmod(path().c_str(), 0444), 0);
  EXPECT_TRUE(passes_in_child([&] {
    // Root may write everything: become somebody else.
    if (geteuid() == 0 && (chmod(folder_.c_str(), 0755) != 0 || setuid(65534) != 0)) return false;
    return is(Store::open(path(), {.busy_timeout_ms = 20}), ErrorCode::read_only,
              "write permission");
  }));
}

TEST_F(StoreFaults, DiskFullKeepsWhatWasThereAndGoesOnAfterwards) {
  store_.reset();
  EXPECT_TRUE(passes_in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const auto store = open();
    if (!store) return false;
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t usual = limit.rlim_cur;
    limit.rlim_cur = 300'000;  // the log (WAL) reaches this first
    setrlimit(RLIMIT_FSIZE, &limit);

    std::uint32_t number = 1;
    Result<void> added;
    while (added && number < 10'000) {
      std::vector<photo::Photo> batch;
      for (int i = 0; i < 50; ++i) {
        batch.push_back(photo_of("m1", number++));
        batch.back().reason = std::string(1000, 'x');
      }
      added = store->add_photos(batch);
    }
    if (!is(added, ErrorCode::disk_full, "free space")) return false;
    const auto before = store->photos({.count_max = 100'000});
    if (!before || before->size() != number - 1 - 50) return false;

    limit.rlim_cur = usual;
    setrlimit(RLIMIT_FSIZE, &limit);
    photo::Photo photo = photo_of("m1", number);
    return store->add_photos({&photo, 1}).has_value() && store->check().has_value();
  }));
}

TEST_F(StoreFaults, FolderIsMissing) {
  EXPECT_TRUE(is(Store::open((folder_ / "no" / "x.db").string()), ErrorCode::cannot_open,
                 "its folder must exist"));
}

TEST_F(StoreFaults, IsAFolder) {
  EXPECT_TRUE(is(Store::open(folder_.string()), ErrorCode::cannot_open, "cannot open"));
}

TEST_F(StoreFaults, IsAnotherFile) {
  const std::string other = (folder_ / "photo.jpg").string();
  std::ofstream(other) << std::string(5000, 'j');
  EXPECT_TRUE(is(Store::open(other), ErrorCode::cannot_open, "not a sound SQLite database"));
}

TEST_F(StoreFaults, NewerSchemaIsRefusedAndLeftAlone) {
  store_.reset();
  Intruder(path()).run("INSERT INTO schema_version VALUES (99, 0)");
  EXPECT_TRUE(is(Store::open(path()), ErrorCode::newer_schema, "its schema is 99"));
  Intruder(path()).run("DELETE FROM schema_version WHERE version = 99");
  EXPECT_TRUE(Store::open(path()));
}

TEST_F(StoreFaults, TheFirstSchemaIsBroughtUpToDateWithItsReadings) {
  store_.reset();
  std::filesystem::remove(path());
  {
    Intruder old(path());
    old.run("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at_ms BIGINT NOT "
            "NULL)");
    for (const std::string_view statement : migrations()[0]) old.run(std::string(statement));
    old.run("INSERT INTO schema_version VALUES (1, 0)");
    old.run("INSERT INTO reading VALUES (1, 'm1', 'm1', 1, 100, 'read', '00195419', 8, 3, 195419,"
            " 3, '195.419', 0.9, '', 4, 'accepted', '')");
  }
  store_ = open();
  ASSERT_TRUE(store_);
  auto reading = store_->reading(1);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->digits, "00195419");
  EXPECT_FALSE(reading->review);
  reading->review = validate::Review{.at_ms = 5};
  EXPECT_TRUE(store_->add_review(*reading, 0));
  EXPECT_TRUE(store_->meter("m1")) << "its readings have a meter now";
  EXPECT_EQ(store_->watches("m1", "m1", 0, 10)->size(), 1U);
}

TEST_F(StoreFaults, ARowThatNobodyUnderstandsIsAnErrorAndNotACrash) {
  command::Command command;
  command.device = "m1";
  const auto id = store_->add_command(command);
  ASSERT_TRUE(id);
  Intruder(path()).run("UPDATE command SET state = 'dreaming'");
  EXPECT_TRUE(is(store_->command(*id), ErrorCode::failed, "dreaming"));
}

}  // namespace
}  // namespace meterlens::store
