#include "server/api/fixture.h"

namespace meterlens::api {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

// The fixture's reading is of 1970's first second.
TEST_F(ApiTest, TellsHowTheDayGoesAndHowTheDaysBeforeItWent) {
  json empty = get_json("/api/v1/summary?since=" + std::to_string(20 * day_ms));
  EXPECT_EQ(empty["devices"], 3);
  EXPECT_EQ(empty["online"], 0);
  EXPECT_EQ(empty["days"].size(), 14U);
  EXPECT_EQ(empty["days"][13]["from_ms"], 20 * day_ms);
  EXPECT_EQ(empty["days"][0]["accepted"], 0);

  validate::Reading reading = *store_->reading(1);
  reading.photo = 0;
  reading.verdict = validate::Verdict::doubtful;
  reading.at_ms = day_ms + 5;
  reading.id = store_->add_reading(reading).value();
  for (const auto state : {command::State::failed, command::State::read, command::State::sent}) {
    command::Command command;
    command.device = "m1";
    command.created_ms = day_ms;
    command.state = state;
    ASSERT_TRUE(store_->add_command(command));
  }
  const std::string path = "/api/v1/summary?days=2&since=" + std::to_string(day_ms);
  json summary = get_json(path);
  EXPECT_EQ(summary["doubtful"], 1);
  EXPECT_EQ(summary["captures"], json::parse(R"({"done":1,"open":1,"failed":1})"));
  ASSERT_EQ(summary["days"].size(), 2U);
  EXPECT_EQ(summary["days"][0]["accepted"], 1);
  EXPECT_EQ(summary["days"][1]["doubtful"], 1);

  // A person's word counts, in both directions.
  reading.verdict = validate::Verdict::accepted;
  reading.review = validate::Review{.reviewer = "r", .at_ms = 9};
  ASSERT_TRUE(store_->add_review(reading, 0));
  summary = get_json(path);
  EXPECT_EQ(summary["doubtful"], 0);
  EXPECT_EQ(summary["days"][1]["accepted"], 1);
  validate::Reading first = *store_->reading(1);
  first.verdict = validate::Verdict::doubtful;
  first.review = validate::Review{.reviewer = "r", .at_ms = 9};
  ASSERT_TRUE(store_->add_review(first, 0));
  EXPECT_EQ(get_json(path)["doubtful"], 1);
}

TEST_F(ApiTest, RefusesASummaryOfNoDay) {
  for (const char* query : {"", "?since=0", "?since=x", "?since=5&days=0", "?since=5&days=32",
                            "?since=99999999999999999", "?since=5&days=-1"}) {
    EXPECT_EQ(status_of(get(port_, std::string("/api/v1/summary") + query)), 400) << query;
  }
}

// The console makes its forms from the description.
TEST_F(ApiTest, DescribesEverySettingAsTheDevicesHaveIt) {
  const std::string yaml = body_of(get(port_, "/api/v1/openapi.yaml"));
  for (const auto part : {protocol::Part::camera, protocol::Part::dtu}) {
    for (const protocol::Setting& setting : protocol::settings_of(part)) {
      const std::string line = std::string(setting.name) + ": {type: integer, minimum: " +
                               std::to_string(setting.least) +
                               ", maximum: " + std::to_string(setting.most) +
                               ", default: " + std::to_string(setting.initial) + "}\n";
      EXPECT_NE(yaml.find("        " + line), std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace meterlens::api
