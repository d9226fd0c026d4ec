#include "server/fleet/campaign.h"

#include <gtest/gtest.h>

#include <set>

namespace meterlens::fleet {
namespace {

Campaign campaign_of(std::vector<int> steps, std::vector<std::string> canaries = {}) {
  Campaign out;
  out.name = "spring";
  out.image = 7;
  out.target.group = "a";
  out.steps = std::move(steps);
  out.canaries = std::move(canaries);
  return out;
}

std::vector<std::string> devices(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("m" + std::to_string(i));
  return out;
}

TEST(Campaign, StagesTakeTheirShareAndEachDeviceOnce) {
  const auto all = stages_of(campaign_of({10, 50, 100}, {"m3", "m77", "stranger"}), devices(101));
  std::map<int, int> counts;
  std::set<std::string> names;
  for (const auto& one : all) {
    ++counts[one.stage];
    names.insert(one.device);
    EXPECT_EQ(one.stage == 0, one.device == "m3" || one.device == "m77");
  }
  EXPECT_EQ(names.size(), 101U);
  // 10 % of 101 are 11 with the two canaries, 50 % are 51.
  EXPECT_EQ(counts, (std::map<int, int>{{0, 2}, {1, 9}, {2, 40}, {3, 50}}));
}

TEST(Campaign, FewDevicesStillComeInStages) {
  const auto two = stages_of(campaign_of({10, 50, 100}), devices(2));
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].stage, 1);
  EXPECT_EQ(two[1].stage, 3);
  EXPECT_TRUE(stages_of(campaign_of({100}), {}).empty());
}

TEST(Campaign, AStageWaitsForTheOneBefore) {
  Campaign campaign = campaign_of({50, 100});
  std::vector<StageCount> counts{{0, 0, 2, 0}, {3, 1, 1, 0}, {5, 0, 0, 0}};
  EXPECT_EQ(decide(campaign, counts).stage, 1);
  EXPECT_EQ(decide(campaign, counts).state, CampaignState::running);
  counts[1] = {0, 0, 5, 0};
  EXPECT_EQ(decide(campaign, counts).stage, 2);
  counts[2] = {0, 0, 5, 0};
  EXPECT_EQ(decide(campaign, counts).state, CampaignState::done);
  EXPECT_EQ(decide(campaign, {}).state, CampaignState::done);
}

TEST(Campaign, TooManyFailuresStopItAtOnce) {
  Campaign campaign = campaign_of({50, 100});
  campaign.error_percent_max = 20;
  campaign.stage = 1;
  std::vector<StageCount> counts{{}, {6, 1, 1, 2}, {10, 0, 0, 0}};
  EXPECT_EQ(decide(campaign, counts).state, CampaignState::running);  // 2 of 10 are not more
  counts[1] = {5, 1, 1, 3};
  const Decision stopped = decide(campaign, counts);
  EXPECT_EQ(stopped.state, CampaignState::stopped);
  EXPECT_EQ(stopped.reason, "3 of 10 devices of stage 1 have failed, more than 20 %");
  campaign.error_percent_max = 0;
  counts[1] = {9, 0, 0, 1};
  EXPECT_EQ(decide(campaign, counts).state, CampaignState::stopped);
}

TEST(Campaign, WhatCannotBeObeyedIsRefused) {
  EXPECT_TRUE(check(campaign_of({100})));
  EXPECT_FALSE(check(campaign_of({})));
  EXPECT_FALSE(check(campaign_of({50})));
  EXPECT_FALSE(check(campaign_of({50, 50, 100})));
  EXPECT_FALSE(check(campaign_of({0, 100})));
  EXPECT_FALSE(check(campaign_of({100, 101})));
  EXPECT_FALSE(check(campaign_of({100}, {"../x"})));
  Campaign nobody = campaign_of({100});
  nobody.target = {};
  EXPECT_FALSE(check(nobody));
}

}  // namespace
}  // namespace meterlens::fleet
