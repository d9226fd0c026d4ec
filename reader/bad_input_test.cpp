// What cameras, people and programs may give the reader instead of a good photo of one meter: a
// clear status, never a crash, never `read` where it must not be.
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reader/fixture.h"
#include "reader/models.h"

namespace meterlens::reader {
namespace {

namespace fs = std::filesystem;
using test::bytes_of;
using test::encode_as;
using test::Form;
using test::frame_header;
using test::meters;
using test::models;
using test::other_than;
using test::picture_of;
using test::plain;
using test::rearranged;
using test::shared_reader;
using test::with_turn;

std::expected<Digits, Error> read(std::span<const std::byte> jpeg, const Known& known = {}) {
  auto digits = shared_reader().read(jpeg, known);
  if (digits) {
    EXPECT_EQ(digits->wheels.size(), digits->digits.size());
    EXPECT_LE(digits->certain, static_cast<int>(digits->digits.size()));
    EXPECT_TRUE(digits->confidence >= 0 && digits->confidence <= 1);
    EXPECT_EQ(digits->status == Status::unreadable, digits->digits.empty());
    if (digits->status != Status::read) {
      EXPECT_NE(digits->reason, Reason::none);
    }
  }
  return digits;
}

void expect_not_read(std::span<const std::byte> jpeg, const std::string& what) {
  const auto digits = read(jpeg);
  if (digits) {
    EXPECT_NE(digits->status, Status::read) << what << " gave " << digits->digits;
  } else {
    EXPECT_FALSE(digits.error().text.empty()) << what;
  }
}

const Labelled& first_meter() {
  static const std::vector<Labelled> all = meters();
  return all[1];
}

TEST(BadInput, AFaceWithoutItsRegisterIsNotRead) {
  for (const Labelled& photo : meters()) {
    Picture picture = picture_of(photo.file);
    const auto seen = read(bytes_of(photo.file));
    ASSERT_TRUE(seen.has_value());
    const auto [left, right] = std::ranges::minmax({seen->window[0].x, seen->window[1].x,
                                                    seen->window[2].x, seen->window[3].x});
    const auto [top, bottom] = std::ranges::minmax({seen->window[0].y, seen->window[1].y,
                                                    seen->window[2].y, seen->window[3].y});
    for (int y = static_cast<int>(top) - 12; y < static_cast<int>(bottom) + 12; ++y)
      for (int x = static_cast<int>(left) - 12; x < static_cast<int>(right) + 12; ++x)
        std::fill_n(picture.bgr.begin() + 3 * (y * picture.width + x), 3, 90);
    expect_not_read(encode(picture, 90), photo.label);
  }
}

// Two meters side by side.
Picture both_of(const Picture& left, const Picture& right) {
  Picture both = plain(left.width + right.width, left.height, 0);
  for (int y = 0; y < left.height; ++y) {
    const auto to = both.bgr.begin() + 3 * y * both.width;
    std::copy_n(left.bgr.begin() + 3 * y * left.width, 3 * left.width, to);
    std::copy_n(right.bgr.begin() + 3 * y * right.width, 3 * right.width, to + 3 * left.width);
  }
  return both;
}

TEST(BadInput, OfTwoMetersNoneIsReadUnlessItIsKnownWhich) {
  const auto all = meters();
  const Picture left = picture_of(all[1].file);
  Picture right = picture_of(all[0].file);
  const auto jpeg = encode(both_of(left, right), 90);
  const auto digits = read(jpeg);
  ASSERT_TRUE(digits.has_value());
  EXPECT_EQ(digits->status, Status::doubtful);
  EXPECT_EQ(digits->reason, Reason::several_meters);
  Known known;
  known.window = read(bytes_of(all[0].file))->window;
  const Point middle = {((*known.window)[0].x + (*known.window)[2].x) / 2,
                        ((*known.window)[0].y + (*known.window)[2].y) / 2};
  for (Point& corner : *known.window) corner.x += left.width;
  const auto chosen = read(jpeg, known);
  ASSERT_TRUE(chosen.has_value());
  EXPECT_EQ(chosen->status, Status::read);
  EXPECT_TRUE(is_exact(*chosen, all[0].accepted)) << chosen->digits;
  // Its second and third wheel hidden: the other meter is not read in its place.
  for (int y = static_cast<int>(middle.y) - 14; y < static_cast<int>(middle.y) + 14; ++y)
    std::fill_n(right.bgr.begin() + 3 * (y * right.width + static_cast<int>(middle.x) - 60), 180,
                70);
  const auto hidden = read(encode(both_of(left, right), 90), known);
  ASSERT_TRUE(hidden.has_value());
  EXPECT_NE(hidden->status, Status::read) << hidden->digits;
  // Hidden as a whole: a camera that moved may read the one it finds, unless the place is drawn.
  std::ranges::fill(right.bgr, 70);
  const auto covered = encode(both_of(left, right), 90);
  EXPECT_EQ(read(covered, known)->status, Status::read);
  known.is_drawn = true;
  EXPECT_EQ(read(covered, known)->status, Status::doubtful);
  EXPECT_EQ(read(covered, known)->reason, Reason::several_meters);
  EXPECT_EQ(read(jpeg, known)->status, Status::read);
}

TEST(BadInput, EveryKindOfJpegIsRead) {
  const Picture picture = picture_of(first_meter().file);
  for (const Form& form :
       {Form{"4:4:4", TJSAMP_444}, Form{"4:2:2", TJSAMP_422}, Form{"4:4:0", TJSAMP_440},
        Form{"4:1:1", TJSAMP_411}, Form{"gray", TJSAMP_GRAY},
        Form{"progressive", TJSAMP_420, false, true}, Form{"CMYK", TJSAMP_444, true},
        Form{"progressive CMYK", TJSAMP_420, true, true}}) {
    const auto digits = read(encode_as(picture, form));
    ASSERT_TRUE(digits.has_value()) << form.name << ": " << digits.error().text;
    EXPECT_TRUE(is_exact(*digits, first_meter().accepted)) << form.name << " " << digits->digits;
    EXPECT_FALSE(is_wrong_while_read(*digits, first_meter().accepted)) << form.name;
  }
}

TEST(BadInput, EveryExifOrientationIsUndone) {
  const Picture p = picture_of(first_meter().file);
  for (int turn = 1; turn <= 8; ++turn) {
    // Stored so that the orientation shows it as it was; and as it was, for the four that mirror.
    const bool swaps = turn >= 5;
    const bool flip_x = turn == 2 || turn == 3 || turn == 6 || turn == 7;
    const bool flip_y = turn == 3 || turn == 4 || turn == 7 || turn == 8;
    const int width = swaps ? p.height : p.width, height = swaps ? p.width : p.height;
    const Picture stored = rearranged(p, width, height, [&](int x, int y) {
      if (flip_x) x = width - 1 - x;
      if (flip_y) y = height - 1 - y;
      return swaps ? std::pair(y, x) : std::pair(x, y);
    });
    const auto digits = read(with_turn(encode(stored, 92), turn));
    ASSERT_TRUE(digits.has_value());
    EXPECT_TRUE(is_exact(*digits, first_meter().accepted)) << turn << " gave " << digits->digits;
    const bool mirrors = turn == 2 || turn == 4 || turn == 5 || turn == 7;
    if (mirrors) expect_not_read(with_turn(encode(p, 92), turn), "mirrored by EXIF");
  }
}

TEST(BadInput, AHugePhotoIsRead) {
  const Picture p = picture_of(first_meter().file);
  const Picture huge = rearranged(p, 8000, 6000, [&](int x, int y) {
    return std::pair(x * p.width / 8000, y * p.height / 6000);
  });
  const auto digits = read(encode(huge, 80));
  ASSERT_TRUE(digits.has_value());
  EXPECT_TRUE(is_exact(*digits, first_meter().accepted)) << digits->digits;
  EXPECT_GT(digits->window[1].x, 1000) << "in pixels of the photo";
}

TEST(BadInput, ACutPhotoIsNeverReadWhereverItIsCut) {
  const Picture p = picture_of(first_meter().file);
  for (const bool progressive : {false, true}) {
    const auto whole = encode_as(p, {"cut", TJSAMP_420, false, progressive});
    for (std::size_t part = 0; part < 16; ++part)
      expect_not_read(std::span(whole).first(whole.size() * part / 16),
                      std::to_string(part) + "/16");
    expect_not_read(std::span(whole).first(whole.size() - 2), "all but the end marker");
  }
}

TEST(BadInput, FramesOfOtherCodingsAreNeverRead) {
  const auto jpeg = encode(picture_of(first_meter().file), 90);
  const std::size_t header = frame_header(jpeg);
  ASSERT_EQ(jpeg[header + 1], std::byte{0xC0});
  struct Change {
    const char* name;
    std::size_t offset;
    int value;
  };
  for (const Change& c :
       {Change{"12 bits", 4, 12}, Change{"0 bits", 4, 0}, Change{"lossless", 1, 0xC3},
        Change{"differential", 1, 0xC5}, Change{"arithmetic", 1, 0xC9},
        Change{"arithmetic progressive", 1, 0xCA}, Change{"JPEG-LS", 1, 0xF7},
        Change{"progressive in name only", 1, 0xC2}, Change{"no components", 9, 0},
        Change{"five components", 9, 5}, Change{"sampling of 0", 11, 0},
        Change{"sampling of 15", 11, 0xFF}, Change{"no frame", 1, 0xFE}}) {
    auto changed = jpeg;
    changed[header + c.offset] = static_cast<std::byte>(c.value);
    expect_not_read(changed, c.name);
  }
}

TEST(BadInput, SizesThatLieAreErrors) {
  const auto jpeg = encode(picture_of(first_meter().file), 90);
  const std::size_t header = frame_header(jpeg);
  auto huge = jpeg, empty = jpeg, tall = jpeg;
  for (const std::size_t i : {5U, 7U}) huge[header + i] = std::byte{0xF0};
  for (const std::size_t i : {5U, 6U}) empty[header + i] = std::byte{0};
  tall[header + 5] = std::byte{0x20};  // 8,192 rows of which 480 are there
  EXPECT_EQ(read(huge).error().fault, Fault::too_large);
  EXPECT_EQ(read(empty).error().fault, Fault::damaged_jpeg);
  expect_not_read(tall, "rows that are not there");
  EXPECT_EQ(read({}).error().fault, Fault::not_a_jpeg);
}

TEST(BadInput, AKnownMeterThatMakesNoSenseChangesNothing) {
  const auto jpeg = bytes_of(first_meter().file);
  const auto photo = read(jpeg);
  ASSERT_TRUE(photo.has_value());
  ASSERT_EQ(photo->status, Status::read);
  const double nan = std::nan(""), infinite = std::numeric_limits<double>::infinity();
  std::vector<Known> nonsense(8);
  nonsense[0].window = {{{nan, 0}, {1, 0}, {1, 1}, {0, 1}}};
  nonsense[1].window = {{{0, 0}, {infinite, 0}, {infinite, 1}, {0, 1}}};
  nonsense[2].window = {{{5, 5}, {5, 5}, {5, 5}, {5, 5}}};
  nonsense[3].window = {{{-1e300, -1e300}, {1e300, -1e300}, {1e300, 1e300}, {-1e300, 1e300}}};
  nonsense[4].wheels = -7, nonsense[4].red = 99;
  nonsense[5].earlier = Earlier{"\xff\xfe", 2, nan, infinite};
  nonsense[6].earlier = Earlier{std::string(1 << 20, '9'), 1 << 20, 1e308, 1e308};
  nonsense[7].window = {{{300, 10}, {10, 10}, {10, 50}, {300, 50}}};  // mirrored
  for (const Known& known : nonsense) {
    const auto digits = read(jpeg, known);
    ASSERT_TRUE(digits.has_value());
    EXPECT_EQ(digits->status, Status::read);
    EXPECT_EQ(digits->digits, photo->digits);
    EXPECT_EQ(digits->red, photo->red);
    EXPECT_FALSE(digits->alone.has_value());
  }
}

TEST(BadInput, AMovedCameraStillReads) {
  const auto jpeg = bytes_of(first_meter().file);
  Known known;
  known.wheels = static_cast<int>(first_meter().label.size());
  for (const double x : {0.0, 350.0, 5000.0}) {
    known.window = {{{x, 300}, {x + 200, 300}, {x + 200, 340}, {x, 340}}};
    const auto digits = read(jpeg, known);
    ASSERT_TRUE(digits.has_value());
    EXPECT_EQ(digits->status, Status::read) << x;
    EXPECT_TRUE(is_exact(*digits, first_meter().accepted)) << x << " gave " << digits->digits;
  }
}

// ---- models ----

class DamagedModel : public testing::TestWithParam<const char*> {
 protected:
  // A folder of each test's own: they run beside each other.
  DamagedModel() : folder_(fs::path(testing::TempDir()) / ("models_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::copy(models, folder_);
  }
  ~DamagedModel() override { fs::remove_all(folder_); }

  fs::path path() const { return folder_ / GetParam(); }
  void write(const std::string& bytes) { std::ofstream(path(), std::ios::binary) << bytes; }
  // As export.py would after writing this file.
  void list_as_it_is() {
    std::ifstream in(folder_ / checksums_name);
    std::string all;
    for (std::string checksum, name; in >> checksum >> name;) {
      const auto bytes = bytes_of(folder_ / name);
      char line[9];
      std::snprintf(line, sizeof line, "%08lx",
                    crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
      all += line + (" " + name) + "\n";
    }
    std::ofstream(folder_ / checksums_name) << all;
  }
  void expect(Fault fault, const char* what) {
    const auto reader = Reader::open(folder_);
    ASSERT_FALSE(reader.has_value()) << what;
    EXPECT_EQ(reader.error().fault, fault) << what << ": " << reader.error().text;
    EXPECT_NE(reader.error().text.find(GetParam()), std::string::npos) << reader.error().text;
    EXPECT_EQ(reader.error().text.find('\n'), std::string::npos) << reader.error().text;
  }

  fs::path folder_;
};

TEST_P(DamagedModel, IsAClearErrorAtStart) {
  const auto whole = bytes_of(path());
  const std::string text(reinterpret_cast<const char*>(whole.data()), whole.size());
  std::string flipped = text;
  flipped[text.size() / 2] ^= 1;  // one bit of one weight
  write(flipped);
  expect(Fault::model_damaged, "a flipped bit");
  write(text.substr(0, text.size() - 1));
  expect(Fault::model_damaged, "cut");
  write("");
  expect(Fault::model_damaged, "empty");
  fs::remove(path());
  expect(Fault::model_missing, "gone");
  fs::create_directory(path());
  expect(Fault::model_damaged, "a folder");
  fs::remove(path());
  fs::copy_file(models / other_than(GetParam()), path());
  expect(Fault::model_damaged, "another net");
}

TEST_P(DamagedModel, ThatIsListedAsItIsHasTheWrongShape) {
  fs::copy_file(models / other_than(GetParam()), path(), fs::copy_options::overwrite_existing);
  list_as_it_is();
  expect(Fault::model_damaged, "another net");
  write("no net at all");
  list_as_it_is();
  expect(Fault::model_damaged, "a text");
  fs::remove(folder_ / checksums_name);
  EXPECT_NE(Reader::open(folder_).error().text.find(checksums_name), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Files, DamagedModel, testing::ValuesIn(model_names));

}  // namespace
}  // namespace meterlens::reader
