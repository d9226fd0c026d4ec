#include "device/update/receiver.h"

#include <gtest/gtest.h>

#include <functional>

#include "device/update/test_images.h"

namespace meterlens::update {
namespace {

using protocol::Part;

// A part with its boot loader, and a server that sends what is missing.
class World {
 public:
  explicit World(Release its_release = Release()) : release(std::move(its_release)) { power_on(); }

  void power_on() {
    images.boot();
    Settings settings;
    settings.images = images.port();
    settings.power.restart = [](void*) { throw Restarted(); };
    settings.board = board;
    settings.key = release.key;
    receiver = std::make_unique<Receiver>(Part::camera, settings);
    receiver->start(now_ms);
  }
  // So many times `step`, 10 ms each; restarts and power cuts are followed by a start.
  void run(int steps = 20) {
    for (int i = 0; i < steps; ++i, now_ms += 10) {
      receiver->step(now_ms, quiet);
      listen();
    }
  }
  void listen() {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame;
    while (const std::size_t bytes = receiver->next_frame(frame))
      said.hear(protocol::Bytes(frame).first(bytes));
  }
  void offer() {
    receiver->hear(release.offer());
    run();
  }
  void send(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) receiver->hear(release.packet(i));
  }
  // The whole exchange up to the restart; true if it came to that.
  bool update() {
    offer();
    send(0, release.packets());
    try {
      run(1000);
    } catch (const Restarted&) {
      return true;
    }
    return false;
  }

  FakeImages images;
  Release release;
  std::string board = "test-board";
  std::unique_ptr<Receiver> receiver;
  Said said;
  bool quiet = true;
  std::uint64_t now_ms = 1000;
};

TEST(Receiver, AnImageIsTriedAndConfirmedWhenItHasBeenHeardFrom) {
  World world;
  ASSERT_TRUE(world.update());
  EXPECT_TRUE(std::equal(world.release.image.begin(), world.release.image.end(),
                         world.images.room.begin()));
  ASSERT_EQ(world.said.states.size(), 3U);
  EXPECT_EQ(name(world.said.states[0].state), std::string("receiving"));
  EXPECT_EQ(name(world.said.states[1].state), std::string("verified"));
  EXPECT_EQ(world.said.last(), "11 trying none 5");
  world.images.offered = 7;
  world.power_on();
  EXPECT_TRUE(world.receiver->on_trial());
  world.run();
  EXPECT_EQ(world.said.states.size(), 3U) << "nobody has heard from it yet";
  world.receiver->heard_from_outside();
  world.run();
  EXPECT_EQ(world.said.last(), "0 confirmed none 7");
  EXPECT_FALSE(world.images.on_trial);
  world.power_on();
  EXPECT_EQ(world.images.running, 7U);
}

TEST(Receiver, PacketsComeInAnyOrderAndTwice) {
  World world;
  world.offer();
  ASSERT_EQ(world.said.missing.size(), 1U);
  EXPECT_EQ(world.said.missing[0], (Buffer{0xFF, 0x03}));
  for (const std::size_t index : {9U, 4U, 4U, 0U, 9U})
    world.receiver->hear(world.release.packet(index));
  world.receiver->hear(protocol::ImageSent{Part::camera, 11});
  world.run();
  EXPECT_EQ(world.said.missing.back(), (Buffer{0xEE, 0x01}));
  EXPECT_EQ(world.receiver->counters().packets, 3U);
  EXPECT_EQ(world.receiver->counters().ignored, 2U);
  world.send(0, 10);
  EXPECT_THROW(world.run(1000), Restarted);
}

TEST(Receiver, WhatIsWrongIsRefusedBeforeAnythingIsErased) {
  struct Row {
    const char* said;
    std::function<void(World&)> change;
  };
  const Row table[] = {
      {"11 refused wrong_signature 5", [](World& w) { w.release.signature[5] ^= 1; }},
      {"11 refused wrong_signature 5",
       [](World& w) {
         w.board = "other-board";
         w.power_on();
       }},
      {"11 refused wrong_signature 5",
       [](World& w) {
         w.board = "";
         w.power_on();
       }},
      {"11 refused wrong_signature 5", [](World& w) { w.release.version = 8; }},
      {"11 refused wrong_signature 5",
       [](World& w) {
         w.release.key = {};
         w.power_on();
       }},
      {"11 refused older_version 5",
       [](World& w) {
         w.release.version = 4;
         w.release.sign();
       }},
      {"11 refused no_room 5",
       [](World& w) {
         w.release.image.resize(70'000);
         w.release.sign();
       }},
      {"11 refused too_large 5",
       [](World& w) {
         w.release.image.resize(protocol::image_bytes_max + 1);
         w.release.sign();
       }},
      {"11 refused too_large 5",
       [](World& w) {
         w.release.image.clear();
         w.release.sign();
       }},
      // A cut image has another hash than the signed one, or other bytes.
      {"11 refused wrong_signature 5", [](World& w) { w.release.image.resize(9'000); }},
      {"11 confirmed none 5",
       [](World& w) {
         w.release.version = 5;
         w.release.sign();
       }},
  };
  for (const Row& row : table) {
    World world;
    row.change(world);
    world.offer();
    EXPECT_EQ(world.said.last(), row.said);
    EXPECT_EQ(world.images.erasures, 0) << row.said;
    world.said = {};
    world.receiver->hear(protocol::ImageSent{Part::camera, 11});
    world.run();
    EXPECT_EQ(world.said.last(), row.said) << "the answer was lost";
  }
}

TEST(Receiver, WhatFailsOnTheWayIsToldAndTheOldOneRuns) {
  struct Row {
    const char* said;
    std::function<void(World&)> change;
  };
  const Row table[] = {
      {"11 failed flash 5", [](World& w) { w.images.erase_fails = true; }},
      {"11 failed flash 5", [](World& w) { w.images.program_failures_after = 4; }},
      {"11 failed flash 5", [](World& w) { w.images.read_fails = true; }},
      {"11 failed board_refused 5", [](World& w) { w.images.refuses = true; }},
      {"11 failed wrong_hash 5", [](World& w) { w.release.image[100] ^= 1; }},
  };
  for (const Row& row : table) {
    World world;
    const auto offer = world.release.offer();
    row.change(world);
    world.receiver->hear(offer);
    world.run();
    world.send(0, world.release.packets());
    world.run(1000);
    EXPECT_EQ(world.said.last(), row.said);
    world.power_on();
    EXPECT_EQ(world.images.running, 5U) << row.said;
    EXPECT_FALSE(world.images.on_trial);
  }
}

TEST(Receiver, PacketsOfAWrongSizeOrPlaceAreIgnored) {
  World world;
  world.offer();
  const Buffer bytes(1024, 1);
  const protocol::ImagePacket wrong[] = {
      {11, 10, protocol::Bytes(bytes)},           // behind the end
      {11, 9, protocol::Bytes(bytes)},            // the last one is shorter
      {11, 3, protocol::Bytes(bytes).first(5)}};  // and no other
  for (const auto& packet : wrong) world.receiver->hear(packet);
  EXPECT_EQ(world.receiver->counters().ignored, 3U);
  EXPECT_EQ(world.receiver->counters().packets, 0U);
}

TEST(Receiver, AnUnknownUpdateIsOfferedAgain) {
  World world;
  world.receiver->heard_from_outside();
  world.run();
  world.said = {};
  world.receiver->hear(world.release.packet(0));
  world.receiver->hear(protocol::ImageSent{Part::camera, 11});
  world.run();
  ASSERT_EQ(world.said.missing.size(), 1U);
  EXPECT_TRUE(world.said.missing[0].empty());
  EXPECT_EQ(world.said.last(), "0 confirmed none 5");
  EXPECT_TRUE(world.update());
}

TEST(Receiver, ARepeatedOfferIsAnsweredAndBeginsNothingAnew) {
  World world;
  world.offer();
  world.send(0, 4);
  world.said = {};
  world.offer();
  EXPECT_EQ(world.said.last(), "11 receiving none 5");
  ASSERT_EQ(world.said.missing.size(), 1U);
  EXPECT_EQ(world.said.missing[0], (Buffer{0xF0, 0x03}));
  EXPECT_EQ(world.images.erasures, 1);
}

TEST(Receiver, AnotherUpdateTakesThePlaceOfOneUnderWayButNotOfOneToBeTried) {
  World world;
  world.offer();
  world.send(0, 4);
  world.release.update_id = 12;
  EXPECT_TRUE(world.update());
  EXPECT_EQ(world.images.erasures, 2);
  EXPECT_EQ(world.said.last(), "12 trying none 5");
  world.release.update_id = 13;
  world.receiver->hear(world.release.offer());
  world.listen();
  EXPECT_EQ(world.said.last(), "12 trying none 5");
}

TEST(Receiver, NothingBeginsOrRestartsWhileAShotIsTaken) {
  World world;
  world.quiet = false;
  world.offer();
  EXPECT_TRUE(world.said.states.empty());
  EXPECT_EQ(world.images.erasures, 0);
  world.quiet = true;
  world.run();
  world.quiet = false;
  world.send(0, world.release.packets());
  world.run(1000);
  EXPECT_EQ(world.said.last(), "11 verified none 5");
  EXPECT_FALSE(world.images.will_try);
  world.quiet = true;
  world.run(1);
  world.quiet = false;
  world.run(1000);
  EXPECT_EQ(world.said.last(), "11 trying none 5");
  world.quiet = true;
  EXPECT_THROW(world.run(1), Restarted);
}

TEST(Receiver, ATrialThatNobodyHearsFallsBack) {
  World world;
  ASSERT_TRUE(world.update());
  world.images.offered = 7;
  world.power_on();
  const std::uint64_t booted_ms = world.now_ms;
  EXPECT_THROW(world.run(100'000), Restarted);
  EXPECT_EQ(world.now_ms - booted_ms, trial_ms_initial);
  world.power_on();
  EXPECT_EQ(world.images.running, 5U);
  world.receiver->heard_from_outside();
  world.run();
  EXPECT_EQ(world.said.last(), "0 failed not_confirmed 5");
}

TEST(Receiver, OnTrialNothingNewIsBegun) {
  World world;
  ASSERT_TRUE(world.update());
  world.images.offered = 7;
  world.power_on();
  world.release = Release(8);
  world.offer();
  EXPECT_EQ(world.images.erasures, 1) << "the old program is in that room";
  world.images.confirm_fails = true;
  world.receiver->heard_from_outside();
  world.run();
  EXPECT_EQ(world.images.erasures, 1);
  world.images.confirm_fails = false;
  world.receiver->heard_from_outside();
  world.run();
  EXPECT_EQ(world.images.erasures, 2);
}

TEST(Receiver, WithoutImagesEveryOneIsRefused) {
  const Release release;
  Receiver receiver(Part::camera, {});
  receiver.start(0);
  receiver.heard_from_outside();
  EXPECT_FALSE(receiver.has_frame());
  receiver.hear(release.offer());
  receiver.step(10, true);
  Said said;
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  said.hear(protocol::Bytes(frame).first(receiver.next_frame(frame)));
  EXPECT_EQ(said.last(), "11 refused board_refused 0");
}

// The power goes at each write in turn; afterwards the old program runs, or the new one, whole, and
// an update that did not come to its end comes to it.
TEST(Receiver, APowerCutAtAnyWriteLeavesAProgramThatRuns) {
  int cuts = 0;
  for (int write = 1;; ++write) {
    World world(Release(7, 3'000));
    world.images.offered = 7;
    world.images.writes_left = write;
    bool was_cut = false;
    const auto goes_on = [&] {
      try {
        if (world.update()) world.power_on();
        world.receiver->heard_from_outside();
        world.run();
      } catch (const PowerCut&) {
        was_cut = true;
        world.power_on();
      }
    };
    // `boot` ends the countdown: this one goes on through the restart.
    try {
      world.offer();
      world.send(0, world.release.packets());
      world.run(1000);
    } catch (const PowerCut&) {
      was_cut = true;
    } catch (const Restarted&) {
    }
    const int left = world.images.writes_left;
    world.power_on();
    if (!was_cut && left > 0) world.images.writes_left = left;
    goes_on();
    ASSERT_TRUE(world.images.running == 5 || world.images.running == 7) << write;
    if (world.images.running == 7) {
      EXPECT_TRUE(std::equal(world.release.image.begin(), world.release.image.end(),
                             world.images.room.begin()))
          << write;
    }
    while (world.images.running != 7 || world.images.on_trial) {
      ASSERT_LT(world.now_ms, 10'000'000U) << write;
      goes_on();
    }
    if (!was_cut) break;
    ++cuts;
  }
  EXPECT_GE(cuts, 3 + 3 + 1 + 1 + 1) << "erasure, packets, the last one's end, try, confirm";
}

}  // namespace
}  // namespace meterlens::update
