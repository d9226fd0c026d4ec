#include "server/api/fixture.h"

namespace meterlens::api {
namespace {

TEST_F(ApiTest, TakesSettingsAndShowsThem) {
  const std::string path = "/api/v1/devices/m1/settings/camera";
  EXPECT_EQ(get_json(path)["revision"], 0);
  const std::string answer = send("PUT", port_, path, R"({"frame_size":5,"exposure_bias":-2})");
  ASSERT_EQ(status_of(answer), 202) << answer;
  const json settings = json::parse(body_of(answer));
  EXPECT_EQ(settings["settings"], json::parse(R"({"frame_size":5,"exposure_bias":-2})"));
  EXPECT_EQ(settings["revision"], 3);
  EXPECT_EQ(settings["confirmed_revision"], 0);
  EXPECT_EQ(get_json(path), settings);
  EXPECT_EQ(status_of(send("PUT", port_, "/api/v1/devices/full/settings/dtu", R"({"window":4})")),
            409);
  for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "must be a JSON object"},
           {"{}", "must be a JSON object"},
           {R"({"window":4})", "no setting \"window\" of the camera"},
           {R"({"frame_size":6})", "\"frame_size\" must be a whole number from 0 to 5"},
           {R"({"frame_size":2.0})", "whole number"},
           {R"({"frame_size":"2"})", "whole number"},
           {R"({"frame_size":99999999999999999999})", "whole number"}}) {
    const std::string refused = send("PUT", port_, path, body);
    EXPECT_EQ(status_of(refused), 400) << body;
    const std::string message = json::parse(body_of(refused))["error"]["message"];
    EXPECT_NE(message.find(words), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace meterlens::api
