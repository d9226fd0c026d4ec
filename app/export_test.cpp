// With a store of its own and a photo of tests/golden (tests run in the root of the source tree).
#include "app/export.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "server/store/store.h"
#include "server/validate/review.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using validate::Reading;
using validate::Verdict;

class ExportTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "export_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::ofstream(folder_ / "a.toml")
        << "[storage]\ndata_folder = \"" << folder_.string() << "\"\n";
    fs::copy_file("tests/golden/meters/9_8.jpg", folder_ / "1.jpg");
    auto opened = store::Store::open((folder_ / "meterlens.db").string());
    ASSERT_TRUE(opened);
    store_ = *std::move(opened);
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }

  // A reading of a photo of its own, which lies at `path`.
  std::int64_t add(const std::string& digits, Verdict verdict, std::int64_t at_ms,
                   const std::string& path = "1.jpg") {
    photo::Photo photo;
    photo.device = "m1";
    photo.photo_id = ++photos_;
    photo.path = (folder_ / path).string();
    EXPECT_TRUE(store_->add_photos({&photo, 1}));
    Reading reading;
    reading.meter = reading.device = "m1";
    reading.photo = photo.id;
    reading.at_ms = at_ms;
    reading.status = "read";
    reading.digits = digits;
    reading.certain = static_cast<int>(digits.size());
    reading.window = {{{171.9, 132.4}, {368.2, 107.4}, {373.8, 157.6}, {179.7, 184.5}}};
    reading.verdict = verdict;
    return store_->add_reading(reading).value();
  }
  void edit(std::int64_t id, const validate::Edit& wanted) {
    const auto reviewed = validate::review(store_->reading(id).value(), wanted, {}, {}, 5);
    ASSERT_TRUE(reviewed);
    ASSERT_TRUE(store_->add_review(*reviewed, 0));
  }
  std::string labels() const {
    std::ifstream file(folder_ / "out" / "labels.csv");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  ExportOptions options() const {
    return {.config = (folder_ / "a.toml").string(), .out = (folder_ / "out").string()};
  }

  fs::path folder_;
  std::unique_ptr<store::Store> store_;
  std::uint32_t photos_ = 0;
};

constexpr const char* header = "file,label,all_accepted,quad,red,meter,strip\n";
constexpr const char* quad = "171.9 132.4 368.2 107.4 373.8 157.6 179.7 184.5";

TEST_F(ExportTest, WritesWhatPeopleSaidNewestFirst) {
  edit(add("62108", Verdict::accepted, 100), {.verdict = Verdict::accepted});
  edit(add("62103", Verdict::doubtful, 200), {.verdict = Verdict::manual, .digits = "62108"});
  edit(add("99999", Verdict::accepted, 300), {.verdict = Verdict::manual, .digits = "62108"});
  edit(add("62108", Verdict::accepted, 400), {.verdict = Verdict::rejected, .reason = "blur"});
  edit(add("62108", Verdict::accepted, 500, "gone.jpg"), {.verdict = Verdict::accepted});
  add("62108", Verdict::accepted, 600);
  add("62107", Verdict::doubtful, 700);
  const std::string first =
      std::string("images/1.jpg,62108,62108,") + quad + ",0,m1,strips/1.jpg\n";
  const std::string second =
      std::string("images/2.jpg,62108,62108,") + quad + ",0,m1,strips/2.jpg\n";
  // The reader had hardly a wheel right: it may have looked elsewhere.
  const std::string third = "images/3.jpg,62108,62108,,0,m1,\n";
  const std::string doubtful = std::string("images/7.jpg,,,") + quad + ",0,m1,strips/7.jpg\n";

  EXPECT_EQ(export_labels(options()), 0);
  EXPECT_EQ(labels(), header + third + second + first);
  EXPECT_EQ(fs::file_size(folder_ / "out/images/1.jpg"), fs::file_size(folder_ / "1.jpg"));
  EXPECT_GT(fs::file_size(folder_ / "out/strips/1.jpg"), 1000U);
  EXPECT_FALSE(fs::exists(folder_ / "out/strips/3.jpg"));

  ExportOptions more = options();
  more.doubtful = true;
  more.since_ms = 200;
  EXPECT_EQ(export_labels(more), 0);
  EXPECT_EQ(labels(), header + third + second + doubtful);
}

TEST_F(ExportTest, ADoubtfulReadingWhosePhotoIsGoneIsLeftOut) {
  add("62107", Verdict::doubtful, 100);
  ASSERT_EQ(store_->remove_aged({.photos_before_ms = 50})->photos, 1);
  add("62107", Verdict::doubtful, 200);
  ExportOptions doubtful = options();
  doubtful.doubtful = true;
  EXPECT_EQ(export_labels(doubtful), 0);
  EXPECT_EQ(labels(), std::string(header) + "images/2.jpg,,," + quad + ",0,m1,strips/2.jpg\n");
}

TEST_F(ExportTest, SaysWhatIsMissing) {
  ExportOptions wrong = options();
  wrong.out = (folder_ / "1.jpg").string();
  EXPECT_EQ(export_labels(wrong), 1);
  store_.reset();
  fs::remove(folder_ / "meterlens.db");
  EXPECT_EQ(export_labels(options()), 1);
  EXPECT_FALSE(fs::exists(folder_ / "meterlens.db"));
  wrong.config = (folder_ / "no.toml").string();
  EXPECT_EQ(export_labels(wrong), 1);
}

}  // namespace
}  // namespace meterlens::app
