// Remote update inside the two programs: what is for whom, photos and commands beside it.
#include <gtest/gtest.h>

#include "device/camera/test_board.h"
#include "device/dtu/dtu.h"
#include "device/update/test_images.h"

namespace meterlens::update {
namespace {

using protocol::Part;

Settings settings_of(FakeImages& images, const Release& release) {
  Settings out;
  out.images = images.port();
  out.power.restart = [](void*) { throw Restarted(); };
  out.board = "test-board";
  out.key = release.key;
  return out;
}

// ---- camera ----

class CameraUpdate : public ::testing::Test {
 protected:
  CameraUpdate() {
    images_.offered = 7;
    world_.judge = [this](protocol::Bytes frame, bool up) {
      if (up) said_.hear(frame);
      return camera::World::Fate();
    };
    power_on();
  }
  void power_on() {
    boot();
    ASSERT_TRUE(world_.run(1000, [&] { return !said_.states.empty(); }));
  }
  // Without a DTU.
  void power_on_alone() {
    world_.line_up = false;
    boot();
  }
  void boot() {
    images_.boot();
    world_.settings.update = settings_of(images_, release_);
    world_.power_on();
  }
  // Sends what is missing, two packets at a time, until the camera tries it.
  void send_all() {
    world_.order(release_.offer());
    std::size_t answered = 0;
    while (said_.last() != "11 trying none 5") {
      ASSERT_TRUE(world_.run(20'000, [&] {
        return said_.missing.size() > answered || said_.last() == "11 trying none 5";
      }));
      if (said_.missing.size() <= answered) continue;
      answered = said_.missing.size();
      int window = 2;
      for (std::size_t i = 0; i < release_.packets() && window > 0; ++i) {
        if ((said_.missing.back()[i / 8] >> (i % 8) & 1) == 0) continue;
        world_.order(release_.packet(i));
        --window;
      }
      world_.order(protocol::ImageSent{Part::camera, 11});
    }
  }

  FakeImages images_;
  Release release_;
  Said said_;
  camera::World world_;
};

TEST_F(CameraUpdate, AnUpdateAndAPhotoGoBesideEachOther) {
  EXPECT_EQ(said_.last(), "0 confirmed none 5");
  world_.sensor.photo = camera::make_photo(30'000, 2);
  world_.capture(7);
  send_all();
  ASSERT_TRUE(world_.run_until_stored(1, 2'800)) << "the restart waits for nobody";
  EXPECT_EQ(world_.server.stored.at(1), world_.sensor.photo);
  EXPECT_THROW(world_.run(10'000), Restarted);
  said_ = {};
  power_on();
  EXPECT_EQ(said_.last(), "0 confirmed none 7");
  EXPECT_FALSE(images_.on_trial);
}

TEST_F(CameraUpdate, APhotoThatWaitsIsThereAfterTheUpdate) {
  world_.server.refuses = protocol::Refusal::busy;
  world_.capture(7);
  ASSERT_TRUE(world_.run(5'000, [&] { return !world_.server.offers.empty(); }));
  send_all();
  EXPECT_THROW(world_.run(10'000), Restarted);
  world_.server.refuses.reset();
  power_on();
  EXPECT_TRUE(world_.run_until_stored(1));
}

TEST_F(CameraUpdate, NothingIsErasedDuringAShot) {
  world_.sensor.polls = 100'000;
  world_.capture(7);
  ASSERT_TRUE(world_.run(1000, [&] { return world_.sensor.starts == 1; }));
  world_.order(release_.offer());
  world_.run(1'000);
  EXPECT_EQ(images_.erasures, 0);
  EXPECT_EQ(said_.last(), "0 confirmed none 5");
  ASSERT_TRUE(world_.run(camera::shot_timeout_ms + 1000, [&] { return images_.erasures == 1; }));
}

TEST_F(CameraUpdate, AnImageOfTheDtuIsNotTheCameras) {
  release_.part = Part::dtu;
  release_.sign();
  world_.order(release_.offer());
  world_.run(1'000);
  EXPECT_EQ(said_.last(), "0 confirmed none 5");
}

TEST_F(CameraUpdate, OnTrialWithoutADtuTheOldOneComesBack) {
  send_all();
  EXPECT_THROW(world_.run(10'000), Restarted);
  power_on_alone();
  EXPECT_THROW(world_.run(trial_ms_initial + 1000), Restarted);
  world_.line_up = true;
  said_ = {};
  power_on();
  EXPECT_EQ(said_.last(), "0 failed not_confirmed 5");
}

class SleepingCameraUpdate : public CameraUpdate {
 protected:
  struct Sleep {
    bool deep;
    std::uint64_t ms;
  };

  SleepingCameraUpdate() {
    world_.settings.sleep = {camera::SleepMode::deep, 1'000};
    world_.power.context = this;
    world_.power.sleep = [](void* self, bool deep, std::uint64_t ms) {
      static_cast<SleepingCameraUpdate*>(self)->sleeps_.push_back({deep, ms});
    };
    power_on();
  }

  std::vector<Sleep> sleeps_;
};

TEST_F(SleepingCameraUpdate, StaysAwakeForTheEraseAndForgetsNothingAfterIt) {
  images_.erase_calls = 2'000;  // 20 s
  world_.order(release_.offer());
  ASSERT_TRUE(world_.run(30'000, [&] { return images_.erasures == 1; }));
  EXPECT_TRUE(sleeps_.empty());
  ASSERT_TRUE(world_.run(10'000, [&] { return !sleeps_.empty(); })) << "nobody sends";
  EXPECT_FALSE(sleeps_[0].deep);
}

TEST_F(SleepingCameraUpdate, ATrialEndsInItsTime) {
  send_all();
  EXPECT_THROW(world_.run(10'000), Restarted);
  sleeps_.clear();
  power_on_alone();
  ASSERT_TRUE(world_.run(60'000, [&] { return !sleeps_.empty(); }));
  for (const Sleep& sleep : sleeps_) EXPECT_FALSE(sleep.deep);
  EXPECT_THROW(world_.run(trial_ms_initial), Restarted);
  EXPECT_LE(sleeps_.back().ms, trial_ms_initial);
  world_.line_up = true;
  power_on();
  ASSERT_TRUE(world_.run(60'000, [&] { return sleeps_.back().deep; })) << "the old one, at rest";
}

// ---- DTU ----

class DtuUpdate : public ::testing::Test {
 protected:
  DtuUpdate() {
    release_.part = Part::dtu;
    release_.sign();
    power_on();
  }
  void power_on() {
    images_.boot();
    dtu::DtuSettings settings;
    settings.session.device = "m";
    settings.update = settings_of(images_, release_);
    dtu_ = std::make_unique<dtu::Dtu>(mqtt(), settings);
    dtu_->start(now_ms_);
    run(5);
  }
  MeterlensMqtt mqtt() {
    MeterlensMqtt out{};
    out.context = this;
    out.connect = [](void*, const MeterlensMqttLogin*) {};
    out.disconnect = [](void*) {};
    out.state = [](void* self) {
      return static_cast<DtuUpdate*>(self)->broker_there ? METERLENS_MQTT_UP
                                                         : METERLENS_MQTT_CONNECTING;
    };
    out.subscribe = [](void*, const char*, std::uint8_t) { return true; };
    out.publish = [](void* self, const char*, const void* payload, std::uint32_t bytes,
                     std::uint8_t, bool) {
      auto& test = *static_cast<DtuUpdate*>(self);
      test.said_.hear({static_cast<const std::uint8_t*>(payload), bytes});
      if (!test.acknowledges) ++test.unacknowledged;
      return true;
    };
    out.unacknowledged = [](void* self) { return static_cast<DtuUpdate*>(self)->unacknowledged; };
    out.unix_ms = [](void*) { return std::uint64_t{0}; };
    return out;
  }
  template <class M>
  void tell(const M& message) {
    dtu_->mqtt_in("meterlens/m/down", camera::FakeServer::frame_of(message), now_ms_);
  }
  // Also gives what has come out on the line.
  std::vector<Buffer> run(int steps = 20) {
    std::vector<Buffer> frames;
    for (int i = 0; i < steps; ++i, now_ms_ += 10) {
      dtu_->step(now_ms_);
      std::array<std::uint8_t, 512> out;
      while (const std::size_t count = dtu_->pull(out, now_ms_))
        for (std::size_t at = 0; at < count; ++at)
          if (const auto unit = reader_.put(out[at]); unit && !link::is_link(*unit))
            frames.emplace_back(unit->begin(), unit->end());
    }
    return frames;
  }

  FakeImages images_;
  Release release_;
  Said said_;
  std::unique_ptr<dtu::Dtu> dtu_;
  link::UnitReader reader_;
  std::uint64_t now_ms_ = 0;
  bool broker_there = true, acknowledges = true;
  std::uint32_t unacknowledged = 0;
};

TEST_F(DtuUpdate, KeepsWhatIsItsOwnAndPassesOnTheRest) {
  EXPECT_EQ(said_.last(), "0 confirmed none 5");
  tell(release_.offer());
  EXPECT_TRUE(run().empty());
  EXPECT_EQ(said_.last(), "11 receiving none 5");
  tell(release_.packet(3));
  tell(protocol::ImageSent{Part::dtu, 11});
  EXPECT_TRUE(run().empty());
  EXPECT_EQ(said_.missing.back(), (Buffer{0xF7, 0x03}));
  Release of_camera;
  of_camera.update_id = 12;
  const Buffer frames[] = {
      camera::FakeServer::frame_of(of_camera.offer()),
      camera::FakeServer::frame_of(of_camera.packet(1)),
      camera::FakeServer::frame_of(protocol::ImageSent{Part::camera, 12}),
      camera::FakeServer::frame_of(protocol::Capture{1})};
  for (const Buffer& frame : frames) {
    dtu_->mqtt_in("meterlens/m/down", frame, now_ms_);
    EXPECT_EQ(run(), std::vector<Buffer>{frame});
  }
  EXPECT_EQ(dtu_->counters().down_dropped, 0U);
}

TEST_F(DtuUpdate, IsTriedAndConfirmedOnceItsStatusIsAcknowledged) {
  tell(release_.offer());
  run();
  for (std::size_t i = 0; i < release_.packets(); ++i) tell(release_.packet(i));
  EXPECT_THROW(run(1000), Restarted);
  EXPECT_EQ(said_.last(), "11 trying none 5");
  images_.offered = 7;
  acknowledges = false;
  power_on();
  EXPECT_TRUE(images_.on_trial);
  run();
  EXPECT_TRUE(images_.on_trial) << "the broker has not acknowledged the status";
  acknowledges = true;
  unacknowledged = 0;
  run();
  EXPECT_FALSE(images_.on_trial);
  EXPECT_EQ(said_.last(), "0 confirmed none 7");
}

TEST_F(DtuUpdate, WithoutABrokerATrialFallsBack) {
  tell(release_.offer());
  run();
  for (std::size_t i = 0; i < release_.packets(); ++i) tell(release_.packet(i));
  EXPECT_THROW(run(1000), Restarted);
  images_.offered = 7;
  broker_there = false;
  power_on();
  EXPECT_THROW(run(100'000), Restarted);
  broker_there = true;
  power_on();
  EXPECT_EQ(said_.last(), "0 failed not_confirmed 5");
}

}  // namespace
}  // namespace meterlens::update
