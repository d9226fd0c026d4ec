// The core behind its C interface, used by a program in C (test_program.c).
#include "boards/ec600s/quecopen/meterlens_dtu.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "boards/ec600s/quecopen/test_program.h"
#include "device/link/unit.h"
#include "protocol/message.h"

namespace meterlens::boards {
namespace {

alignas(METERLENS_DTU_ALIGNMENT) std::array<unsigned char, METERLENS_DTU_BYTES> storage;

TestProgram program_for(const char* device) {
  TestProgram program{};
  program.storage = storage.data();
  program.storage_bytes = storage.size();
  program.device = device;
  program.imei = "860000000000001";
  return program;
}

std::vector<std::uint8_t> hello() {
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  const std::size_t bytes =
      protocol::encode_message(protocol::Hello{.firmware = "camera-1"}, frame);
  std::vector<std::uint8_t> unit(link::unit_bytes_max + 1);
  unit.resize(link::encode_unit(std::span(frame).first(bytes), unit));
  return unit;
}

TEST(MeterlensDtuInC, CarriesAFrameAndAnswers) {
  TestProgram program = program_for("m1");
  const auto unit = hello();
  ASSERT_TRUE(test_program_run(&program, unit.data(), unit.size()));
  EXPECT_STREQ(program.subscribed, "meterlens/m1/down");
  EXPECT_STREQ(program.published_to, "meterlens/m1/up");
  EXPECT_EQ(program.publishes, 2U);  // the status, then the frame
  EXPECT_GT(program.line_bytes, 0U) << "a Hello is answered with the time";
}

TEST(MeterlensDtuInC, NoiseIsNotPublished) {
  TestProgram program = program_for("m1");
  const std::string noise("\x05noise\0\x02!\0", 10);
  ASSERT_TRUE(test_program_run(&program, noise.data(), noise.size()));
  EXPECT_STREQ(program.published_to, "meterlens/m1/status");
  EXPECT_NE(std::string(program.published).find("\"firmware\":\"c-1\""), std::string::npos);
}

TEST(MeterlensDtuInC, RefusesWhatIsOutOfRange) {
  EXPECT_GT(meterlens_dtu_bytes(), 20'000U);
  const std::string long_name(65, 'a');
  const struct {
    const char* name;
    void (*spoil)(TestProgram&);
  } wrongs[] = {
      {"no storage", [](TestProgram& p) { p.storage = nullptr; }},
      {"little storage", [](TestProgram& p) { p.storage_bytes = meterlens_dtu_bytes() - 1; }},
      {"alignment", [](TestProgram& p) { p.storage = storage.data() + 1; }},
      {"empty name", [](TestProgram& p) { p.device = ""; }},
      {"no name", [](TestProgram& p) { p.device = nullptr; }},
      {"topic in a name", [](TestProgram& p) { p.device = "a/b"; }},
      {"short imei", [](TestProgram& p) { p.imei = "86000000000000"; }},
      {"imei of letters", [](TestProgram& p) { p.imei = "86000000000000x"; }},
  };
  for (const auto& wrong : wrongs) {
    TestProgram program = program_for("m1");
    wrong.spoil(program);
    EXPECT_FALSE(test_program_run(&program, "", 0)) << wrong.name;
  }
  TestProgram program = program_for(long_name.c_str());
  EXPECT_FALSE(test_program_run(&program, "", 0));
}

}  // namespace
}  // namespace meterlens::boards
