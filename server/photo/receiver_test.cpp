#include "server/photo/receiver.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "server/photo/jpeg_shape.h"

namespace meterlens::photo {
namespace {

using metrics::Count;
using protocol::Message;
using protocol::Refusal;

std::vector<std::uint8_t> random_bytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

protocol::Offer offer_of(std::uint32_t id, const std::vector<std::uint8_t>& bytes,
                         std::uint32_t command = 0) {
  return {id, static_cast<std::uint32_t>(bytes.size()), command, 0, protocol::sha256(bytes)};
}

protocol::Bytes packet_of(const std::vector<std::uint8_t>& bytes, std::size_t index) {
  return protocol::Bytes(bytes).subspan(index * protocol::packet_bytes_max,
                                        protocol::packet_bytes(bytes.size(), index));
}

class ReceiverTest : public ::testing::Test {
 protected:
  void send(const std::vector<std::uint8_t>& bytes, std::uint32_t id, std::size_t index,
            std::int64_t now = 0) {
    receiver_.data("m1", id, static_cast<std::uint16_t>(index), packet_of(bytes, index), now);
  }
  // The only answer since the last call; the views in it point into `taken_`.
  Message answer() {
    taken_ = receiver_.take();
    EXPECT_EQ(taken_.answers.size(), 1u);
    if (taken_.answers.size() != 1) return protocol::Clock{};
    return *protocol::decode_message(taken_.answers[0].frame);
  }
  void expect_refused(Refusal reason) {
    const Message message = answer();
    const auto* refused = std::get_if<protocol::Refused>(&message);
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->reason, reason);
  }
  std::vector<std::uint8_t> missing() {
    const Message message = answer();
    const auto* found = std::get_if<protocol::Missing>(&message);
    if (found == nullptr) {
      ADD_FAILURE() << "no Missing";
      return {};
    }
    return {found->bitmap.begin(), found->bitmap.end()};
  }
  bool silent() {
    taken_ = receiver_.take();
    return taken_.answers.empty();
  }

  metrics::Metrics metrics_;
  std::optional<bool> in_store_ = false;
  ReceiverLimits limits_{.photos_max = 3, .bytes_max = 100'000};
  Receiver receiver_{
      limits_,
      [this](const std::string&, std::uint32_t, const protocol::Digest&) { return in_store_; },
      metrics_};
  ReceiverOutput taken_;
  const std::vector<std::uint8_t> photo_ = random_bytes(5000, 1);  // 5 packets
};

TEST_F(ReceiverTest, a_photo_is_committed_before_it_is_acknowledged) {
  receiver_.offer("m1", offer_of(1, photo_), 0);
  for (const std::size_t index : {3u, 0u, 4u, 1u, 2u}) send(photo_, 1, index);
  ReceiverOutput output = receiver_.take();
  EXPECT_TRUE(output.answers.empty());
  ASSERT_EQ(output.photos.size(), 1u);
  EXPECT_EQ(output.photos[0].bytes, photo_);
  EXPECT_EQ(output.photos[0].sha256, protocol::sha256(photo_));
  receiver_.sent("m1", 1, 0);
  EXPECT_TRUE(silent());
  receiver_.stored("m1", 1, output.photos[0].sha256);
  const Message message = answer();
  EXPECT_EQ(std::get<protocol::Stored>(message).sha256, protocol::sha256(photo_));
  EXPECT_EQ(receiver_.photos_in_flight(), 0u);
  EXPECT_EQ(receiver_.bytes_in_flight(), 0u);
}

TEST_F(ReceiverTest, sent_is_answered_with_exactly_what_is_missing) {
  receiver_.offer("m1", offer_of(1, photo_), 0);
  send(photo_, 1, 0);
  send(photo_, 1, 3);
  receiver_.sent("m1", 1, 0);
  EXPECT_EQ(missing(), std::vector<std::uint8_t>{0b10110});
}

TEST_F(ReceiverTest, doubled_and_wrong_packets_change_nothing) {
  receiver_.offer("m1", offer_of(1, photo_), 0);
  send(photo_, 1, 0);
  send(photo_, 1, 0);
  EXPECT_EQ(metrics_.count(Count::packets_doubled), 1u);
  receiver_.data("m1", 1, 5, packet_of(photo_, 0), 0);
  receiver_.data("m1", 1, 65535, packet_of(photo_, 0), 0);
  receiver_.data("m1", 1, 1, packet_of(photo_, 4), 0);
  EXPECT_EQ(metrics_.count(Count::packets_wrong_size), 3u);
  receiver_.sent("m1", 1, 0);
  EXPECT_EQ(missing(), std::vector<std::uint8_t>{0b11110});
}

TEST_F(ReceiverTest, silence_is_asked_about_six_times_and_then_forgotten) {
  receiver_.offer("m1", offer_of(1, photo_), 0);
  send(photo_, 1, 0, 1000);
  std::vector<std::int64_t> asked;
  for (std::int64_t now = 1000; now < 700'000; now += 500) {
    receiver_.tick(now);
    if (!silent()) asked.push_back(now);
  }
  EXPECT_EQ(asked, (std::vector<std::int64_t>{6000, 11'000, 16'000, 21'000, 26'000, 31'000}));
  EXPECT_EQ(receiver_.photos_in_flight(), 0u);
  EXPECT_EQ(metrics_.count(Count::photos_forgotten), 1u);
  receiver_.sent("m1", 1, 700'000);
  EXPECT_TRUE(missing().empty());
}

TEST_F(ReceiverTest, a_new_packet_starts_the_row_of_questions_again) {
  receiver_.offer("m1", offer_of(1, photo_), 0);
  for (std::int64_t now = 0; now <= 60'000; now += 1000) receiver_.tick(now);
  EXPECT_EQ(receiver_.take().answers.size(), 6u);
  send(photo_, 1, 0, 60'000);
  receiver_.tick(65'000);
  EXPECT_EQ(missing(), std::vector<std::uint8_t>{0b11110});
}

TEST_F(ReceiverTest, packets_of_unknown_photos_are_answered_once_a_second) {
  for (std::int64_t now = 0; now < 2000; now += 100) send(photo_, 9, 0, now);
  EXPECT_EQ(receiver_.take().answers.size(), 2u);
  EXPECT_EQ(metrics_.count(Count::packets_unoffered), 20u);
}

TEST_F(ReceiverTest, a_clock_that_is_set_back_keeps_nobody_waiting) {
  constexpr std::int64_t day_ms = 86'400'000;
  receiver_.sent("m1", 9, 2 * day_ms);
  receiver_.offer("m2", offer_of(1, photo_), 2 * day_ms);
  EXPECT_TRUE(missing().empty());
  receiver_.clock_moved(-day_ms);
  receiver_.sent("m1", 9, day_ms + 1000);
  EXPECT_EQ(receiver_.take().answers.size(), 1u);
  receiver_.tick(day_ms + 4999);
  EXPECT_TRUE(silent());
  receiver_.tick(day_ms + 5000);
  EXPECT_EQ(receiver_.take().answers.size(), 1u);
}

TEST_F(ReceiverTest, refuses_by_stated_limits) {
  struct Case {
    std::uint32_t bytes;
    Refusal reason;
  };
  for (const Case c : {Case{0, Refusal::empty}, Case{2'097'153, Refusal::too_large},
                       Case{20'000'000, Refusal::too_large}, Case{0xffffffff, Refusal::too_large},
                       Case{100'001, Refusal::busy}}) {
    receiver_.offer("m1", {1, c.bytes, 0, 0, {}}, 0);
    expect_refused(c.reason);
  }
  EXPECT_EQ(receiver_.bytes_in_flight(), 0u);
  for (const char* device : {"a", "b", "c"}) receiver_.offer(device, offer_of(1, photo_), 0);
  EXPECT_TRUE(silent());
  receiver_.offer("d", offer_of(1, photo_), 0);
  expect_refused(Refusal::busy);
}

TEST_F(ReceiverTest, a_full_store_refuses_and_keeps_nothing) {
  receiver_.set_storage_full(true);
  receiver_.offer("m1", offer_of(1, photo_), 0);
  expect_refused(Refusal::storage_full);
  receiver_.set_storage_full(false);
  in_store_ = std::nullopt;
  receiver_.offer("m1", offer_of(1, photo_), 0);
  expect_refused(Refusal::storage_full);
  in_store_ = false;
  receiver_.offer("m1", offer_of(1, photo_), 0);
  for (std::size_t i = 0; i < 5; ++i) send(photo_, 1, i);
  EXPECT_EQ(receiver_.take().photos.size(), 1u);
  receiver_.refuse("m1", 1, Refusal::storage_full);
  expect_refused(Refusal::storage_full);
  EXPECT_EQ(receiver_.bytes_in_flight(), 0u);
}

TEST_F(ReceiverTest, a_refusal_is_told_to_who_ordered_the_photo) {
  const auto refusals = [&] {
    std::vector<std::pair<std::int64_t, Refusal>> out;
    for (const RefusedPhoto& one : receiver_.take().refusals) {
      EXPECT_EQ(one.device, "m1");
      out.emplace_back(one.command, one.reason);
    }
    return out;
  };
  using Told = decltype(refusals());
  receiver_.offer("m1", {1, 0, 77, 0, {}}, 0);
  receiver_.set_storage_full(true);
  receiver_.offer("m1", offer_of(1, photo_, 78), 0);
  receiver_.offer("m1", offer_of(1, photo_), 0);
  EXPECT_EQ(refusals(), (Told{{77, Refusal::empty}, {78, Refusal::storage_full}}));
  receiver_.set_storage_full(false);
  receiver_.offer("m1", offer_of(1, photo_, 79), 0);
  for (std::size_t i = 0; i < 5; ++i) send(photo_, 1, i);
  receiver_.refuse("m1", 1, Refusal::storage_full);
  EXPECT_EQ(refusals(), (Told{{79, Refusal::storage_full}}));
  protocol::Offer offer = offer_of(1, photo_, 80);
  offer.sha256[0] ^= 1;
  receiver_.offer("m1", offer, 0);
  for (std::size_t i = 0; i < 5; ++i) send(photo_, 1, i);
  EXPECT_EQ(refusals(), (Told{{80, Refusal::wrong_hash}}));
}

TEST_F(ReceiverTest, a_wrong_hash_is_said_and_everything_comes_again) {
  protocol::Offer offer = offer_of(1, photo_);
  offer.sha256[0] ^= 1;
  receiver_.offer("m1", offer, 0);
  for (std::size_t i = 0; i < 5; ++i) send(photo_, 1, i);
  expect_refused(Refusal::wrong_hash);
  receiver_.offer("m1", offer_of(1, photo_), 0);
  for (std::size_t i = 0; i < 5; ++i) send(photo_, 1, i);
  EXPECT_EQ(receiver_.take().photos.size(), 1u);
}

TEST_F(ReceiverTest, a_stored_photo_is_acknowledged_at_offer_packet_and_sent) {
  in_store_ = true;
  receiver_.offer("m1", offer_of(1, photo_), 0);
  EXPECT_TRUE(std::holds_alternative<protocol::Stored>(answer()));
  send(photo_, 1, 0, 5000);
  EXPECT_TRUE(std::holds_alternative<protocol::Stored>(answer()));
  for (int i = 0; i < 3; ++i) {
    receiver_.sent("m1", 1, 5000);
    EXPECT_TRUE(std::holds_alternative<protocol::Stored>(answer()));
  }
}

TEST_F(ReceiverTest, the_oldest_of_a_device_gives_way) {
  for (std::uint32_t id = 1; id <= 3; ++id) receiver_.offer("m1", offer_of(id, photo_), 0);
  EXPECT_EQ(receiver_.photos_in_flight(), 2u);
  EXPECT_EQ(metrics_.count(Count::photos_forgotten), 1u);
}

TEST_F(ReceiverTest, what_is_no_whole_jpeg_is_quarantined) {
  receiver_.offer("m1", offer_of(1, photo_), 0);
  for (std::size_t i = 0; i < 5; ++i) send(photo_, 1, i);
  const ReceiverOutput output = receiver_.take();
  ASSERT_EQ(output.photos.size(), 1u);
  EXPECT_EQ(output.photos[0].state, PhotoState::quarantined);
  EXPECT_EQ(output.photos[0].reason, name(ShapeError::not_jpeg));
}

TEST_F(ReceiverTest, progress_is_told_for_commands) {
  receiver_.offer("m1", offer_of(1, photo_, 77), 0);
  send(photo_, 1, 0);
  send(photo_, 1, 1);
  const ReceiverOutput output = receiver_.take();
  ASSERT_EQ(output.progress.size(), 1u);
  EXPECT_EQ(output.progress[0].command, 77);
  EXPECT_EQ(output.progress[0].packets_received, 2);
  EXPECT_EQ(output.progress[0].packets_total, 5);
}

TEST_F(ReceiverTest, the_camera_s_clock_is_used_when_it_was_set) {
  constexpr std::int64_t now = 1'800'000'000'000;
  struct Case {
    std::uint64_t claimed;
    std::int64_t taken;
  };
  std::uint32_t id = 0;
  for (const Case c : {Case{0, now}, Case{1000, now}, Case{1'799'999'000'000, 1'799'999'000'000},
                       Case{0xffffffffffffffff, now}, Case{1'900'000'000'000, now}}) {
    const auto one = random_bytes(10, ++id);
    protocol::Offer offer = offer_of(id, one);
    offer.captured_at_ms = c.claimed;
    receiver_.offer("m1", offer, now);
    send(one, id, 0, now);
    const ReceiverOutput output = receiver_.take();
    ASSERT_EQ(output.photos.size(), 1u);
    EXPECT_EQ(output.photos[0].captured_at_ms, c.taken) << c.claimed;
    receiver_.stored("m1", id, offer.sha256);
    receiver_.take();
  }
}

// A camera as SPEC.md draws it, over a wire that loses, doubles and reorders both ways, with a
// server that forgets everything now and then and a store that fails now and then.
class Story {
 public:
  explicit Story(unsigned seed) : random_(seed) {
    for (std::uint32_t id = 1; id <= 3; ++id)
      kept_[id] = random_bytes(1 + random_() % 9000, seed * 10 + id);
    restart();
  }

  bool run() {
    for (now_ = 0; now_ < 3'600'000 && !kept_.empty(); now_ += 500) {
      camera();
      deliver(up_, [this](const std::vector<std::uint8_t>& frame) { server(frame); });
      receiver_->tick(now_);
      collect();
      deliver(down_, [this](const std::vector<std::uint8_t>& frame) { hear(frame); });
      if (random_() % 400 == 0) restart();
    }
    return kept_.empty();
  }

  std::map<std::uint32_t, std::vector<std::uint8_t>> store_;
  int stored_twice_ = 0;

 private:
  using Frames = std::vector<std::vector<std::uint8_t>>;

  void restart() {
    receiver_.emplace(
        ReceiverLimits{},
        [this](const std::string&, std::uint32_t id, const protocol::Digest&) {
          return std::optional(store_.contains(id));
        },
        metrics_);
  }
  void put(Frames& wire, const Message& message) {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame;
    const std::size_t size = protocol::encode_message(message, frame);
    const auto at = wire.size() - std::min<std::size_t>(wire.size(), random_() % 4);
    const auto fate = random_() % 100;
    for (unsigned copies = fate < 15 ? 0 : fate < 25 ? 2 : 1; copies > 0; --copies)
      wire.insert(wire.begin() + static_cast<std::ptrdiff_t>(at),
                  {frame.data(), frame.data() + size});
  }
  template <class Hear>
  void deliver(Frames& wire, Hear hear_frame) {
    for (const auto& frame : std::exchange(wire, {})) hear_frame(frame);
  }
  void offer() {
    const auto& [id, bytes] = *kept_.begin();
    put(up_, offer_of(id, bytes));
    for (std::size_t i = 0; i < protocol::packet_count(bytes.size()); ++i) packet(i);
    sent();
  }
  void packet(std::size_t index) {
    const auto& [id, bytes] = *kept_.begin();
    put(up_, protocol::Packet{id, static_cast<std::uint16_t>(index), packet_of(bytes, index)});
  }
  void sent() {
    put(up_, protocol::Sent{kept_.begin()->first});
    next_ms_ = now_ + wait_ms_;
    wait_ms_ = std::min<std::int64_t>(wait_ms_ * 2, 60'000);
  }
  void camera() {
    if (kept_.empty() || now_ < next_ms_) return;
    if (!offered_) {
      offered_ = true;
      offer();
    } else {
      sent();
    }
  }
  void server(const std::vector<std::uint8_t>& frame) {
    const auto message = *protocol::decode_message(frame);
    if (const auto* o = std::get_if<protocol::Offer>(&message)) receiver_->offer("m", *o, now_);
    if (const auto* p = std::get_if<protocol::Packet>(&message))
      receiver_->data("m", p->photo_id, p->index, p->data, now_);
    if (const auto* s = std::get_if<protocol::Sent>(&message))
      receiver_->sent("m", s->photo_id, now_);
  }
  void collect() {
    ReceiverOutput output = receiver_->take();
    for (Photo& photo : output.photos) {
      if (random_() % 10 == 0) {
        receiver_->refuse("m", photo.photo_id, Refusal::storage_full);
        continue;
      }
      stored_twice_ += store_.contains(photo.photo_id) ? 1 : 0;
      store_[photo.photo_id] = photo.bytes;
      receiver_->stored("m", photo.photo_id, photo.sha256);
    }
    ReceiverOutput more = receiver_->take();
    for (const auto* answers : {&output.answers, &more.answers})
      for (const Answer& answer : *answers) put(down_, *protocol::decode_message(answer.frame));
  }
  void hear(const std::vector<std::uint8_t>& frame) {
    if (kept_.empty()) return;
    const auto message = *protocol::decode_message(frame);
    const auto& [id, bytes] = *kept_.begin();
    if (const auto* stored = std::get_if<protocol::Stored>(&message);
        stored != nullptr && stored->photo_id == id) {
      kept_.erase(kept_.begin());
      offered_ = false;
      wait_ms_ = 3000;
      next_ms_ = now_;
    } else if (const auto* lost = std::get_if<protocol::Missing>(&message);
               lost != nullptr && lost->photo_id == id) {
      wait_ms_ = 3000;
      if (lost->bitmap.empty()) return offer();
      for (std::size_t i = 0; i < protocol::packet_count(bytes.size()); ++i)
        if ((lost->bitmap[i / 8] >> i % 8 & 1) != 0) packet(i);
      sent();
    } else if (const auto* refused = std::get_if<protocol::Refused>(&message);
               refused != nullptr && refused->photo_id == id) {
      offered_ = false;
      next_ms_ = now_ + 60'000;
    }
  }

  std::mt19937 random_;
  metrics::Metrics metrics_;
  std::optional<Receiver> receiver_;
  std::map<std::uint32_t, std::vector<std::uint8_t>> kept_;
  Frames up_, down_;
  bool offered_ = false;
  std::int64_t now_ = 0, next_ms_ = 0, wait_ms_ = 3000;
};

TEST(ReceiverStory, every_photo_arrives_once_and_whole_whatever_the_wire_does) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Story story(seed);
    ASSERT_TRUE(story.run()) << "seed " << seed;
    ASSERT_EQ(story.stored_twice_, 0) << "seed " << seed;
    ASSERT_EQ(story.store_.size(), 3u) << "seed " << seed;
    Story again(seed);
    again.run();
    EXPECT_EQ(again.store_, story.store_);
  }
}

}  // namespace
}  // namespace meterlens::photo
