#include "server/photo/assembler.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "server/ingest/decoder.h"
#include "server/ingest/recording.h"

namespace meterlens::photo {
namespace {

using ingest::testing::read_golden;
using metrics::Count;
using Order = std::vector<int>;

constexpr int end_mark = -1;
constexpr std::int64_t period_ms = 1390;

std::vector<Piece> golden_pieces() {
  const std::string photo = read_golden("capture_8k.jpg");
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < photo.size(); at += stock_piece_bytes) {
    const std::string part = photo.substr(at, stock_piece_bytes);
    pieces.emplace_back(part.begin(), part.end());
  }
  return pieces;
}

Order in_order(std::size_t count) {
  Order order(count);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

// A meter-like picture: a dial with soft shadow, a window, dark wheels with bright bars.
std::vector<Piece> drawn_pieces() {
  constexpr int width = 640, height = 480;
  std::vector<std::uint8_t> gray(std::size_t{width} * height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double dx = x - 300.0, dy = y - 250.0;
      const double away = std::sqrt(dx * dx + dy * dy);
      double level =
          away < 210 ? 190 - away / 4 : 90 + 25 * std::sin(x / 37.0) * std::cos(y / 51.0);
      const bool window = x > 160 && x < 460 && y > 200 && y < 280;
      if (window) level = (x / 10 + y / 14) % 3 == 0 ? 220 : 40;
      level += (x * 7919 + y * 104'729) % 13;  // sensor noise
      gray[static_cast<std::size_t>(y * width + x)] = static_cast<std::uint8_t>(level);
    }
  }
  const tjhandle encoder = tjInitCompress();
  unsigned char* jpeg = nullptr;
  unsigned long bytes = 0;
  EXPECT_EQ(tjCompress2(encoder, gray.data(), width, 0, height, TJPF_GRAY, &jpeg, &bytes,
                        TJSAMP_GRAY, 80, 0),
            0);
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < bytes; at += stock_piece_bytes)
    pieces.emplace_back(jpeg + at, jpeg + std::min<std::size_t>(at + stock_piece_bytes, bytes));
  tjFree(jpeg);
  tjDestroy(encoder);
  return pieces;
}

class AssemblerTest : public ::testing::Test {
 public:
  explicit AssemblerTest(std::vector<Piece> pieces = golden_pieces())
      : pieces_(std::move(pieces)), photo_(join(pieces_)) {}

 protected:
  // Plays pieces (by number) and end marks, one a piece period, then lets everything run out.
  AssemblerOutput play(const Order& order, const std::string& file = "capture_1.jpg") {
    for (const int index : order) {
      now_ += period_ms;
      assembler_.tick(now_);
      if (index == end_mark) {
        assembler_.end("d", {file, {}, {}, {}}, now_);
      } else {
        assembler_.piece("d", piece(file, static_cast<std::size_t>(index)), now_);
      }
    }
    return run_out();
  }
  AssemblerOutput run_out() {
    for (int i = 0; i < 40; ++i) assembler_.tick(now_ += 500);
    EXPECT_EQ(assembler_.photos_in_flight(), 0u);
    EXPECT_EQ(assembler_.bytes_in_flight(), 0u);
    return assembler_.take();
  }
  ingest::SmartPiece piece(const std::string& file, std::size_t index) const {
    return {file, pieces_[index], {}, {}, {}};
  }
  ingest::SmartPiece numbered(std::size_t index) const {
    return {"n.jpg", pieces_[index], static_cast<std::uint32_t>(index),
            static_cast<std::uint32_t>(pieces_.size()), static_cast<std::uint32_t>(photo_.size())};
  }
  ingest::SmartEnd numbered_end() const {
    return {"n.jpg", static_cast<std::uint32_t>(pieces_.size()),
            static_cast<std::uint32_t>(photo_.size()), protocol::sha256(photo_)};
  }
  void expect_whole(const AssemblerOutput& output) {
    ASSERT_EQ(output.photos.size(), 1u);
    EXPECT_EQ(output.photos[0].state, PhotoState::stored) << output.photos[0].reason;
    EXPECT_EQ(output.photos[0].bytes, photo_);
    EXPECT_TRUE(output.failures.empty());
  }
  static void expect_quarantined(const AssemblerOutput& output) {
    ASSERT_EQ(output.photos.size(), 1u);
    EXPECT_EQ(output.photos[0].state, PhotoState::quarantined);
    EXPECT_FALSE(output.photos[0].reason.empty());
  }

  const std::vector<Piece> pieces_;
  const std::vector<std::uint8_t> photo_;
  metrics::Metrics metrics_;
  Assembler assembler_{AssemblerLimits{}, metrics_};
  std::int64_t now_ = 1'000'000;
};

// A row of the table of faults: what happens to the pieces and the end mark on their way.
struct Arrival {
  const char* name;
  void (*happen)(Order& order);
  bool whole;
};
class ArrivalTest : public AssemblerTest, public ::testing::WithParamInterface<Arrival> {
 public:
  ArrivalTest() : AssemblerTest(drawn_pieces()) {}
};

TEST_P(ArrivalTest, is_judged_right) {
  Order order = in_order(pieces_.size());
  order.push_back(end_mark);
  GetParam().happen(order);
  const AssemblerOutput output = play(order);
  if (GetParam().whole) {
    expect_whole(output);
  } else {
    expect_quarantined(output);
  }
}

void lose(Order& order, std::ptrdiff_t at) { order.erase(order.begin() + at); }
void twice(Order& order, std::ptrdiff_t at, std::ptrdiff_t later) {
  order.insert(order.begin() + at + later, order[static_cast<std::size_t>(at)]);
}
void late(Order& order, std::ptrdiff_t at, std::ptrdiff_t by) {
  const auto first = order.begin() + at;
  std::rotate(first, first + 1, first + 1 + by);
}
std::ptrdiff_t last(const Order& order) { return static_cast<std::ptrdiff_t>(order.size()) - 2; }

INSTANTIATE_TEST_SUITE_P(
    FaultTable, ArrivalTest,
    ::testing::Values(
        Arrival{"in_order", [](Order&) {}, true},
        Arrival{"end_mark_missing", [](Order& o) { o.pop_back(); }, true},
        Arrival{"end_mark_twice", [](Order& o) { o.push_back(end_mark); }, true},
        Arrival{"end_mark_one_early", [](Order& o) { late(o, last(o), 1); }, true},
        Arrival{"end_mark_two_early",
                [](Order& o) { late(o, last(o) - 1, 2), late(o, last(o) - 1, 2); }, true},
        Arrival{"first_two_swapped", [](Order& o) { late(o, 0, 1); }, true},
        Arrival{"last_two_swapped", [](Order& o) { late(o, last(o) - 1, 1); }, true},
        Arrival{"middle_swapped", [](Order& o) { late(o, 10, 1); }, true},
        Arrival{"one_late_by_two", [](Order& o) { late(o, 9, 2); }, true},
        Arrival{"swapped_and_end_early", [](Order& o) { late(o, 8, 1), late(o, last(o), 1); },
                true},
        Arrival{"one_doubled", [](Order& o) { twice(o, 7, 1); }, true},
        Arrival{"one_doubled_later", [](Order& o) { twice(o, 7, 4); }, true},
        Arrival{"two_doubled", [](Order& o) { twice(o, 3, 1), twice(o, 9, 2); }, true},
        Arrival{"first_lost", [](Order& o) { lose(o, 0); }, false},
        Arrival{"middle_lost", [](Order& o) { lose(o, 11); }, false},
        Arrival{"last_lost", [](Order& o) { lose(o, last(o)); }, false},
        Arrival{"last_and_end_lost", [](Order& o) { o.resize(o.size() - 2); }, false},
        Arrival{"one_lost_one_doubled", [](Order& o) { twice(o, 7, 1), lose(o, 12); }, false},
        Arrival{"reversed", [](Order& o) { std::reverse(o.begin(), o.end() - 1); }, false}),
    [](const auto& c) { return c.param.name; });

// What the assembler makes of these pieces and an end mark.
Photo judged(const std::vector<Piece>& pieces, const Order& order, metrics::Metrics& metrics) {
  Assembler assembler(AssemblerLimits{}, metrics);
  for (const int index : order)
    assembler.piece("d", {"a.jpg", pieces[static_cast<std::size_t>(index)], {}, {}, {}}, 0);
  assembler.end("d", {"a.jpg", {}, {}, {}}, 0);
  assembler.tick(10'000);
  AssemblerOutput output = assembler.take();
  EXPECT_EQ(output.photos.size(), 1u);
  return output.photos.empty() ? Photo{} : std::move(output.photos[0]);
}

TEST_F(AssemblerTest, every_lost_piece_is_seen) {
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    Order lost = in_order(pieces_.size());
    lost.erase(lost.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(judged(pieces_, lost, metrics_).state, PhotoState::quarantined) << i;
  }
}

TEST_F(AssemblerTest, no_swap_of_neighbours_passes_as_good) {
  const std::vector<Piece> pieces = drawn_pieces();
  ASSERT_GT(pieces.size(), 20u);
  const std::vector<std::uint8_t> truth = join(pieces);
  EXPECT_EQ(judged(pieces, in_order(pieces.size()), metrics_).bytes, truth);
  int decodes = 0, repaired = 0;
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
    Order order = in_order(pieces.size());
    std::swap(order[i], order[i + 1]);
    std::vector<Piece> swapped = pieces;
    std::swap(swapped[i], swapped[i + 1]);
    decodes += check_whole(join(swapped)).empty() ? 1 : 0;
    const Photo photo = judged(pieces, order, metrics_);
    repaired += photo.bytes == truth ? 1 : 0;
    EXPECT_TRUE(photo.bytes == truth || photo.state == PhotoState::quarantined) << i;
  }
  // Otherwise this test would prove nothing.
  EXPECT_GT(decodes, 0);
  EXPECT_GT(repaired, static_cast<int>(pieces.size()) / 2);
}

TEST_F(AssemblerTest, an_end_mark_alone_is_a_failed_shot) {
  const AssemblerOutput output = play({end_mark});
  EXPECT_TRUE(output.photos.empty());
  ASSERT_EQ(output.failures.size(), 1u);
  EXPECT_EQ(output.failures[0].device, "d");
}

TEST_F(AssemblerTest, every_failed_shot_that_the_camera_tells_of_counts) {
  for (int shot = 0; shot < 2; ++shot) {
    assembler_.end("d", ingest::SmartEnd(), now_ += 1000);
    const AssemblerOutput output = assembler_.take();
    EXPECT_EQ(output.failures.size(), 1u);
    EXPECT_TRUE(output.photos.empty());
  }
}

TEST_F(AssemblerTest, the_photo_before_under_a_new_name_is_stale) {
  const Order whole = {0, 1, 2, 3, 4, 5, 6, 7, end_mark};
  expect_whole(play(whole, "capture_1.jpg"));
  const AssemblerOutput stale = play(whole, "capture_2.jpg");
  expect_quarantined(stale);
  EXPECT_NE(stale.photos[0].reason.find("stale"), std::string::npos);
  EXPECT_EQ(metrics_.count(Count::photos_stale), 1u);
  expect_quarantined(play(whole, "capture_3.jpg"));
}

TEST_F(AssemblerTest, a_stale_photo_is_known_after_a_restart) {
  assembler_.learn("d", protocol::sha256(photo_));
  expect_quarantined(play({0, 1, 2, 3, 4, 5, 6, 7, end_mark}));
}

TEST_F(AssemblerTest, what_comes_late_under_a_judged_name_is_dropped) {
  expect_whole(play({0, 1, 2, 3, 4, 5, 6, 7, end_mark}));
  const AssemblerOutput output = play({3, end_mark});
  EXPECT_TRUE(output.photos.empty());
  EXPECT_TRUE(output.failures.empty());
  EXPECT_EQ(metrics_.count(Count::packets_doubled), 2u);
}

TEST_F(AssemblerTest, a_new_name_ends_the_photo_before) {
  for (const int index : {0, 1, 2})
    assembler_.piece("d", piece("a", static_cast<std::size_t>(index)), now_);
  const AssemblerOutput output = play({0, 1, 2, 3, 4, 5, 6, 7, end_mark}, "b");
  ASSERT_EQ(output.photos.size(), 2u);
  EXPECT_EQ(output.photos[0].state, PhotoState::quarantined);
  EXPECT_EQ(output.photos[1].state, PhotoState::stored);
}

TEST_F(AssemblerTest, the_camera_s_own_numbers_prove_any_order) {
  for (const std::size_t index : {5u, 2u, 7u, 0u, 0u, 1u, 6u})
    assembler_.piece("d", numbered(index), now_);
  assembler_.end("d", numbered_end(), now_);
  assembler_.piece("d", numbered(4), now_);
  EXPECT_TRUE(assembler_.take().photos.empty());
  assembler_.piece("d", numbered(3), now_);
  expect_whole(run_out());
}

TEST_F(AssemblerTest, a_proven_photo_may_be_the_same_as_the_one_before) {
  assembler_.learn("d", protocol::sha256(photo_));
  for (std::size_t i = 0; i < pieces_.size(); ++i) assembler_.piece("d", numbered(i), now_);
  assembler_.end("d", numbered_end(), now_);
  expect_whole(run_out());
}

TEST_F(AssemblerTest, numbers_say_what_is_lost) {
  for (const std::size_t index : {0u, 1u, 2u, 4u, 5u, 6u, 7u})
    assembler_.piece("d", numbered(index), now_);
  assembler_.end("d", numbered_end(), now_);
  const AssemblerOutput output = run_out();
  expect_quarantined(output);
  EXPECT_EQ(output.photos[0].reason, "1 of 8 pieces lost");
}

TEST_F(AssemblerTest, a_wrong_hash_is_quarantined) {
  for (std::size_t i = 0; i < pieces_.size(); ++i) assembler_.piece("d", numbered(i), now_);
  ingest::SmartEnd end = numbered_end();
  (*end.sha256)[5] ^= 1;
  assembler_.end("d", end, now_);
  const AssemblerOutput output = run_out();
  expect_quarantined(output);
  EXPECT_EQ(output.photos[0].reason, "wrong hash");
}

TEST_F(AssemblerTest, limits_hold) {
  AssemblerLimits limits;
  limits.photo_bytes_max = 5000;
  limits.bytes_max = 8000;
  limits.photos_max = 3;
  Assembler assembler(limits, metrics_);
  for (std::size_t i = 0; i < 6; ++i) assembler.piece("d", piece("a", i), 0);
  EXPECT_EQ(assembler.bytes_in_flight(), 0u);
  ASSERT_EQ(assembler.take().failures.size(), 1u);
  for (const char* device : {"e", "f", "g", "h"}) {
    for (std::size_t i = 0; i < 4; ++i) assembler.piece(device, piece("a", i), 0);
    EXPECT_LE(assembler.bytes_in_flight(), 8000u);
    EXPECT_LE(assembler.photos_in_flight(), 3u);
  }
}

// The recordings, through the same decoder that the server uses.
class RecordedPhotoTest : public AssemblerTest,
                          public ::testing::WithParamInterface<const char*> {};

TEST_P(RecordedPhotoTest, is_restored) {
  ingest::Decoder decoder(ingest::DecoderLimits{}, metrics_);
  for (const auto& event : ingest::testing::read_events(GetParam())) {
    std::vector<ingest::Packet> packets;
    decoder.message(
        event.topic,
        {reinterpret_cast<const std::uint8_t*>(event.payload.data()), event.payload.size()},
        event.at_ms, packets);
    for (ingest::Packet& packet : packets) {
      if (auto* piece_said = std::get_if<ingest::SmartPiece>(&packet.content))
        assembler_.piece(packet.device, std::move(*piece_said), event.at_ms);
      if (auto* end_said = std::get_if<ingest::SmartEnd>(&packet.content))
        assembler_.end(packet.device, *end_said, event.at_ms);
    }
    assembler_.tick(event.at_ms);
  }
  const AssemblerOutput output = assembler_.take();
  ASSERT_EQ(output.photos.size(), 1u);
  EXPECT_EQ(output.photos[0].state, PhotoState::stored) << output.photos[0].reason;
  EXPECT_EQ(check_whole(output.photos[0].bytes), "");
  if (std::string_view(GetParam()) == "capture_8k.jsonl") {
    EXPECT_EQ(output.photos[0].bytes, photo_);
  }
}

INSTANTIATE_TEST_SUITE_P(All, RecordedPhotoTest,
                         ::testing::Values("capture_8k.jsonl", "split_any1024.jsonl"));

}  // namespace
}  // namespace meterlens::photo
