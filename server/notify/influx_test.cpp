#include "server/notify/influx.h"

#include <gtest/gtest.h>

namespace meterlens::notify {
namespace {

validate::Reading reading() {
  validate::Reading out;
  out.id = 7;
  out.meter = "cellar.1";
  out.value = "195.419";
  out.value_count = 195419;
  out.value_decimals = 3;
  out.at_ms = 1'772'348'709'120;
  out.verdict = validate::Verdict::accepted;
  return out;
}

TEST(Influx, WritesOneLineAReading) {
  validate::Meter meter;
  meter.unit = "m3";
  meter.factor = "10";
  meter.medium = validate::Medium::water;
  EXPECT_EQ(line_of("meter", reading(), meter),
            "meter,meter=cellar.1 value=1954.190,count=195419i,decimals=3i,reading=7i,"
            "verdict=\"accepted\",unit=\"m3\",medium=\"water\" 1772348709120");
}

TEST(Influx, EscapesWhatWouldEndAPart) {
  validate::Meter meter;
  meter.unit = "a\"b\\c\nd";
  validate::Reading odd = reading();
  odd.meter = "a b,c=d\\";
  EXPECT_EQ(line_of("my meter,x", odd, meter),
            "my\\ meter\\,x,meter=a\\ b\\,c\\=d value=195.419,count=195419i,decimals=3i,reading=7i,"
            "verdict=\"accepted\",unit=\"a\\\"b\\\\cd\" 1772348709120");
}

TEST(Influx, DeletesOnePoint) {
  EXPECT_EQ(deletion_v2("meter", reading()),
            R"({"start":"2026-03-01T07:05:09.120Z","stop":"2026-03-01T07:05:09.120Z",)"
            R"("predicate":"_measurement=\"meter\" AND meter=\"cellar.1\""})");
  EXPECT_EQ(deletion_v1("meter", reading()),
            "DELETE FROM \"meter\" WHERE \"meter\" = 'cellar.1' AND time = 1772348709120000000");
}

}  // namespace
}  // namespace meterlens::notify
