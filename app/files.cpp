#include "app/files.h"

#include <utility>

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

// Of an object's path behind the root, and how a backup calls it.
constexpr std::pair<const char*, const char*> object_kinds[] = {{"/images/", "photos"},
                                                                {"/quarantine/", "quarantine"}};

Found look_at_object(const std::string& path, const StoredFile& file, bool hash,
                     photo::Objects* objects) {
  if (objects == nullptr || !path.starts_with(objects->root() + "/")) return Found::unreachable;
  const auto size = objects->size(path);
  if (!size) {
    const bool is_gone = size.error().code == photo::FileErrorCode::not_found;
    return is_gone ? Found::missing : Found::unreachable;
  }
  if (*size != static_cast<std::uint64_t>(file.file_bytes)) return Found::damaged;
  if (!hash || file.quarantined) return Found::whole;
  const auto bytes = objects->get(path, *size);
  if (!bytes) return Found::unreachable;
  return protocol::sha256(*bytes) == file.sha256 ? Found::whole : Found::damaged;
}

}  // namespace

Roots::Roots(const Settings& settings, std::shared_ptr<photo::Objects> objects)
    : objects_(std::move(objects)) {
  const fs::path data(settings.storage_data_folder);
  roots_ = {Root{"photos", fs::path(settings.storage_photo_folder).lexically_normal()},
            Root{"quarantine", (data / "quarantine").lexically_normal()},
            Root{"updates", (data / "updates").lexically_normal()}};
}

std::optional<fs::path> Roots::name_of(const std::string& path) const {
  if (photo::is_object(path)) {
    for (const auto& [kind, name] : object_kinds) {
      const std::string start = objects_ ? objects_->root() + kind : "-";
      if (path.starts_with(start)) return fs::path(name) / path.substr(start.size());
    }
    return {};
  }
  for (const Root& root : roots_)
    if (const auto rest = below(path, root.folder)) return fs::path(root.name) / *rest;
  return {};
}

std::optional<fs::path> Roots::path_of(const fs::path& name) const {
  for (const auto& [kind, folder] : object_kinds) {
    const auto rest = objects_ ? below(name, folder) : std::nullopt;
    if (rest) return fs::path(objects_->root() + kind + rest->string());
  }
  for (const Root& root : roots_)
    if (const auto rest = below(name, root.name)) return root.folder / *rest;
  return {};
}

Found look_at(const fs::path& path, const StoredFile& file, bool hash, photo::Objects* objects) {
  if (photo::is_object(path.string())) return look_at_object(path.string(), file, hash, objects);
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
