// The camera behind a SmartDTU: bare JSON text in both directions.
#include <gtest/gtest.h>

#include <string>

#include "device/camera/camera.h"
#include "device/camera/test_board.h"
#include "protocol/base64.h"
#include "protocol/json.h"

namespace meterlens::camera {
namespace {

using protocol::Dialect;
using protocol::JsonValue;

// A camera whose line carries text; `said` is everything it has said.
class TextWorld {
 public:
  explicit TextWorld(const TextSettings& text = {}) {
    settings.text = text;
    settings.first_dialect = Dialect::smartdtu;
    power_on();
  }
  void power_on() {
    camera = std::make_unique<Camera>(sensor.port(), flash.port(), settings);
    camera->start(now_ms);
  }
  void tell(std::string_view text) {
    camera->receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, now_ms);
  }
  void run(std::uint64_t ms) {
    for (const std::uint64_t end = now_ms + ms; now_ms < end; now_ms += 10) {
      camera->step(now_ms);
      std::array<std::uint8_t, 115> out;
      const std::size_t count = camera->pull(out, now_ms);
      if (count > 0) times.push_back(now_ms);
      said.append(reinterpret_cast<const char*>(out.data()), count);
    }
  }
  std::vector<JsonValue> objects() const {
    std::vector<JsonValue> found;
    std::string_view rest = said;
    while (const auto value = protocol::json_value(rest, rest)) found.push_back(*value);
    EXPECT_TRUE(rest.empty()) << rest;
    return found;
  }

  FakeFlash flash;
  FakeSensor sensor;
  CameraSettings settings{"test-1", Dialect::smartdtu, 1, {}};
  std::unique_ptr<Camera> camera;
  std::string said;
  std::vector<std::uint64_t> times;
  std::uint64_t now_ms = 0;
};

std::int64_t number(const JsonValue& image, const char* key) {
  const auto value = protocol::json_member(image, key);
  return value ? protocol::json_integer(*value).value_or(-1) : -1;
}

std::string text(const JsonValue& image, const char* key) {
  const auto value = protocol::json_member(image, key);
  return value ? std::string(value->text.substr(1, value->text.size() - 2)) : "";
}

// Puts the photo together from the objects and checks every field on the way.
Buffer reassemble(const std::vector<JsonValue>& objects) {
  Buffer photo;
  EXPECT_GE(objects.size(), 2U);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto image = protocol::json_member(objects[i], "image");
    if (!image) return {};
    EXPECT_EQ(number(*image, "count"), static_cast<std::int64_t>(objects.size() - 1));
    if (i + 1 == objects.size()) {
      EXPECT_EQ(protocol::json_member(*image, "image_end")->text, "true");
      const auto hash = protocol::hex(protocol::sha256(photo));
      EXPECT_EQ(text(*image, "sha256"), std::string(hash.data(), hash.size()));
      break;
    }
    EXPECT_EQ(number(*image, "index"), static_cast<std::int64_t>(i));
    std::string binary = text(*image, "image_binary");
    EXPECT_TRUE(binary.ends_with("\\n"));
    binary.resize(binary.size() - 2);
    Buffer data(binary.size());
    data.resize(protocol::base64_decode(binary, data).value_or(0));
    EXPECT_EQ(number(*image, "crc32"), static_cast<std::int64_t>(protocol::crc32(data)));
    photo.insert(photo.end(), data.begin(), data.end());
  }
  return photo;
}

TEST(TextCamera, AnswersACaptureInText) {
  for (const std::size_t bytes : {1U, 639U, 640U, 641U, 1280U, 7970U}) {
    TextWorld world;
    world.sensor.photo = make_photo(bytes, 1);
    world.run(3000);
    EXPECT_EQ(world.said, "");
    world.tell(R"({"capture": 1})");
    world.run(20'000);
    EXPECT_EQ(reassemble(world.objects()), world.sensor.photo) << bytes;
    EXPECT_EQ(world.camera->ring().waiting_count(), 0);
  }
}

TEST(TextCamera, SaysOnlyWhatASmartDtuSurvives) {
  TextWorld world;
  world.tell(R"({"capture":1})");
  world.run(20'000);
  ASSERT_FALSE(world.said.empty());
  for (const char c : world.said) ASSERT_TRUE(c >= 32 && c < 127) << int{c};
  for (const auto& object : world.objects()) {
    EXPECT_FALSE(protocol::json_member(object, "uart1"));
    EXPECT_FALSE(protocol::json_member(object, "payload"));
    EXPECT_LE(object.text.size(), 1024U);
  }
}

TEST(TextCamera, PausesBetweenPieces) {
  TextWorld world({640, 500});
  world.sensor.photo = make_photo(640 * 4, 1);
  world.tell(R"({"capture":1})");
  world.run(20'000);
  int pauses = 0;
  for (std::size_t i = 1; i < world.times.size(); ++i) {
    const std::uint64_t gap_ms = world.times[i] - world.times[i - 1];
    if (gap_ms > 10) {
      EXPECT_GE(gap_ms, 500U);
      ++pauses;
    }
  }
  EXPECT_EQ(pauses, 4);
}

TEST(TextCamera, PieceSizeIsASetting) {
  TextWorld world({1024, 0});
  world.sensor.photo = make_photo(3000, 1);
  world.tell(R"({"capture":1})");
  world.run(20'000);
  EXPECT_EQ(world.objects().size(), 4U);
  EXPECT_EQ(reassemble(world.objects()), world.sensor.photo);
}

TEST(TextCamera, UnderstandsTextHoweverItComes) {
  const char* good[] = {R"({"capture":1})", "  {\n\"capture\" : 1 }\r\n", R"({"capture":5,"x":[]})",
                        R"(noise{"capture":1})", R"({"x":2}{"capture":1})"};
  for (const char* order : good) {
    TextWorld world;
    world.run(100);
    world.tell(order);
    world.run(100);
    const bool taken = world.sensor.starts == 1;
    // What stands right behind noise counts as noise; the next order is heard.
    if (!taken) {
      EXPECT_TRUE(std::string_view(order).starts_with("noise"));
      world.tell(R"({"capture":1})");
      world.run(100);
      EXPECT_EQ(world.sensor.starts, 1);
    }
  }
  for (const char* order : {R"({"capture":0})", R"({"capture":"1"})", R"({"capture":null})", "1",
                            R"(["capture"])", R"("capture")", R"({"Capture":1})", "{}"}) {
    TextWorld world;
    world.run(100);
    world.tell(order);
    world.run(1000);
    EXPECT_EQ(world.sensor.starts, 0) << order;
  }
}

TEST(TextCamera, AnOrderByteByByteIsHeard) {
  TextWorld world;
  for (const char c : std::string_view(R"({"capture": 1})")) {
    world.tell({&c, 1});
    world.run(20);
  }
  world.run(100);
  EXPECT_EQ(world.sensor.starts, 1);
}

TEST(TextCamera, EndlessTextIsBounded) {
  TextWorld world;
  world.tell("{\"a\":\"" + std::string(100'000, 'x'));
  world.run(100);
  world.tell(R"({"capture":1})");
  world.run(100);
  EXPECT_EQ(world.sensor.starts, 1);
}

TEST(TextCamera, GluedOrdersAreOnePhoto) {
  TextWorld world;
  world.tell(R"({"capture": 1}{"capture": 1})");
  world.run(20'000);
  EXPECT_EQ(world.sensor.starts, 1);
  EXPECT_EQ(reassemble(world.objects()), world.sensor.photo);
}

TEST(TextCamera, AFailedShotIsSaidInText) {
  TextWorld world;
  world.sensor.result = -1;
  world.tell(R"({"capture":1})");
  world.run(5000);
  EXPECT_EQ(world.said, R"({"capture_failed":"sensor"})");
}

TEST(TextCamera, TheDialectSurvivesAReset) {
  TextWorld world;
  world.settings.first_dialect = Dialect::native;
  world.power_on();
  world.sensor.photo = make_photo(20'000, 1);
  world.tell(R"({"capture":1})");
  world.run(2500);
  world.power_on();
  EXPECT_EQ(world.camera->dialect(), Dialect::smartdtu);
  world.said.clear();
  world.run(60'000);
  EXPECT_EQ(reassemble(world.objects()), world.sensor.photo);
}

TEST(TextCamera, SwitchesToNativeAndBack) {
  TextWorld world;
  world.sensor.photo = make_photo(20'000, 1);
  world.tell(R"({"capture":1})");
  world.run(2500);
  Buffer unit(link::unit_bytes_max);
  unit.resize(link::encode_unit(FakeServer::frame_of(protocol::Clock{1'700'000'000'000}), unit));
  world.camera->receive(unit, world.now_ms);
  EXPECT_EQ(world.camera->dialect(), Dialect::native);
  world.run(200);
  world.said.clear();
  world.run(1000);
  EXPECT_NE(world.said.find('\0'), std::string::npos);
  world.tell(R"({"status":1})");
  EXPECT_EQ(world.camera->dialect(), Dialect::smartdtu);
  world.run(60'000);
  world.said.erase(0, world.said.rfind('\0') + 1);
  EXPECT_EQ(reassemble(world.objects()), world.sensor.photo);
}

}  // namespace
}  // namespace meterlens::camera
