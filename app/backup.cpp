#include "app/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "app/failure.h"
#include "app/files.h"
#include "app/photo_objects.h"
#include "app/stored.h"
#include "app/upkeep.h"
#include "server/clock.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using store::StoredFile;

constexpr const char* database_name = "meterlens.db";

struct Counts {
  int photos = 0, images = 0, copied = 0;
  int missing = 0, damaged = 0, elsewhere = 0, removed = 0;
  bool is_whole() const { return missing + damaged + elsewhere == 0; }
};

std::vector<std::uint8_t> bytes_of(const fs::path& from, photo::Objects* objects) {
  const std::string path = from.string();
  auto bytes = photo::is_object(path) && objects != nullptr
                   ? objects->get(path, photo::upload_bytes_max)
                   : photo::Files::read(path, photo::upload_bytes_max);
  if (!bytes) throw Failure{bytes.error().message};
  return *std::move(bytes);
}

void bring(const fs::path& from, const fs::path& to, photo::Objects* objects = nullptr) {
  if (photo::is_object(to.string())) {
    const auto bytes = bytes_of(from, objects);
    const photo::Object one{to.string(), bytes};
    if (const auto put = objects->put({&one, 1}); !put) throw Failure{put.error().message};
    return;
  }
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  const fs::path part = to.string() + ".part";
  if (!error && photo::is_object(from.string())) {
    const auto bytes = bytes_of(from, objects);
    std::ofstream out(part, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw Failure{"cannot write " + part.string()};
  } else if (!error) {
    fs::copy_file(from, part, fs::copy_options::overwrite_existing, error);
  }
  if (!error) fs::rename(part, to, error);
  if (error) {
    throw Failure{fmt::format("cannot copy {} to {}: {}", from.string(), to.string(),
                              error.message())};
  }
}

// All that was written on the disk of `folder` is there for good.
void make_durable(const fs::path& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  const bool good = fd >= 0 && syncfs(fd) == 0;
  if (fd >= 0) close(fd);
  if (!good) throw Failure{fmt::format("cannot make {} durable", folder.string())};
}

void run_tar(const std::vector<std::string>& arguments) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> words;
    for (const std::string& one : arguments) words.push_back(const_cast<char*>(one.c_str()));
    words.push_back(nullptr);
    execvp("tar", words.data());
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
    throw Failure{"tar failed; see above, or name a folder instead of a file"};
}

bool is_tar(const std::string& place) { return place.ends_with(".tar"); }

// Of a tar file, beside it, with the half one: gone at the end, also when that comes early.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& tar) : folder_(tar + ".folder"), part_(tar + ".part") {}
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    fs::remove(part_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& folder() const { return folder_; }
  const std::string& part() const { return part_; }

 private:
  std::string folder_, part_;
};

// The server's own folders and database, whose place a backup must not take.
class OwnPlaces {
 public:
  explicit OwnPlaces(const Settings& settings) : settings_(settings) {}

  // Throws before anything is written there.
  void refuse(const std::string& place) const {
    const fs::path folder = is_tar(place) ? fs::path(place + ".folder") : fs::path(place);
    std::string what = name_of(folder);
    if (what.empty() && is_tar(place)) what = name_of_folder(fs::absolute(place).parent_path());
    if (what.empty()) what = name_of_contents(folder);
    if (what.empty()) return;
    throw Failure{fmt::format("{} is no place for a backup, for {} is there; nothing was written: "
                              "name a place outside of the folders in [storage]", place, what)};
  }

 private:
  static bool is_same(const fs::path& a, const fs::path& b) {
    std::error_code ignored;
    return fs::equivalent(a, b, ignored);
  }
  std::string name_of_folder(const fs::path& folder) const {
    if (is_same(folder, settings_.storage_data_folder)) return "the server's data folder";
    if (is_same(folder, settings_.storage_photo_folder)) return "the server's photo folder";
    return "";
  }
  std::string name_of(const fs::path& folder) const {
    const bool is_file = settings_.store_url.empty();
    if (is_file && is_same(folder / database_name, store_place(settings_)))
      return "the server's database";
    return name_of_folder(folder);
  }
  // A backup's own folders.
  std::string name_of_contents(const fs::path& folder) const {
    const Roots roots(settings_);
    for (const auto& root : roots.all())
      if (is_same(folder / root.name, root.folder))
        return "the server's folder " + root.folder.string();
    return "";
  }

  const Settings& settings_;
};

std::string summary(const Counts& counts, const std::string& place) {
  std::string text = fmt::format("{} photos and {} images in {}, {} of them copied now",
                                 counts.photos, counts.images, place, counts.copied);
  if (counts.removed > 0) text += fmt::format("; {} removed meanwhile", counts.removed);
  if (counts.is_whole()) return text;
  return text + fmt::format("; NOT whole: {} files are missing, {} damaged, {} outside of the "
                            "settings' folders: `meterlens doctor` names them",
                            counts.missing, counts.damaged, counts.elsewhere);
}

class Backup {
 public:
  Backup(const Settings& settings, store::Store& live, fs::path folder)
      : roots_(settings, must(photo_objects(settings))), live_(live), folder_(std::move(folder)) {}

  Counts run() {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw Failure{fmt::format("cannot make {}: {}", folder_.string(), error.message())};
    const std::string part = (folder_ / "meterlens.db.part").string();
    must(live_.copy_to(part));
    {
      const auto copy = must(store::Store::open(part, {.reader_count = 1}));
      must(for_stored_files(*copy, [&](std::vector<StoredFile>& files) {
        return take(*copy, files);
      }));
    }
    make_durable(folder_);
    fs::rename(part, folder_ / database_name, error);
    if (error) throw Failure{fmt::format("cannot name {}: {}", part, error.message())};
    make_durable(folder_);
    return counts_;
  }

 private:
  store::Result<void> take(store::Store& copy, std::vector<StoredFile>& files) {
    std::vector<StoredFile> gone;
    std::erase_if(files, [&](StoredFile& file) {
      const auto name = roots_.name_of(file.path);
      if (!name) {
        ++counts_.elsewhere;
        return true;
      }
      if (take_file(file, *name)) {
        file.path = name->string();
        return false;
      }
      gone.push_back(file);
      return true;
    });
    if (const auto moved = copy.move_files(files); !moved) return moved;
    return copy.forget_files(gone);
  }

  // False when its row is gone, too.
  bool take_file(const StoredFile& file, const fs::path& name) {
    const bool is_photo = file.kind == StoredFile::Kind::photo;
    const fs::path to = folder_ / name;
    if (look_at(to, file, false, nullptr) != Found::whole) {
      const Found found = look_at(file.path, file, true, roots_.objects());
      if (found == Found::unreachable) throw Failure{"cannot ask the photo store for " + file.path};
      if (found == Found::missing && is_photo && !live_.photo(file.id)) {
        ++counts_.removed;
        return false;
      }
      counts_.missing += found == Found::missing;
      counts_.damaged += found == Found::damaged;
      if (found != Found::missing) {
        bring(file.path, to, roots_.objects());
        ++counts_.copied;
      }
    }
    ++(is_photo ? counts_.photos : counts_.images);
    return true;
  }

  Roots roots_;
  store::Store& live_;
  fs::path folder_;
  Counts counts_;
};

class Restore {
 public:
  Restore(const Settings& settings, fs::path folder)
      : settings_(settings),
        roots_(settings, must(photo_objects(settings))),
        folder_(std::move(folder)) {}

  Counts run() {
    const fs::path from = folder_ / database_name;
    std::error_code error;
    if (!fs::exists(from, error))
      throw Failure{fmt::format("{} is no whole backup: it has no {}", folder_.string(),
                                database_name)};
    const bool is_file = settings_.store_url.empty();
    const fs::path database = store_place(settings_);
    if (is_file && fs::exists(database, error)) {
      throw Failure{fmt::format("there is a database {} already: stop its server and move it away "
                                "first", database.string())};
    }
    const fs::path data(settings_.storage_data_folder);
    fs::create_directories(data, error);
    const std::string part = (data / "restore.db.part").string();
    for (const char* end : {"-wal", "-shm"}) fs::remove(part + end, error);
    bring(from, part);
    put_files(part);
    make_durable(data);
    if (is_file) {
      for (const char* end : {"-wal", "-shm"}) fs::remove(database.string() + end, error);
      fs::rename(part, database, error);
      if (error) throw Failure{fmt::format("cannot name {}: {}", part, error.message())};
      make_durable(data);
    } else {
      fill_server(part);
    }
    return counts_;
  }

 private:
  // Brings an older copy up to date, too.
  void put_files(const std::string& part) {
    const auto copy = must(store::Store::open(part, {.reader_count = 1}));
    must(for_stored_files(*copy, [&](std::vector<StoredFile>& files) {
      for (StoredFile& file : files) put_file(file);
      return copy->move_files(files);
    }));
  }

  void put_file(StoredFile& file) {
    const fs::path from = folder_ / file.path;
    const auto to = roots_.path_of(file.path);
    if (!to) {
      ++counts_.elsewhere;
      return;
    }
    const Found found = look_at(from, file, true, nullptr);
    counts_.missing += found == Found::missing;
    counts_.damaged += found == Found::damaged;
    if (found != Found::missing &&
        look_at(*to, file, true, roots_.objects()) != Found::whole) {
      bring(from, *to, roots_.objects());
      ++counts_.copied;
    }
    file.path = to->string();
    ++(file.kind == StoredFile::Kind::photo ? counts_.photos : counts_.images);
  }

  void fill_server(const std::string& part) {
    {
      const auto store = must(store::Store::open(store_place(settings_),
                                                 must(store_options(settings_))));
      must(store->fill_from(part));
    }
    std::error_code ignored;
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(part + end, ignored);
  }

  const Settings& settings_;
  Roots roots_;
  fs::path folder_;
  Counts counts_;
};

// For the server's own page; the backup is what it is without it, too.
void note(const Settings& settings, const std::string& place, const Counts& counts) {
  const std::string words = counts.is_whole() ? "" : summary(counts, place);
  const auto kept = keep_backup(settings, {server::unix_ms(), fs::absolute(place).string(),
                                           counts.photos, counts.images, counts.is_whole(), words});
  if (!kept) fmt::print(stderr, "meterlens: {}\n", kept.error());
}

int report(const Counts& counts, const std::string& place) {
  fmt::print("{}\n", summary(counts, place));
  return counts.is_whole() ? 0 : 1;
}

int guarded(const std::function<int()>& work) {
  try {
    return work();
  } catch (const Failure& failure) {
    fmt::print(stderr, "meterlens: {}\n", failure.text);
    return 1;
  }
}

}  // namespace

int backup(const BackupOptions& options) {
  return guarded([&] {
    umask(S_IRWXG | S_IRWXO);
    const Settings settings = must(settings_of(options.config));
    const auto live = must(open_store(options.config));
    OwnPlaces(settings).refuse(options.place);
    if (!is_tar(options.place)) {
      const Counts counts = Backup(settings, *live, options.place).run();
      note(settings, options.place, counts);
      return report(counts, options.place);
    }
    const WorkFolder work(options.place);
    const Counts counts = Backup(settings, *live, work.folder()).run();
    run_tar({"tar", "-C", work.folder(), "--force-local", "-cf", work.part(), "."});
    std::error_code error;
    fs::rename(work.part(), options.place, error);
    if (error) throw Failure{fmt::format("cannot name {}: {}", work.part(), error.message())};
    make_durable(fs::absolute(options.place).parent_path());
    note(settings, options.place, counts);
    return report(counts, options.place);
  });
}

int restore(const BackupOptions& options) {
  return guarded([&] {
    umask(S_IRWXG | S_IRWXO);
    const Settings settings = must(settings_of(options.config));
    if (!is_tar(options.place))
      return report(Restore(settings, options.place).run(), settings.storage_photo_folder);
    const WorkFolder work(options.place);
    std::error_code error;
    fs::create_directories(work.folder(), error);
    if (error)
      throw Failure{fmt::format("cannot make {}: {}", work.folder(), error.message())};
    run_tar({"tar", "-C", work.folder(), "--force-local", "-xf", options.place});
    const Counts counts = Restore(settings, work.folder()).run();
    return report(counts, settings.storage_photo_folder);
  });
}

}  // namespace meterlens::app
