#include "app/files.h"

#include "server/photo/files.h"

namespace meterlens::app {

namespace fs = std::filesystem;
using store::StoredFile;

namespace {

std::string hex_text(const protocol::Digest& digest) {
  const auto digits = protocol::hex(digest);
  return {digits.begin(), digits.begin() + 2 * static_cast<std::ptrdiff_t>(digest.size())};
}

// `path` below `folder`; nothing when it is elsewhere.
std::optional<fs::path> below(const fs::path& path, const fs::path& folder) {
  const fs::path rest = path.lexically_normal().lexically_relative(folder);
  if (rest.empty() || *rest.begin() == ".." || rest == ".") return {};
  return rest;
}

}  // namespace

Roots::Roots(const Settings& settings) {
  const fs::path data(settings.storage_data_folder);
  roots_ = {Root{"photos", fs::path(settings.storage_photo_folder).lexically_normal()},
            Root{"quarantine", (data / "quarantine").lexically_normal()},
            Root{"updates", (data / "updates").lexically_normal()}};
}

std::optional<fs::path> Roots::name_of(const std::string& path) const {
  for (const Root& root : roots_)
    if (const auto rest = below(path, root.folder)) return fs::path(root.name) / *rest;
  return {};
}

std::optional<fs::path> Roots::path_of(const fs::path& name) const {
  for (const Root& root : roots_)
    if (const auto rest = below(name, root.name)) return root.folder / *rest;
  return {};
}

Found look_at(const fs::path& path, const StoredFile& file, bool hash) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return Found::missing;
  const bool is_image = file.kind == StoredFile::Kind::image;
  if (!is_image && size != static_cast<std::uintmax_t>(file.file_bytes)) return Found::damaged;
  // Of a quarantined photo the hash may be what its camera promised.
  if (!hash || file.quarantined) return Found::whole;
  const auto bytes = photo::Files::read(path.string(), size + 1);
  if (!bytes) return Found::missing;
  const auto digest = protocol::sha256(*bytes);
  // A row of an image has the hash of the program inside; the file is named by its own.
  if (is_image) return path.stem() == hex_text(digest) ? Found::whole : Found::damaged;
  return digest == file.sha256 ? Found::whole : Found::damaged;
}

store::Result<void> for_stored_files(
    store::Store& store,
    const std::function<store::Result<void>(std::vector<StoredFile>&)>& work) {
  for (const auto kind : {StoredFile::Kind::photo, StoredFile::Kind::image}) {
    for (std::int64_t after = 0;;) {
      auto files = store.stored_files(kind, after, 1000);
      if (!files) return std::unexpected(files.error());
      if (files->empty()) break;
      after = files->back().id;
      if (const auto done = work(*files); !done) return done;
    }
  }
  return {};
}

}  // namespace meterlens::app
