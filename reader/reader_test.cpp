#include "reader/reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "reader/evaluate.h"
#include "reader/fixture.h"
#include "reader/jpeg.h"
#include "reader/nets.h"

namespace meterlens::reader {
namespace {

namespace fs = std::filesystem;
using test::bytes_of;
using test::golden;
using test::golden_displays;
using test::meters;
using test::mirror_image;
using test::models;
using test::other_than;
using test::picture_of;
using test::plain;
using test::rearranged;
using test::shared_reader;
using test::upside_down;

TEST(Reader, ReadsRenderedMeters) {
  const Report report = evaluate(shared_reader(), meters());
  EXPECT_EQ(report.n, 4);
  EXPECT_EQ(report.exact, 4);
  EXPECT_EQ(report.read, 4);
  EXPECT_EQ(report.wrong_while_read, 0);
}

TEST(Reader, ReadsThemAtEveryQuarterTurn) {
  for (const Labelled& photo : meters()) {
    const Picture p = picture_of(photo.file);
    const Picture right = rearranged(p, p.height, p.width,
                                     [&](int x, int y) { return std::pair(y, p.height - 1 - x); });
    const Picture over = upside_down(p);
    for (const Picture* turned : {&right, &over}) {
      const auto digits = shared_reader().read(encode(*turned, 90));
      ASSERT_TRUE(digits.has_value());
      EXPECT_TRUE(is_exact(*digits, photo.accepted)) << photo.file << " gave " << digits->digits;
    }
  }
}

TEST(Reader, FindsTheWindowInPixelsOfThePhoto) {
  for (const Labelled& photo : meters()) {
    const auto digits = shared_reader().read(bytes_of(photo.file));
    const Picture p = picture_of(photo.file);
    ASSERT_TRUE(digits.has_value());
    EXPECT_LT(digits->window[0].x, digits->window[1].x);
    for (const Point& corner : digits->window) {
      EXPECT_GT(corner.x, 0);
      EXPECT_LT(corner.x, p.width);
      EXPECT_GT(corner.y, 0);
      EXPECT_LT(corner.y, p.height);
    }
    EXPECT_EQ(digits->wheels.size(), digits->digits.size());
  }
}

TEST(Reader, AMirroredPhotoIsNeverRead) {
  for (const Labelled& photo : meters()) {
    const Picture mirrored = mirror_image(picture_of(photo.file));
    const auto digits = shared_reader().read(encode(mirrored, 90));
    ASSERT_TRUE(digits.has_value());
    EXPECT_NE(digits->status, Status::read) << photo.file << " gave " << digits->digits;
  }
}

TEST(Reader, ReadsDisplaysEitherWayUp) {
  for (const Labelled& photo : meters(golden_displays)) {
    const Picture p = picture_of(photo.file);
    for (const Picture& seen : {p, upside_down(p)}) {
      const auto digits = shared_reader().read(encode(seen, 90));
      ASSERT_TRUE(digits.has_value());
      EXPECT_EQ(digits->status, Status::read) << photo.file << ": " << name_of(digits->reason);
      EXPECT_EQ(digits->digits, photo.label) << photo.file;
      EXPECT_EQ(digits->red, photo.red) << photo.file;
      EXPECT_EQ(digits->display, Display::lcd) << photo.file;
    }
    const auto mirrored = shared_reader().read(encode(mirror_image(p), 90));
    ASSERT_TRUE(mirrored.has_value());
    EXPECT_NE(mirrored->status, Status::read) << photo.file << " gave " << mirrored->digits;
  }
}

TEST(Reader, WithoutAMeterThereIsNoNumber) {
  Picture noise = plain(640, 480, 0);
  std::uint32_t state = 7;
  for (auto& value : noise.bgr)
    value = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  for (const Picture& picture : {plain(640, 480, 0), plain(640, 480, 255), plain(16, 16, 90),
                                 plain(1, 1, 9), plain(3000, 20, 128), noise}) {
    const auto digits = shared_reader().read(encode(picture, 90));
    ASSERT_TRUE(digits.has_value());
    EXPECT_EQ(digits->status, Status::unreadable)
        << picture.width << "x" << picture.height << digits->digits;
    EXPECT_EQ(digits->confidence, 0);
    EXPECT_NE(digits->reason, Reason::none);
  }
}

TEST(Reader, ACutPhotoIsNeverRead) {
  for (const Labelled& photo : meters()) {
    const auto whole = bytes_of(photo.file);
    for (const std::size_t part : {1UL, 10UL, 50UL, 80UL, 99UL}) {
      const auto digits = shared_reader().read(std::span(whole).first(whole.size() * part / 100));
      if (digits) {
        EXPECT_NE(digits->status, Status::read) << part;
      }
    }
  }
}

TEST(Reader, OtherBytesAreAnErrorNotACrash) {
  const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
  const auto answer = shared_reader().read(std::as_bytes(std::span(png)));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().fault, Fault::not_a_jpeg);
  EXPECT_EQ(answer.error().text, "not a JPEG");
  EXPECT_EQ(shared_reader().read({}).error().fault, Fault::not_a_jpeg);
}

TEST(Reader, AnotherReaderReadsTheSame) {
  Reader other = shared_reader().another();
  const auto jpeg = bytes_of(meters().front().file);
  const auto a = shared_reader().read(jpeg), b = other.read(jpeg);
  ASSERT_TRUE(a.has_value() && b.has_value());
  EXPECT_EQ(a->digits, b->digits);
  EXPECT_EQ(a->confidence, b->confidence);
}

TEST(Reader, TwoMetersAreDoubtfulUnlessOneIsKnown) {
  const std::vector<Labelled> photos = meters();
  const Picture left = picture_of(photos[1].file), right = picture_of(photos[2].file);
  ASSERT_EQ(left.height, right.height);
  Picture both{left.width + right.width, left.height, {}};
  for (int y = 0; y < both.height; ++y)
    for (const Picture* half : {&left, &right}) {
      const auto row = half->bgr.begin() + std::ptrdiff_t{3} * y * half->width;
      both.bgr.insert(both.bgr.end(), row, row + std::ptrdiff_t{3} * half->width);
    }
  const auto jpeg = encode(both, 90);
  const auto digits = shared_reader().read(jpeg);
  ASSERT_TRUE(digits.has_value());
  EXPECT_EQ(digits->status, Status::doubtful);
  EXPECT_EQ(digits->reason, Reason::several_meters);
  EXPECT_TRUE(digits->digits == photos[1].label || digits->digits == photos[2].label);
  for (const std::size_t i : {1UL, 2UL}) {
    Known known;
    known.window = shared_reader().read(bytes_of(photos[i].file))->window;
    if (i == 2)
      for (Point& corner : *known.window) corner.x += left.width;
    const auto chosen = shared_reader().read(jpeg, known);
    ASSERT_TRUE(chosen.has_value());
    EXPECT_EQ(chosen->status, Status::read);
    EXPECT_EQ(chosen->digits, photos[i].label);
  }
}

TEST(Reader, AKnownLayoutGivesTheSameDigits) {
  for (const Labelled& photo : meters()) {
    const auto jpeg = bytes_of(photo.file);
    const auto first = shared_reader().read(jpeg);
    ASSERT_TRUE(first.has_value());
    Known known{first->window, static_cast<int>(first->digits.size()), first->red, {}};
    const auto again = shared_reader().read(jpeg, known);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->status, Status::read);
    EXPECT_TRUE(is_exact(*again, photo.accepted)) << photo.file << " gave " << again->digits;
    EXPECT_EQ(again->red, first->red);
    known.wheels = 0, known.red = -1;
    EXPECT_TRUE(is_exact(*shared_reader().read(jpeg, known), photo.accepted)) << photo.file;
  }
}

// A progressive photo has the same pixels, but none of its parts is decoded alone.
TEST(Reader, OfAKnownMeterAPartSaysWhatTheWholePhotoSays) {
  constexpr int left = 190, top = 730;
  for (const Labelled& photo : meters()) {
    const Picture small = picture_of(photo.file);
    const Picture large = rearranged(small, 960, 1440, [&](int x, int y) {
      return std::pair{std::clamp(x - left, 0, small.width - 1),
                       std::clamp(y - top, 0, small.height - 1)};
    });
    const auto baseline = test::encode_as(large, {.name = "baseline"});
    const auto progressive = test::encode_as(large, {.name = "progressive", .progressive = true});
    const auto first = shared_reader().read(progressive);
    ASSERT_TRUE(first.has_value());
    ASSERT_EQ(first->status, Status::read) << photo.file;
    for (const int wheels : {0, static_cast<int>(first->digits.size())}) {
      const Known known{first->window, wheels, first->red, {}};
      const auto part = shared_reader().read(baseline, known);
      const auto whole = shared_reader().read(progressive, known);
      ASSERT_TRUE(part && whole);
      EXPECT_EQ(part->status, Status::read);
      EXPECT_EQ(part->digits, whole->digits);
      EXPECT_NEAR(part->confidence, whole->confidence, 1e-3);
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(part->window[i].x, whole->window[i].x, 0.05);
        EXPECT_NEAR(part->window[i].y, whole->window[i].y, 0.05);
      }
      const auto most = std::span(baseline).first(baseline.size() - 300);
      const auto cut = shared_reader().read(most, known);
      ASSERT_TRUE(cut.has_value());
      EXPECT_EQ(cut->status, Status::doubtful);
      EXPECT_EQ(cut->reason, Reason::damaged);
    }
  }
}

TEST(Reader, AFollowedMeterIsReadByItsWheelsAloneWhereTheyAreClear) {
  int alone = 0;
  for (const Labelled& photo : meters()) {
    const auto jpeg = bytes_of(photo.file);
    const auto first = shared_reader().read(jpeg);
    ASSERT_TRUE(first.has_value());
    const Known known{first->window, static_cast<int>(first->digits.size()), first->red,
                      Earlier{first->digits, first->certain, 1, 20}};
    const auto again = shared_reader().read(jpeg, known);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->status, Status::read);
    EXPECT_TRUE(is_exact(*again, photo.accepted)) << photo.file << " gave " << again->digits;
    EXPECT_EQ(again->red, first->red);
    alone += std::ranges::all_of(again->wheels,
                                 [](const Wheel& wheel) { return wheel.odds[0] == 0; });
  }
  EXPECT_GT(alone, 0);
}

TEST(Reader, AWrongLayoutIsNotBelieved) {
  const double nan = std::nan("");
  for (const Labelled& photo : meters()) {
    const auto jpeg = bytes_of(photo.file);
    const Quad right = shared_reader().read(jpeg)->window;
    Quad shifted = right;
    for (Point& corner : shifted) corner.x += 0.4 * (right[1].x - right[0].x);
    for (const Quad& window :
         {shifted, turned(right), Quad{Point{10, 10}, {60, 10}, {60, 30}, {10, 30}}, Quad{},
          Quad{Point{nan, 0}, {5, nan}, {1, 1}, {0, 1}},
          Quad{Point{-1e300, 0}, {1e300, 0}, {1e300, 1e300}, {0, 1}}}) {
      const auto digits =
          shared_reader().read(jpeg, Known{window, static_cast<int>(photo.label.size()), 0, {}});
      ASSERT_TRUE(digits.has_value());
      EXPECT_TRUE(is_exact(*digits, photo.accepted)) << photo.file << " gave " << digits->digits;
    }
    const auto fewer =
        shared_reader().read(jpeg, Known{right, static_cast<int>(photo.label.size()) - 1, 0, {}});
    EXPECT_TRUE(is_exact(*fewer, photo.accepted)) << photo.file << " gave " << fewer->digits;
  }
}

// An earlier reading with a wheel too few or too many, which is laid out between the real ones.
TEST(Reader, AWrongNumberOfKnownWheelsIsNeverRead) {
  for (const Labelled& photo : meters()) {
    const auto jpeg = bytes_of(photo.file);
    const Quad window = shared_reader().read(jpeg)->window;
    for (std::size_t i = 0; i < photo.label.size(); ++i)
      for (const std::size_t copies : {0U, 2U}) {
        std::string digits = photo.label;
        digits.replace(i, 1, copies, photo.label[i]);
        const auto count = static_cast<int>(digits.size());
        const Known known{window, count, 0, Earlier{digits, count, 1, 30}};
        const auto read = shared_reader().read(jpeg, known);
        ASSERT_TRUE(read.has_value());
        EXPECT_FALSE(is_wrong_while_read(*read, photo.accepted))
            << photo.file << " as " << digits << " gave " << read->digits;
      }
  }
}

TEST(Reader, ReadsOneWheel) {
  const Labelled photo = meters()[1];
  const Picture p = picture_of(photo.file);
  const auto digits = shared_reader().read(bytes_of(photo.file));
  const Quad& w = digits->window;
  const double wheels = static_cast<double>(photo.label.size());
  for (std::size_t i = 0; i < photo.label.size(); ++i) {
    Picture wheel = rearranged(p, 40, 60, [&](int x, int y) {
      const double u = (static_cast<double>(i) + (x + 0.5) / 40) / wheels, v = (y + 0.5) / 60;
      const auto at = [&](double Point::*c) {
        return (1 - v) * ((1 - u) * w[0].*c + u * w[1].*c) + v * ((1 - u) * w[3].*c + u * w[2].*c);
      };
      return std::pair(static_cast<int>(at(&Point::x)), static_cast<int>(at(&Point::y)));
    });
    const auto read = shared_reader().read_wheel(encode(wheel, 90));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->digit, photo.label[i]) << i;
    EXPECT_LT(std::abs(std::remainder(read->position - (photo.label[i] - '0'), 10)), 0.5) << i;
    for (auto& value : wheel.bgr) value = static_cast<std::uint8_t>(255 - value);
    const auto negative = shared_reader().read_wheel(encode(wheel, 90));
    ASSERT_TRUE(negative.has_value());
    EXPECT_LT(std::abs(std::remainder(negative->position - read->position, 10)), 0.1) << i;
  }
  EXPECT_EQ(shared_reader().read_wheel({}).error().fault, Fault::not_a_jpeg);
}

TEST(Models, AMissingOrDamagedFileIsAClearErrorAtStart) {
  const auto missing = Reader::open("no/such/folder");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().fault, Fault::model_missing);
  EXPECT_NE(missing.error().text.find("no/such/folder/locator.onnx"), std::string::npos);
  const fs::path copy = fs::path(testing::TempDir()) / "models";
  for (const char* name : model_names) {
    fs::remove_all(copy);
    fs::copy(models, copy);
    fs::resize_file(copy / name, fs::file_size(copy / name) / 2);
    const auto cut = Reader::open(copy);
    ASSERT_FALSE(cut.has_value()) << name;
    EXPECT_EQ(cut.error().fault, Fault::model_damaged);
    EXPECT_NE(cut.error().text.find(name), std::string::npos);
    fs::copy_file(models / other_than(name), copy / name, fs::copy_options::overwrite_existing);
    EXPECT_EQ(Reader::open(copy).error().fault, Fault::model_damaged) << "another net as " << name;
  }
}

TEST(Json, HasTheAgreedFields) {
  Digits digits;
  digits.status = Status::read;
  digits.reason = Reason::none;
  digits.digits = "00195419", digits.certain = 8, digits.value = "195.419", digits.red = 3;
  digits.confidence = 0.98712, digits.ms = 4.13;
  const std::string line = to_json_line("a\"\xff.jpg", digits);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["status"], "read");
  EXPECT_EQ(json["digits"], "00195419");
  EXPECT_EQ(json["certain"], 8);
  EXPECT_EQ(json["value"], "195.419");
  EXPECT_EQ(json["red"], 3);
  EXPECT_EQ(json["confidence"], 0.987);
  EXPECT_EQ(json["window"].size(), 4);
  EXPECT_EQ(json["ms"], 4.1);
  EXPECT_EQ(to_json_line("b.png", Error{Fault::not_a_jpeg, "not a JPEG"}),
            R"({"file":"b.png","status":"error","error":"not a JPEG"})");
}

TEST(Evaluate, ReadsLabelsAsTheyAreWritten) {
  const fs::path csv = fs::path(testing::TempDir()) / "labels.csv";
  std::ofstream(csv) << "file,x,label,all_accepted\r\na.jpg,\"1,\"\"2\",00012,00012 "
                        "00013\r\nb.jpg,,,\nc.jpg,,40012,\n";
  const auto all = labels_of(csv), some = labels_of(csv, "^4");
  ASSERT_TRUE(all.has_value() && some.has_value());
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->front().accepted, (std::vector<std::string>{"00012", "00013"}));
  EXPECT_EQ(all->front().file, csv.parent_path() / "a.jpg");
  ASSERT_EQ(some->size(), 1U);
  EXPECT_EQ(some->front().label, "40012");
  EXPECT_FALSE(labels_of(csv, "(").has_value());
  EXPECT_FALSE(labels_of(csv.parent_path() / "none.csv").has_value());
  const Report report = evaluate(shared_reader(), *all);
  EXPECT_EQ(report.errors, 2);
  EXPECT_EQ(report.exact, 0);
}

TEST(Evaluate, AWrongCertainWheelCountsAnUncertainOneDoesNot) {
  Digits digits;
  digits.status = Status::read;
  digits.digits = "00538", digits.certain = 4;
  EXPECT_TRUE(is_exact(digits, {"00537", "00538"}));
  EXPECT_FALSE(is_wrong_while_read(digits, {"00539"}));
  EXPECT_TRUE(is_wrong_while_read(digits, {"00548"}));
  EXPECT_TRUE(is_wrong_while_read(digits, {"0053"}));
  digits.status = Status::doubtful;
  EXPECT_FALSE(is_wrong_while_read(digits, {"99999"}));
}

}  // namespace
}  // namespace meterlens::reader
