// The files that rows of the store name, seen from programs beside the server.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "server/photo/objects.h"
#include "server/store/store.h"

namespace meterlens::app {

// The folders of the settings, and how a backup names them.
class Roots {
 public:
  // `objects`: where photos may be beside the folders, and new ones go; or nothing.
  explicit Roots(const Settings& settings, std::shared_ptr<photo::Objects> objects = {});
  // photos/..., quarantine/... or updates/...; nothing when the path lies in none of the folders.
  std::optional<std::filesystem::path> name_of(const std::string& path) const;
  // The other way.
  std::optional<std::filesystem::path> path_of(const std::filesystem::path& name) const;

  struct Root {
    const char* name;
    std::filesystem::path folder;
  };
  const std::array<Root, 3>& all() const { return roots_; }
  photo::Objects* objects() const { return objects_.get(); }

 private:
  std::array<Root, 3> roots_;
  std::shared_ptr<photo::Objects> objects_;
};

// What lies under a row's path.
enum class Found : std::uint8_t { whole, missing, damaged, unreachable };
// By size and hash, or by size alone. `unreachable`: the object store cannot be asked.
Found look_at(const std::filesystem::path& path, const store::StoredFile& file, bool hash,
              photo::Objects* objects);

// Calls `work` with all files of all rows, some at a time; the store's error ends it.
store::Result<void> for_stored_files(
    store::Store& store, const std::function<store::Result<void>(std::vector<store::StoredFile>&)>&
                             work);

}  // namespace meterlens::app
