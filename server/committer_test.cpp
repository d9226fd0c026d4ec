// Photos that wait for the store, photos that another worker has stored, and photos of which nobody
// knows whether they are: real stores and files.
#include "server/committer.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "server/store/fixture.h"
#include "server/store/test_proxy.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;

photo::Photo photo_with(std::uint32_t id, const std::string& text) {
  photo::Photo photo;
  photo.device = "m1";
  photo.photo_id = id;
  photo.captured_at_ms = photo.received_at_ms = 1'700'000'000'000;
  photo.bytes.assign(text.begin(), text.end());
  photo.photo_bytes = static_cast<std::int64_t>(text.size());
  photo.sha256 = protocol::sha256(photo.bytes);
  return photo;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class CommitterTest : public ::testing::Test {
 protected:
  CommitterTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-committer-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    store_ = *store::Store::open((root_ / "m.db").string());
  }
  ~CommitterTest() override {
    store_.reset();
    fs::remove_all(root_);
  }
  Committer committer() {
    return {{}, *store_, photo::Files({root_ / "images", root_ / "quarantine"}), metrics_};
  }

  fs::path root_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(CommitterTest, WhatAnotherWorkerHasStoredStaysAndIsTold) {
  Committer first = committer(), second = committer();
  first.add(photo_with(1, "one"));
  const Committed before = first.commit(1);
  ASSERT_EQ(before.stored.size(), 1U);
  // The same photo, by a worker that was not told so, beside another one.
  second.add(photo_with(1, "one"));
  second.add(photo_with(2, "two"));
  const Committed after = second.commit(1);
  EXPECT_TRUE(second.good());
  EXPECT_TRUE(after.refused.empty());
  ASSERT_EQ(after.stored.size(), 2U);
  EXPECT_EQ(after.stored[0].id, before.stored[0].id);
  const auto rows = *store_->photos({.device = "m1"});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(content_of(rows[1].path), "one") << "the file of the first worker's row";
  EXPECT_EQ(content_of(rows[0].path), "two");
}

TEST_F(CommitterTest, WhatWaitsForTheStoreIsForgottenWithItsDevice) {
  Committer one = committer();
  for (const char* device : {"d1", "d2"}) {
    photo::Photo photo = photo_with(0, device);
    photo.device = device;
    photo.image_file = "capture_1.jpg";
    one.add(std::move(photo));
  }
  one.fail("away", 1);
  EXPECT_TRUE(one.commit(1).stored.empty());
  one.forget("d1");
  const Committed later = one.commit(1'000'000);
  ASSERT_EQ(later.stored.size(), 1U);
  EXPECT_EQ(later.stored[0].device, "d2");
}

// PostgreSQL, which goes away when a test says so.
class LostCommit : public store::test::Fixture {
 protected:
  LostCommit() : Fixture(store::test::Kind::postgresql) {}
  void SetUp() override {
    Fixture::SetUp();
    proxy_.emplace(folder_, server_folder());
    auto opened =
        store::Store::open(proxied(), {.busy_timeout_ms = 200, .commit_patience_ms = 200});
    ASSERT_TRUE(opened) << opened.error().message;
    behind_proxy_ = *std::move(opened);
  }
  void TearDown() override {
    behind_proxy_.reset();
    proxy_.reset();
    Fixture::TearDown();
  }
  Committer committer(store::Store& its_store) {
    return {{}, its_store, photo::Files({folder_ / "images", folder_ / "quarantine"}), metrics_};
  }

  std::optional<store::test::Proxy> proxy_;
  std::unique_ptr<store::Store> behind_proxy_;
  metrics::Metrics metrics_;
};

TEST_F(LostCommit, LeavesTheFilesOfPhotosThatMayBeStored) {
  Committer one = committer(*behind_proxy_);
  one.add(photo_with(1, "one"));
  proxy_->swallow_commit_and_refuse();
  const Committed lost = one.commit(1);
  EXPECT_TRUE(lost.stored.empty());
  EXPECT_EQ(lost.refused.size(), 1U) << "its camera keeps it until it is told";
  EXPECT_FALSE(one.good());
  const auto row = *store_->find_photo("m1", 1, photo_with(1, "one").sha256);
  ASSERT_TRUE(row) << "so the camera will be told that it is stored";
  EXPECT_EQ(content_of(row->path), "one");
}

TEST_F(LostCommit, TakesBackTheFilesOfPhotosThatAreNotStoredAndNoOthers) {
  Committer first = committer(*store_), second = committer(*behind_proxy_);
  first.add(photo_with(1, "one"));
  const Committed before = first.commit(1);
  ASSERT_EQ(before.stored.size(), 1U);
  // The same photo, by a worker that was not told so, beside another one.
  second.add(photo_with(1, "one"));
  second.add(photo_with(2, "two"));
  proxy_->refuse(true);
  EXPECT_EQ(second.commit(1).refused.size(), 2U);
  EXPECT_EQ(content_of(before.stored[0].path), "one") << "the file of the first worker's row";
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "images"))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 1U);
}

}  // namespace
}  // namespace meterlens::server
