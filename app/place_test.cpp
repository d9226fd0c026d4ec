#include "app/place.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace meterlens::app {
namespace {

TEST(Place, PrefersTheNamedFolderThenTheSourceTree) {
  namespace fs = std::filesystem;
  std::string root = (fs::temp_directory_path() / "place_test_XXXXXX").string();
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  fs::create_directories(fs::path(root) / "build/release");
  fs::create_directories(fs::path(root) / "reader/models");
  const fs::path program = fs::path(root) / "build/release/meterlens";
  EXPECT_EQ(find_folder_from(program, "/x", "reader/models", "models"), "/x");
  EXPECT_EQ(find_folder_from(program, "", "reader/models", "models"),
            fs::canonical(root).string() + "/reader/models");
  EXPECT_EQ(find_folder_from(program, "", "no/such", "no-such"), "");
  fs::remove_all(root);
}

}  // namespace
}  // namespace meterlens::app
