#include "reader/jpeg.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "reader/fixture.h"

namespace meterlens::reader {
namespace {

using test::with_turn;

Picture noise(int width, int height) {
  Picture picture{width, height, {}};
  std::uint32_t state = 1;
  for (int i = 0; i < width * height * 3; ++i)
    picture.bgr.push_back(static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24));
  return picture;
}

std::vector<std::byte> raw(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(Jpeg, AWholePhotoPasses) {
  const auto info = check_whole(encode(noise(64, 48), 80));
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->width, 64);
  EXPECT_EQ(info->height, 48);
  EXPECT_EQ(info->turn, 1);
}

TEST(Jpeg, ACutPhotoFailsWhereverItIsCut) {
  const auto whole = encode(noise(64, 48), 80);
  for (std::size_t size = 0; size < whole.size(); size += 7)
    EXPECT_FALSE(check_whole(std::span(whole).first(size)).has_value()) << size;
}

TEST(Jpeg, AnEndMarkerGluedToAHalfIsNotEnough) {
  auto half = encode(noise(64, 48), 80);
  half.resize(half.size() / 2);
  for (const std::byte b : raw({0xFF, 0xD9})) half.push_back(b);
  const auto info = check_whole(half);
  ASSERT_FALSE(info.has_value());
  EXPECT_EQ(info.error().fault, Fault::damaged_jpeg);
}

TEST(Jpeg, APieceMissingOrTwoPiecesSwappedFail) {
  const auto whole = encode(noise(160, 120), 80);
  const auto third = static_cast<std::ptrdiff_t>(whole.size() / 3);
  auto missing = whole, swapped = whole;
  missing.erase(missing.begin() + third, missing.begin() + third + 1024);
  EXPECT_FALSE(check_whole(missing).has_value());
  std::swap_ranges(swapped.begin() + third, swapped.begin() + third + 1024,
                   swapped.begin() + third + 2048);
  EXPECT_FALSE(check_whole(swapped).has_value());
}

TEST(Jpeg, ZerosAfterTheEndAreLetThroughOtherBytesAreNot) {
  auto padded = encode(noise(32, 32), 80);
  padded.resize(padded.size() + 100);
  EXPECT_TRUE(check_whole(padded).has_value());
  padded.push_back(std::byte{7});
  EXPECT_FALSE(check_whole(padded).has_value());
}

TEST(Jpeg, OtherFilesAreCalledNoJpeg) {
  const auto png = raw({0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13});
  for (const auto& bytes : {png, raw({}), raw({0xFF}), raw({0xFF, 0xD8})}) {
    EXPECT_EQ(check_whole(bytes).error().fault, Fault::not_a_jpeg);
    EXPECT_EQ(decode(bytes, 100).error().fault, Fault::not_a_jpeg);
  }
}

TEST(Jpeg, ALyingHeaderIsRefusedBeforeItCostsMemory) {
  auto huge = encode(noise(32, 32), 80);
  for (std::size_t i = 2; i + 9 < huge.size(); ++i) {
    if (huge[i] != std::byte{0xFF} || huge[i + 1] != std::byte{0xC0}) continue;
    huge[i + 5] = huge[i + 7] = std::byte{0xFF};  // 65,280 pixels and more each way
    break;
  }
  EXPECT_EQ(check_whole(huge).error().fault, Fault::too_large);
  EXPECT_EQ(decode(huge, 100).error().fault, Fault::too_large);
}

TEST(Jpeg, LargePhotosAreDecodedReduced) {
  const auto decoded = decode(encode(noise(800, 400), 80), 200);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->reduced_by, 4);
  EXPECT_EQ(decoded->picture.width, 200);
  EXPECT_EQ(decoded->picture.height, 100);
  EXPECT_FALSE(decoded->damaged);
}

TEST(Jpeg, ADamagedPhotoIsShownAndSaysSo) {
  auto half = encode(noise(64, 48), 80);
  half.resize(half.size() / 2);
  const auto decoded = decode(half, 100);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_TRUE(decoded->damaged);
}

TEST(Jpeg, ExifOrientationTurnsThePicture) {
  Picture corner{32, 16, std::vector<std::uint8_t>(32 * 16 * 3, 20)};
  for (std::size_t y = 0; y < 8; ++y)
    for (std::size_t x = 0; x < 24; ++x) corner.bgr[y * 96 + x] = 230;  // bright at the top left
  const auto jpeg = encode(corner, 95);
  struct Case {
    int turn, width;
    bool right, bottom;
  };
  for (const Case& c :
       {Case{1, 32, false, false}, Case{2, 32, true, false}, Case{3, 32, true, true},
        Case{4, 32, false, true}, Case{5, 16, false, false}, Case{6, 16, true, false},
        Case{7, 16, true, true}, Case{8, 16, false, true}}) {
    const auto decoded = decode(with_turn(jpeg, c.turn), 100);
    ASSERT_TRUE(decoded.has_value()) << c.turn;
    const Picture& p = decoded->picture;
    EXPECT_EQ(p.width, c.width) << c.turn;
    const int x = c.right ? p.width - 3 : 2, y = c.bottom ? p.height - 3 : 2;
    EXPECT_GT(p.bgr[static_cast<std::size_t>(y * p.width + x) * 3], 120) << c.turn;
  }
}

// A smooth picture, so that decoders may differ in how they spread the colours out.
Picture slopes(int width, int height) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int value : {40 + 150 * x / width, 200 - 150 * y / height, 60 + 90 * y / height})
        picture.bgr.push_back(static_cast<std::uint8_t>(value));
  return picture;
}

std::vector<std::byte> encode_as(const Picture& picture, int format, int subsampling, int flags) {
  const tjhandle turbo = tjInitCompress();
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  std::vector<unsigned char> rows;
  for (std::size_t i = 0; i < picture.bgr.size(); ++i) {
    if (format == TJPF_CMYK && i % 3 == 0 && i > 0) rows.push_back(255);
    rows.push_back(picture.bgr[format == TJPF_CMYK ? i / 3 * 3 + 2 - i % 3 : i]);
  }
  if (format == TJPF_CMYK) rows.push_back(255);
  EXPECT_EQ(tjCompress2(turbo, rows.data(), picture.width, 0, picture.height, format, &buffer,
                        &size, subsampling, 95, flags),
            0);
  const auto* bytes = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> jpeg(bytes, bytes + size);
  tjFree(buffer);
  tjDestroy(turbo);
  return jpeg;
}

double plane_at(const Photo& photo, std::size_t plane, int x, int y) {
  const Plane& p = photo.planes[plane];
  if (p.rows.empty()) return 128;
  if (plane > 0) x /= photo.across, y /= photo.down;
  EXPECT_LT(x, p.width);
  EXPECT_LT(y, p.height);
  return p.rows[static_cast<std::size_t>(y * p.stride + x)];
}

void expect_same(const Photo& photo, const Picture& picture) {
  ASSERT_EQ(photo.planes[0].width, picture.width);
  ASSERT_EQ(photo.planes[0].height, picture.height);
  // As much as the slope changes from one colour pixel to the next.
  const double off = 4 + 150.0 * photo.across / picture.width + 150.0 * photo.down / picture.height;
  for (int y = 0; y < picture.height; y += 5)
    for (int x = 0; x < picture.width; x += 5) {
      const auto* bgr = &picture.bgr[static_cast<std::size_t>((y * picture.width + x) * 3)];
      const double luma = plane_at(photo, 0, x, y), cb = plane_at(photo, 1, x, y) - 128,
                   cr = plane_at(photo, 2, x, y) - 128;
      EXPECT_NEAR(luma + 1.772 * cb, bgr[0], off) << x << " " << y;
      EXPECT_NEAR(luma - 0.344 * cb - 0.714 * cr, bgr[1], off) << x << " " << y;
      EXPECT_NEAR(luma + 1.402 * cr, bgr[2], off) << x << " " << y;
    }
}

TEST(Jpeg, PlanesShowWhatThePictureShows) {
  struct Case {
    int format, subsampling, flags;
  };
  Photo photo;  // one for all, as in a reader
  for (const Case& c :
       {Case{TJPF_BGR, TJSAMP_444, 0}, Case{TJPF_BGR, TJSAMP_422, 0}, Case{TJPF_BGR, TJSAMP_420, 0},
        Case{TJPF_BGR, TJSAMP_GRAY, 0}, Case{TJPF_BGR, TJSAMP_440, 0},
        Case{TJPF_BGR, TJSAMP_411, 0}, Case{TJPF_CMYK, TJSAMP_444, 0},
        Case{TJPF_CMYK, TJSAMP_420, 0}, Case{TJPF_BGR, TJSAMP_420, TJFLAG_PROGRESSIVE}}) {
    const auto jpeg = encode_as(slopes(331, 203), c.format, c.subsampling, c.flags);
    for (const int turn : {1, 2, 3, 4, 5, 6, 7, 8})
      for (const int side_min : {1000, 160, 80, 40}) {
        SCOPED_TRACE(testing::Message() << c.format << " " << c.subsampling << " turn " << turn
                                        << " from " << side_min);
        const auto turned = with_turn(jpeg, turn);
        const auto picture = decode(turned, side_min);
        ASSERT_TRUE(picture.has_value());
        ASSERT_TRUE(decode_planes(turned, side_min, photo).has_value());
        EXPECT_EQ(photo.reduced_by, picture->reduced_by);
        EXPECT_FALSE(photo.damaged);
        expect_same(photo, picture->picture);
      }
  }
}

TEST(Jpeg, BytesThatFillBeforeAMarkerHideNoOrientation) {
  auto jpeg = with_turn(encode(slopes(320, 200), 90), 6);
  jpeg.insert(jpeg.begin() + 2, 2, std::byte{0xFF});
  const auto decoded = decode(jpeg, 1000);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().text;
  EXPECT_EQ(decoded->picture.width, 200);
  EXPECT_EQ(check_whole(jpeg)->turn, 6);
}

// A few bytes each, all of which would go through all pixels.
TEST(Jpeg, ScansWithoutEndAreRefused) {
  const auto jpeg = encode_as(slopes(320, 200), TJPF_BGR, TJSAMP_420, TJFLAG_PROGRESSIVE);
  const std::array scan{std::byte{0xFF}, std::byte{0xDA}, std::byte{0}};
  const auto last = std::ranges::find_end(jpeg, scan).begin();
  auto bomb = jpeg;
  for (int i = 0; i < 120; ++i)
    bomb.insert(bomb.end() - 2, last, jpeg.end() - 2);
  EXPECT_TRUE(decode(jpeg, 1000).has_value());
  for (const auto& answer : {decode(bomb, 1000).error(), check_whole(bomb).error()}) {
    EXPECT_EQ(answer.fault, Fault::damaged_jpeg);
    EXPECT_NE(answer.text.find("scans"), std::string::npos) << answer.text;
  }
}

TEST(Jpeg, PlanesOfADamagedPhotoShowNothingOfTheOneBefore) {
  const auto whole = encode(slopes(320, 200), 90);
  const std::span half = std::span(whole).first(whole.size() / 2);
  Photo fresh, used;
  ASSERT_TRUE(decode_planes(encode(noise(320, 200), 90), 1000, used).has_value());
  ASSERT_TRUE(decode_planes(half, 1000, fresh).has_value());
  ASSERT_TRUE(decode_planes(half, 1000, used).has_value());
  EXPECT_TRUE(used.damaged);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(fresh.planes[i].rows, used.planes[i].rows);
  EXPECT_EQ(decode_planes({}, 1000, used).error().fault, Fault::not_a_jpeg);
}

// Of the planes of a whole photo what a part must hold.
void expect_part_of(const Photo& whole, const Photo& part, const Point& origin) {
  ASSERT_EQ(part.across, whole.across);
  ASSERT_EQ(part.down, whole.down);
  const int left = static_cast<int>(origin.x), top = static_cast<int>(origin.y);
  for (std::size_t i = 0; i < 3; ++i) {
    const Plane &all = whole.planes[i], &some = part.planes[i];
    ASSERT_EQ(some.rows.empty(), all.rows.empty());
    if (all.rows.empty()) continue;
    const int across = i == 0 ? 1 : whole.across, down = i == 0 ? 1 : whole.down;
    ASSERT_LE(left / across + some.width, all.width);
    ASSERT_LE(top / down + some.height, all.height);
    for (int y = 0; y < some.height; ++y)
      for (int x = 0; x < some.width; ++x)
        ASSERT_EQ(some.rows[static_cast<std::size_t>(y * some.stride + x)],
                  all.rows[static_cast<std::size_t>((top / down + y) * all.stride +
                                                    left / across + x)])
            << "plane " << i << " at " << x << ", " << y;
  }
}

TEST(Jpeg, APartIsWhatTheWholePhotoShowsThere) {
  Photo whole, part;
  for (const int subsampling : {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_GRAY, TJSAMP_440,
                                TJSAMP_411}) {
    const auto jpeg = encode_as(noise(451, 333), TJPF_BGR, subsampling, 0);
    ASSERT_TRUE(decode_planes(jpeg, 1000, whole).has_value());
    for (const Part& wanted : {Part{70.5, 70, 300, 150}, Part{-50, -1e9, 100, 64},
                               Part{0, 200, 1e9, 1e9}, Part{400, 260, 451, 333}}) {
      SCOPED_TRACE(testing::Message() << subsampling << " from " << wanted.left);
      const auto origin = decode_part(jpeg, 1000, wanted, part);
      ASSERT_TRUE(origin.has_value());
      EXPECT_LE(origin->x, std::max(0.0, wanted.left));
      EXPECT_LE(origin->y, std::max(0.0, wanted.top));
      EXPECT_GE(origin->x + part.planes[0].width, std::min(451.0, wanted.right));
      EXPECT_GE(origin->y + part.planes[0].height, std::min(333.0, wanted.bottom));
      expect_part_of(whole, part, *origin);
    }
  }
}

// Stray bytes before an end marker that comes too early are no harmless ones.
TEST(Jpeg, APhotoThatEndsAtARestartMarkerIsDamaged) {
  ASSERT_EQ(setenv("TJ_RESTART", "1", 1), 0);  // after each line of blocks
  const auto whole = encode_as(noise(400, 640), TJPF_BGR, TJSAMP_420, 0);
  ASSERT_EQ(unsetenv("TJ_RESTART"), 0);
  std::vector<std::size_t> restarts;
  for (std::size_t at = 0; at + 1 < whole.size(); ++at)
    if (whole[at] == std::byte{0xFF} && (whole[at + 1] & std::byte{0xF8}) == std::byte{0xD0})
      restarts.push_back(at);
  ASSERT_EQ(restarts.size(), 39U);
  EXPECT_TRUE(check_whole(whole).has_value());
  Photo photo;
  for (const std::size_t stray : {0U, 1U, 2U, 16U}) {
    auto cut = whole;
    cut.resize(restarts[20]);
    cut.insert(cut.end(), stray, std::byte{0x12});
    cut.insert(cut.end(), {std::byte{0xFF}, std::byte{0xD9}});
    EXPECT_FALSE(check_whole(cut).has_value()) << stray;
    ASSERT_TRUE(decode_planes(cut, 1000, photo).has_value()) << stray;
    EXPECT_TRUE(photo.damaged) << stray;
  }
  auto stray = whole;
  stray.insert(stray.end() - 2, 3, std::byte{0x12});
  EXPECT_TRUE(check_whole(stray).has_value()) << "every pixel is there";
}

TEST(Jpeg, NoPartIsTakenOfAPhotoThatIsDamagedAnywhere) {
  const auto whole = encode(noise(400, 640), 80);
  const Part middle{100, 200, 300, 300};
  Photo photo;
  ASSERT_TRUE(decode_part(whole, 1000, middle, photo).has_value());
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 40)
    EXPECT_FALSE(decode_part(std::span(whole).first(size), 1000, middle, photo)) << size;
  for (const std::size_t at : {whole.size() / 8, whole.size() / 2, whole.size() * 7 / 8}) {
    auto missing = whole;
    const auto first = missing.begin() + static_cast<std::ptrdiff_t>(at);
    missing.erase(first, first + 1024);
    EXPECT_FALSE(decode_part(missing, 1000, middle, photo)) << at;
  }
}

TEST(Jpeg, NoPartIsTakenWhereThatCannotBeDoneOrSavesNothing) {
  const Picture picture = noise(400, 640);
  const auto plain = encode(picture, 80);
  const Part middle{100, 200, 300, 300};
  Photo photo;
  for (int turn = 2; turn <= 8; ++turn)
    EXPECT_FALSE(decode_part(with_turn(plain, turn), 1000, middle, photo)) << turn;
  EXPECT_FALSE(decode_part(plain, 320, middle, photo)) << "to be reduced";
  EXPECT_FALSE(decode_part(encode_as(picture, TJPF_CMYK, TJSAMP_444, 0), 1000, middle, photo));
  EXPECT_FALSE(decode_part(encode_as(picture, TJPF_BGR, TJSAMP_420, TJFLAG_PROGRESSIVE), 1000,
                           middle, photo));
  for (const Part& part : {Part{0, 0, 400, 640}, Part{0, 700, 400, 900}, Part{-9, 10, -1, 90},
                           Part{300, 300, 100, 200}, Part{}})
    EXPECT_FALSE(decode_part(plain, 1000, part, photo)) << part.left << " " << part.top;
  EXPECT_FALSE(decode_part({}, 1000, middle, photo));
}

}  // namespace
}  // namespace meterlens::reader
