// What the firmware's own files promise to the code: the partition tables, and the set-up page.
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "boards/esp32cam/portable/setup.h"

namespace meterlens::esp32cam {
namespace {

const std::string folder = "boards/esp32cam/";

struct Partition {
  std::string name, type;
  std::uint64_t offset = 0, bytes = 0;
};

std::vector<Partition> read_partitions(const std::string& file) {
  std::ifstream in(folder + file);
  std::vector<Partition> partitions;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    std::vector<std::string> field(5);
    for (std::string& text : field) {
      std::getline(fields >> std::ws, text, ',');
    }
    partitions.push_back({field[0], field[1], std::stoull(field[3], nullptr, 16),
                          std::stoull(field[4], nullptr, 16)});
  }
  return partitions;
}

TEST(Partitions, FillTheFlashAndHoldWhatTheProgramNeeds) {
  struct Case {
    const char* file;
    std::uint64_t flash_bytes;
    std::uint64_t slots;
  };
  for (const Case& c :
       {Case{"partitions.csv", 4U << 20, 10}, {"partitions_8mb.csv", 8U << 20, 32}}) {
    const auto partitions = read_partitions(c.file);
    ASSERT_EQ(partitions.size(), 7U) << c.file;
    std::uint64_t end = 0x9000;  // boot loader and table
    std::map<std::string, Partition> of;
    for (const Partition& partition : partitions) {
      EXPECT_EQ(partition.offset, end) << c.file << " " << partition.name;
      EXPECT_EQ(partition.bytes % 4096, 0U);
      const std::uint64_t alignment = partition.type == "app" ? 0x10000 : 0x1000;
      EXPECT_EQ(partition.offset % alignment, 0U) << partition.name;
      end = partition.offset + partition.bytes;
      of[partition.name] = partition;
    }
    EXPECT_EQ(end, c.flash_bytes) << c.file;
    EXPECT_EQ(of["app0"].bytes, of["app1"].bytes);
    EXPECT_EQ(of["settings"].bytes, 4U * 4096) << "two areas each for camera and DTU";
    EXPECT_EQ(of["photos"].bytes, c.slots * 128 * 1024) << c.file;
  }
}

TEST(Page, HasAFieldForEverySettingAndWordsForEveryFlaw) {
  std::ifstream in(folder + "main/page.html");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  for (const Flaw flaw : {Flaw::ssid, Flaw::wifi_password, Flaw::broker, Flaw::device}) {
    const std::string field = "name=\"" + std::string(name(flaw)) + "\"";
    EXPECT_NE(page.find(field), std::string::npos) << field;
  }
  for (const std::string word :
       {"none:", "form:", "ssid:", "wifi_password:", "broker_flaw:", "device_flaw:"}) {
    const std::size_t english = page.find(word);
    ASSERT_NE(english, std::string::npos) << word;
    EXPECT_NE(page.find(word, english + 1), std::string::npos) << word << " in Chinese";
  }
}

}  // namespace
}  // namespace meterlens::esp32cam
