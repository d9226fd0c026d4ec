// For tests that run the pipeline's steps in their own thread: real decoder, store and files in a
// folder of their own, one device called m1.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "server/steps.h"

namespace meterlens::server::testing {

inline constexpr std::int64_t minute = 60'000, hour = 60 * minute;
inline constexpr std::int64_t start = 1'700'006'400'000;  // 2023-11-15 00:00 UTC

// Devices that a schedule photographs each night at two, from `since_ms` on.
inline void add_nightly(store::Store& store, const std::vector<std::string>& devices,
                        std::int64_t since_ms) {
  for (const std::string& id : devices) {
    store::Device device;
    device.id = id;
    device.product = "meterlens";
    EXPECT_TRUE(store.save_device(device));
  }
  schedule::Schedule schedule;
  schedule.name = "nights";
  schedule.cron = "0 2 * * *";
  schedule.spread_s = 0;
  schedule.done_ms = since_ms;
  EXPECT_TRUE(store.add_schedule(schedule));
}

class OnSteps : public ::testing::Test {
 protected:
  OnSteps() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "meterlens-steps-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    settings_.embedded.reset();
    settings_.folders = {root_ / "public/images", root_ / "quarantine"};
    settings_.images.folder = root_ / "updates";
  }
  ~OnSteps() override {
    steps_.reset();
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  // Ends the steps that run, opens the store again, and begins anew with the broker connected.
  void restart() {
    steps_.reset();
    store_.reset();
    store_ = *store::Store::open((root_ / "m.db").string(),
                                 {.busy_timeout_ms = 10, .before_write = [this] {
                                    if (before_write_) before_write_();
                                  }});
    steps_ = std::make_unique<Pipeline::Steps>(
        settings_, *store_, metrics_, [this](const Change& change) { changes_.push_back(change); });
    steps_->publish = [this](std::string topic, std::vector<std::uint8_t> payload, int) {
      if (topic == "meterlens/m1/down") sent_.push_back(std::move(payload));
    };
    prepare_clock();
    ASSERT_TRUE(steps_->prepare().has_value());
    steps_->connection(true);
    turn();
  }
  // Before the steps are prepared; theirs is the machine's clock else.
  virtual void prepare_clock() {}

  virtual void turn() {
    std::vector<ingest::Packet> packets;
    std::vector<ingest::Task> tasks;
    steps_->inbox.take(packets, tasks, std::chrono::milliseconds(0));
    for (auto& packet : steps_->decoded) packets.push_back(std::move(packet));
    steps_->decoded.clear();
    steps_->turn(packets, tasks);
  }
  void say(const protocol::Message& message) {
    std::vector<std::uint8_t> frame(protocol::frame_bytes_max);
    frame.resize(protocol::encode_message(message, frame));
    steps_->message("meterlens/m1/up", frame);
    turn();
  }

  std::function<void()> before_write_;  // of the store, in its own thread
  std::filesystem::path root_;
  Settings settings_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Pipeline::Steps> steps_;
  std::vector<Change> changes_;
  std::vector<std::vector<std::uint8_t>> sent_;  // to the device
};

}  // namespace meterlens::server::testing
