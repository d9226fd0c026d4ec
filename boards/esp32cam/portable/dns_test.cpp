#include "boards/esp32cam/portable/dns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace meterlens::esp32cam {
namespace {

using Buffer = std::vector<std::uint8_t>;
constexpr Ipv4 home = {192, 168, 4, 1};

// The question for "name" (labels with dots), of class IN.
Buffer query(std::string_view name, std::uint8_t type) {
  Buffer bytes = {0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0};
  while (!name.empty()) {
    const std::size_t at = std::min(name.find('.'), name.size());
    bytes.push_back(static_cast<std::uint8_t>(at));
    bytes.insert(bytes.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(at));
    name.remove_prefix(std::min(at + 1, name.size()));
  }
  for (const int byte : {0, 0, int{type}, 0, 1}) bytes.push_back(static_cast<std::uint8_t>(byte));
  return bytes;
}

Buffer answer(const Buffer& bytes) {
  Buffer out(dns_bytes_max);
  out.resize(answer_dns(bytes, home, out));
  return out;
}

TEST(Dns, AnswersEveryNameWithTheDevice) {
  const Buffer asked = query("connectivity.example.com", 1);
  const Buffer told = answer(asked);
  ASSERT_EQ(told.size(), asked.size() + 16);
  EXPECT_EQ(Buffer(told.begin(), told.begin() + 8), (Buffer{0x12, 0x34, 0x85, 0, 0, 1, 0, 1}));
  EXPECT_TRUE(std::equal(asked.begin() + 12, asked.end(), told.begin() + 12));
  EXPECT_EQ(Buffer(told.end() - 16, told.end()),
            (Buffer{0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 10, 0, 4, 192, 168, 4, 1}));
}

TEST(Dns, HasNoOtherRecords) {
  const Buffer asked = query("a.b", 28);
  const Buffer told = answer(asked);
  EXPECT_EQ(told.size(), asked.size());
  EXPECT_EQ(told[7], 0);
}

TEST(Dns, PassesOverWhatFollowsTheQuestion) {
  Buffer asked = query("a.b", 1);
  const std::size_t question_bytes = asked.size();
  asked[11] = 1;  // an additional record, as EDNS sends
  for (const int byte : {0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0})
    asked.push_back(static_cast<std::uint8_t>(byte));
  const Buffer told = answer(asked);
  EXPECT_EQ(told.size(), question_bytes + 16);
  EXPECT_EQ(told[11], 0);
}

TEST(Dns, SaysNothingToTheRest) {
  const Buffer good = query("abc.de", 1);
  for (std::size_t bytes = 0; bytes < good.size(); ++bytes)
    EXPECT_TRUE(answer({good.data(), good.data() + bytes}).empty()) << bytes;
  struct Case {
    const char* why;
    std::size_t at;
    std::uint8_t value;
  };
  const Case cases[] = {{"a response", 2, 0x80},
                        {"another operation", 2, 0x10},
                        {"no question", 5, 0},
                        {"two questions", 5, 2},
                        {"an answer", 7, 1},
                        {"an authority", 9, 1},
                        {"a pointer as name", 12, 0xC0},
                        {"a label of 64", 12, 64}};
  for (const Case& c : cases) {
    Buffer bytes = good;
    bytes[c.at] = c.value;
    EXPECT_TRUE(answer(bytes).empty()) << c.why;
  }
  std::string name;
  for (int i = 0; i < 5; ++i) name += std::string(63, 'a') + ".";
  EXPECT_TRUE(answer(query(name, 1)).empty()) << "a name of more than 255 bytes";
  Buffer long_one = good;
  long_one.resize(dns_bytes_max + 1);
  EXPECT_TRUE(answer(long_one).empty());
}

}  // namespace
}  // namespace meterlens::esp32cam
