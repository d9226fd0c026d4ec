#include "server/update/sender.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace meterlens::update {
namespace {

using command::Link;
using protocol::Part;
using protocol::UpdateFailure;
using protocol::UpdateState;

class SenderTest : public ::testing::Test {
 protected:
  SenderTest() {
    content_->image.part = Part::camera;
    content_->image.version = 7;
    content_->bytes.resize(5 * 1024 + 10);
    for (std::size_t i = 0; i < content_->bytes.size(); ++i)
      content_->bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    content_->image.image_bytes = static_cast<std::uint32_t>(content_->bytes.size());
    content_->image.sha256 = protocol::sha256(content_->bytes);
    content_->signature.resize(protocol::signature_bytes, 3);
    restart();
  }
  void restart() {
    sender_ = std::make_unique<Sender>(
        SenderLimits{},
        [this](std::int64_t image) {
          ++loads_;
          return image == 4 ? content_ : nullptr;
        },
        metrics_);
    sender_->set_connected(true, now_);
  }
  void order(State state = State::queued) {
    Update update;
    update.id = 9;
    update.device = "m";
    update.image = 4;
    update.version = 7;
    update.state = state;
    update.created_ms = update.updated_ms = now_;
    sender_->add(update, now_);
    sender_->set_link("m", Link::online);
    look();
  }
  // What was said since the last look, by type; packets by index.
  void look() {
    sender_->tick(now_);
    said_.clear();
    packets_.clear();
    SenderOutput output = sender_->take();
    for (const Message& message : output.messages) {
      EXPECT_EQ(message.device, "m");
      const auto decoded = protocol::decode_message(message.frame);
      ASSERT_TRUE(decoded);
      if (const auto* m = std::get_if<protocol::Image>(&*decoded)) {
        EXPECT_EQ(m->sha256, content_->image.sha256);
        EXPECT_EQ(m->update_id, 9U);
        said_ += "I";
      }
      if (const auto* m = std::get_if<protocol::ImagePacket>(&*decoded)) {
        said_ += "p";
        packets_.push_back(m->index);
        received_[m->index].assign(m->data.begin(), m->data.end());
      }
      if (std::holds_alternative<protocol::ImageSent>(*decoded)) said_ += "?";
    }
    for (const Update& update : output.changed) last_ = update;
  }
  void pass(std::int64_t ms) {
    std::string all;
    for (const std::int64_t end = now_ + ms; now_ < end; now_ += 500) {
      look();
      all += said_;
    }
    said_ = all;
  }
  void says(UpdateState state, UpdateFailure failure = UpdateFailure::none,
            std::uint32_t version = 5, std::uint32_t id = 9) {
    sender_->state("m", {Part::camera, id, state, failure, version}, now_);
    look();
  }
  void lacks(std::set<int> indexes) {
    std::vector<std::uint8_t> bitmap(1);
    for (const int i : indexes) bitmap[0] = static_cast<std::uint8_t>(bitmap[0] | 1 << i);
    sender_->missing("m", {Part::camera, 9, bitmap}, now_);
    look();
  }
  std::string state() const {
    return std::string(name(last_.state)) + (last_.reason.empty() ? "" : " " + last_.reason);
  }

  metrics::Metrics metrics_;
  std::shared_ptr<Content> content_ = std::make_shared<Content>();
  std::unique_ptr<Sender> sender_;
  std::int64_t now_ = 1'000'000;
  int loads_ = 0;
  std::string said_;
  std::vector<int> packets_;
  std::map<int, std::vector<std::uint8_t>> received_;
  Update last_;
};

using Indexes = std::vector<int>;

TEST_F(SenderTest, AnImageGoesTwoPacketsAtATimeUntilItIsConfirmed) {
  order();
  EXPECT_EQ(said_, "I");
  says(UpdateState::receiving);
  EXPECT_EQ(state(), "receiving");
  EXPECT_EQ(said_, "");
  lacks({0, 1, 2, 3, 4, 5});
  EXPECT_EQ(said_, "pp?");
  EXPECT_EQ(packets_, (Indexes{0, 1}));
  lacks({2, 3, 4, 5});
  EXPECT_EQ(packets_, (Indexes{2, 3}));
  lacks({3, 4, 5});
  EXPECT_EQ(packets_, (Indexes{3, 4})) << "one was lost";
  lacks({5});
  EXPECT_EQ(said_, "p?");
  says(UpdateState::verified);
  EXPECT_EQ(last_.packets_received, 6);
  says(UpdateState::trying);
  EXPECT_EQ(state(), "trying");
  EXPECT_TRUE(sender_->has_open("m"));
  says(UpdateState::confirmed, UpdateFailure::none, 7, 0);
  EXPECT_EQ(state(), "confirmed");
  EXPECT_FALSE(sender_->has_open("m"));
  std::vector<std::uint8_t> whole;
  for (const auto& [index, data] : received_) whole.insert(whole.end(), data.begin(), data.end());
  EXPECT_EQ(whole, content_->bytes);
  EXPECT_EQ(metrics_.count(metrics::Count::updates_confirmed), 1U);
}

TEST_F(SenderTest, ADoubledAnswerSendsNothingTwice) {
  order();
  lacks({0, 1, 2, 3});
  EXPECT_EQ(said_, "pp?");
  lacks({0, 1, 2, 3});
  EXPECT_EQ(said_, "");
  pass(9'500);
  EXPECT_EQ(said_, "");
  pass(1'000);
  EXPECT_EQ(said_, "?") << "all of it was lost";
  lacks({0, 1, 2, 3});
  EXPECT_EQ(packets_, (Indexes{0, 1}));
}

TEST_F(SenderTest, AnOfferWithoutAnAnswerIsRepeatedWhileTheDeviceMayHear) {
  order();
  pass(30'500);
  EXPECT_EQ(said_, "III");
  sender_->set_link("m", Link::offline);
  pass(60'000);
  EXPECT_EQ(said_, "");
  sender_->set_link("m", Link::online);
  look();
  EXPECT_EQ(said_, "I");
  sender_->set_connected(false, now_);
  pass(60'000);
  EXPECT_EQ(said_, "");
}

TEST_F(SenderTest, RefusalsAndFailuresAreFinalAndSayWhy) {
  const std::pair<UpdateState, UpdateFailure> table[] = {
      {UpdateState::refused, UpdateFailure::wrong_signature},
      {UpdateState::refused, UpdateFailure::older_version},
      {UpdateState::failed, UpdateFailure::wrong_hash},
      {UpdateState::failed, UpdateFailure::board_refused}};
  for (const auto& [said, failure] : table) {
    restart();
    order();
    says(said, failure);
    EXPECT_EQ(state(), std::string(name(said)) + " " + name(failure));
    EXPECT_FALSE(sender_->has_open("m"));
  }
}

TEST_F(SenderTest, APartThatWasResetIsOfferedTheImageAgain) {
  order();
  lacks({2, 3});
  EXPECT_EQ(last_.packets_received, 4);
  pass(2'000);
  says(UpdateState::confirmed, UpdateFailure::none, 5, 0);
  EXPECT_EQ(said_, "I");
  EXPECT_EQ(state(), "queued");
  EXPECT_EQ(last_.packets_received, 0);
  says(UpdateState::receiving);
  lacks({4, 5});
  pass(2'000);
  sender_->missing("m", {Part::camera, 9, {}}, now_);
  look();
  EXPECT_EQ(said_, "I");
}

TEST_F(SenderTest, ATrialThatWasNotConfirmedHasFailed) {
  order();
  says(UpdateState::trying);
  pass(60'500);
  EXPECT_EQ(said_, "?");
  sender_->missing("m", {Part::camera, 9, {}}, now_);
  look();
  EXPECT_EQ(said_, "") << "the new program does not know the update, and shall not";
  says(UpdateState::failed, UpdateFailure::not_confirmed, 5, 0);
  EXPECT_EQ(state(), "failed not_confirmed");
}

// The part fell back after an earlier update, and says so at each start.
TEST_F(SenderTest, AnOldFallBackFailsNothing) {
  order();
  lacks({2, 3});
  pass(2'000);
  says(UpdateState::failed, UpdateFailure::not_confirmed, 5, 0);
  EXPECT_EQ(said_, "I");
  EXPECT_EQ(state(), "queued");
}

TEST_F(SenderTest, WhatIsOfAnotherUpdatePartOrDeviceIsPassedOver) {
  order();
  sender_->state("other", {Part::camera, 9, UpdateState::confirmed, {}, 7}, now_);
  sender_->state("m", {Part::dtu, 9, UpdateState::confirmed, {}, 7}, now_);
  sender_->state("m", {Part::dtu, 0, UpdateState::confirmed, {}, 7}, now_);
  sender_->state("m", {Part::camera, 8, UpdateState::refused, {}, 5}, now_);
  const std::vector<std::uint8_t> bitmap{1};
  sender_->missing("m", {Part::dtu, 9, bitmap}, now_);
  sender_->missing("m", {Part::camera, 8, bitmap}, now_);
  look();
  EXPECT_EQ(said_, "");
  EXPECT_TRUE(sender_->has_open("m"));
  const std::vector<std::uint8_t> beyond{0, 0xFF, 0xFF};
  sender_->missing("m", {Part::camera, 9, beyond}, now_);
  look();
  EXPECT_EQ(said_, "?") << "packets that the image has not";
}

TEST_F(SenderTest, UpdatesAreTakenUpAfterARestart) {
  for (const auto& [before, said] : {std::pair{State::queued, "I"}, {State::receiving, "?"},
                                     {State::verified, "?"}, {State::trying, "?"}}) {
    restart();
    order(before);
    EXPECT_EQ(said_, said) << name(before);
  }
  restart();
  order(State::confirmed);
  EXPECT_FALSE(sender_->has_open("m"));
}

TEST_F(SenderTest, ADayWithoutAWordEndsIt) {
  order();
  sender_->set_link("m", Link::offline);
  pass(86'400'000);
  look();
  EXPECT_EQ(state(), "failed no_answer");
}

TEST_F(SenderTest, ADeadPartBehindALivingDtuIsGivenUpAfterADay) {
  order();
  lacks({2, 3});
  const std::int64_t heard_ms = now_;
  while (sender_->has_open("m") && now_ < heard_ms + 2 * 86'400'000LL) {
    sender_->set_link("m", now_ / 60'000 % 2 == 0 ? Link::online : Link::offline);
    pass(30'000);
  }
  EXPECT_EQ(state(), "failed no_answer");
  EXPECT_NEAR(static_cast<double>(now_ - heard_ms), 86'400'000, 60'000);
}

TEST_F(SenderTest, ARestartDoesNotBeginTheDayAnew) {
  constexpr std::int64_t hour = 3'600'000;
  order();
  lacks({2, 3});
  const std::int64_t heard_ms = now_;
  const auto take_up = [&] {
    restart();
    sender_->add(last_, now_);
    sender_->set_link("m", Link::online);
  };
  for (now_ += 6 * hour; now_ < heard_ms + 24 * hour; now_ += 6 * hour) {
    take_up();
    look();
    EXPECT_EQ(said_, "?");
  }
  look();
  EXPECT_EQ(state(), "failed no_answer");
}

TEST_F(SenderTest, AServerThatWasAwayForDaysAsksBeforeItGivesUp) {
  constexpr std::int64_t hour = 3'600'000;
  for (const bool answers : {false, true}) {
    restart();
    order();
    lacks({2, 3});
    const Update before = last_;
    now_ += 72 * hour;
    restart();
    sender_->add(before, now_);
    sender_->set_link("m", Link::online);
    look();
    EXPECT_EQ(said_, "?");
    pass(hour - 1000);
    EXPECT_TRUE(sender_->has_open("m"));
    if (answers) lacks({2, 3});
    pass(2000);
    EXPECT_EQ(sender_->has_open("m"), answers);
    sender_->end("m", "over", now_);
  }
  // The clock was set back: what has changed did so in the future.
  restart();
  last_.state = State::receiving;
  last_.updated_ms = now_ + 72 * hour;
  sender_->add(last_, now_);
  pass(24 * hour + 1000);
  EXPECT_EQ(state(), "failed no_answer");
}

TEST_F(SenderTest, AnImageThatIsGoneFailsTheUpdate) {
  Update update;
  update.id = 9;
  update.device = "m";
  update.image = 5;
  sender_->add(update, now_);
  look();
  EXPECT_EQ(state(), "failed image_gone");
}

TEST_F(SenderTest, AnImageForManyIsLoadedOnce) {
  for (int i = 0; i < 10; ++i) {
    Update update;
    update.id = 20 + i;
    update.device = "m" + std::to_string(i);
    update.image = 4;
    sender_->add(update, now_);
  }
  sender_->tick(now_);
  EXPECT_EQ(sender_->take().messages.size(), 10U);
  EXPECT_EQ(loads_, 1);
}

}  // namespace
}  // namespace meterlens::update
