#include "app/read.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;

TEST(Read, AFolderStandsForTheJpegsInItAndBelow) {
  const fs::path folder = fs::path(testing::TempDir()) / ("read_test_" + std::to_string(getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder / "b" / "deep.jpg");
  fs::create_directories(folder / "empty");
  for (const char* name : {"c.JPG", "b/a.jpeg", "b/z.jpg", "b/deep.jpg/x.jpg", "notes.txt", "jpg"})
    std::ofstream(folder / name) << "x";
  const std::string root = folder.string();
  EXPECT_EQ(photos_in({"first.jpg", root, root + "/notes.txt"}),
            (std::vector<std::string>{"first.jpg", root + "/b/a.jpeg", root + "/b/deep.jpg/x.jpg",
                                      root + "/b/z.jpg", root + "/c.JPG", root + "/notes.txt"}));
  EXPECT_EQ(photos_in({root + "/empty", "missing"}),
            (std::vector<std::string>{root + "/empty", "missing"}));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace meterlens::app
