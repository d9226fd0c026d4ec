#include "server/photo/exif.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <random>
#include <string>
#include <vector>

#include "server/photo/jpeg_shape.h"

namespace meterlens::photo {
namespace {

using Buffer = std::vector<std::uint8_t>;

// A JPEG head with one EXIF segment: a date, and an EXIF directory of its own when there is an
// original's date or an offset.
class Exif {
 public:
  explicit Exif(bool little) : little_(little) {
    text(little ? "II" : "MM");
    number(42, 2);
    number(8, 4);
  }
  Buffer jpeg(const std::string& original, const std::string& offset) {
    // One entry that leads to the directory at 26.
    number(1, 2);
    entry(0x8769, 4, 1, 26);
    number(0, 4);
    const std::uint32_t texts = 26 + 2 + 2 * 12 + 4;
    number(2, 2);
    entry(0x9003, 2, static_cast<std::uint32_t>(original.size() + 1), texts);
    entry(0x9011, 2, static_cast<std::uint32_t>(offset.size() + 1),
          texts + static_cast<std::uint32_t>(original.size()) + 1);
    number(0, 4);
    text(original + '\0' + offset + '\0');
    Buffer out{0xff, 0xd8, 0xff, 0xe1};
    const std::size_t length = 2 + 6 + tiff_.size();
    out.push_back(static_cast<std::uint8_t>(length >> 8));
    out.push_back(static_cast<std::uint8_t>(length));
    for (const char c : {'E', 'x', 'i', 'f', '\0', '\0'})
      out.push_back(static_cast<std::uint8_t>(c));
    out.insert(out.end(), tiff_.begin(), tiff_.end());
    for (const int byte : {0xff, 0xda, 0, 2}) out.push_back(static_cast<std::uint8_t>(byte));
    return out;
  }

 private:
  void text(const std::string& from) { tiff_.insert(tiff_.end(), from.begin(), from.end()); }
  void number(std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      const int shift = 8 * (little_ ? i : count - 1 - i);
      tiff_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }
  void entry(std::uint32_t tag, std::uint32_t kind, std::uint32_t count, std::uint32_t value) {
    number(tag, 2);
    number(kind, 2);
    number(count, 4);
    number(value, 4);
  }
  bool little_;
  Buffer tiff_;
};

TEST(Exif, gives_the_time_of_the_shot_with_its_offset_in_both_byte_orders) {
  for (const bool little : {true, false}) {
    const Buffer jpeg = Exif(little).jpeg("2026:05:01 07:08:09", "+02:00");
    EXPECT_EQ(exif_time_ms(jpeg), 1'777'612'089'000) << little;
  }
}

TEST(Exif, without_an_offset_is_local_time) {
  setenv("TZ", "Asia/Shanghai", 1);
  tzset();
  const auto local = exif_time_ms(Exif(true).jpeg("2026:05:01 07:08:09", ""));
  const auto told = exif_time_ms(Exif(true).jpeg("2026:05:01 07:08:09", "+08:00"));
  unsetenv("TZ");
  tzset();
  ASSERT_TRUE(local && told);
  EXPECT_EQ(*local, *told);
}

TEST(Exif, of_no_sense_gives_nothing) {
  for (const char* text : {"", "2026", "0000:00:00 00:00:00", "2026:13:01 07:08:09",
                           "2026:05:01 24:08:09", "abcd:05:01 07:08:09", "1969:05:01 07:08:09"})
    EXPECT_FALSE(exif_time_ms(Exif(true).jpeg(text, "+00:00"))) << text;
  EXPECT_FALSE(exif_time_ms({}));
  EXPECT_FALSE(exif_time_ms(Buffer{0xff, 0xd8, 0xff, 0xe1}));
}

TEST(Exif, of_damaged_bytes_is_no_crash) {
  std::mt19937 random(7);
  const Buffer good = Exif(false).jpeg("2026:05:01 07:08:09", "+02:00");
  for (int i = 0; i < 20'000; ++i) {
    Buffer bad = good;
    for (int flips = 0; flips < 3; ++flips)
      bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    bad.resize(random() % 4 == 0 ? random() % bad.size() : bad.size());
    exif_time_ms(bad);
  }
}

TEST(Shape, of_a_phones_photo_may_be_followed_by_more) {
  const Buffer small{0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0,
                     0xff, 0xda, 0,    2,    7, 7,  0xff, 0xd9};
  Buffer more = small;
  more.insert(more.end(), 500, 0x41);
  EXPECT_TRUE(look(small));
  EXPECT_FALSE(look(more));
  EXPECT_TRUE(look(more, {1000, true}));
  EXPECT_EQ(look(more, {100, true}).error(), ShapeError::too_large);
}

}  // namespace
}  // namespace meterlens::photo
