#include "app/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "app/failure.h"
#include "app/photo_objects.h"
#include "app/stored.h"
#include "reader/crop.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using validate::Reading;

struct ExportCounts {
  int photos = 0, labelled = 0, strips = 0, gone = 0;
};

void write_file(const fs::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw Failure{"cannot write " + path.string()};
}

// Whether the reader looked at the register: it saw as many wheels as there are, and more than half
// of them as they are.
bool window_is_right(const Reading& reading) {
  if (!reading.review) return !reading.digits.empty();
  const std::string& seen = reading.review->seen_digits;
  if (seen.empty() || seen.size() != reading.digits.size()) return false;
  std::size_t same = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) same += seen[i] == reading.digits[i];
  return 2 * same > seen.size();
}

std::array<reader::Point, 4> window_of(const Reading& reading) {
  std::array<reader::Point, 4> window;
  for (std::size_t i = 0; i < window.size(); ++i)
    window[i] = {reading.window[i][0], reading.window[i][1]};
  return window;
}

std::string quad_text(const Reading& reading) {
  std::string text;
  for (const auto& corner : reading.window)
    text += fmt::format("{}{:.1f} {:.1f}", text.empty() ? "" : " ", corner[0], corner[1]);
  return text;
}

class Export {
 public:
  explicit Export(const fs::path& folder) : folder_(folder) {
    std::error_code error;
    for (const char* name : {"images", "strips"}) {
      fs::create_directories(folder_ / name, error);
      if (error) throw Failure{"cannot make " + folder_.string() + ": " + error.message()};
    }
    labels_.open(folder_ / "labels.csv.new");
    labels_ << "file,label,all_accepted,quad,red,meter,strip\n";
  }

  void add(const Reading& reading, const std::string& path, const photo::ReadFile& read_file) {
    const auto bytes = read_file(path, photo::upload_bytes_max);
    if (!bytes && bytes.error().code == photo::FileErrorCode::unreachable)
      throw Failure{bytes.error().message};
    if (!bytes || bytes->empty()) return miss();
    const auto photo = std::as_bytes(std::span(*bytes));
    const std::string name = fmt::format("{}.jpg", reading.id);
    write_file(folder_ / "images" / name, photo);
    std::string quad, strip;
    if (window_is_right(reading)) {
      if (const auto crop = reader::strip_of(photo, window_of(reading))) {
        quad = quad_text(reading);
        strip = "strips/" + name;
        write_file(folder_ / strip, *crop);
        ++counts_.strips;
      }
    }
    const std::string label = is_labelled(reading) ? reading.digits : "";
    ++counts_.photos;
    counts_.labelled += !label.empty();
    labels_ << fmt::format("images/{},{},{},{},{},{},{}\n", name, label, label, quad, reading.red,
                           reading.meter, strip);
  }

  void miss() { ++counts_.gone; }

  ExportCounts finish() {
    labels_.close();
    std::error_code error;
    if (labels_) fs::rename(folder_ / "labels.csv.new", folder_ / "labels.csv", error);
    if (!labels_ || error) throw Failure{"cannot write " + (folder_ / "labels.csv").string()};
    return counts_;
  }

 private:
  fs::path folder_;
  std::ofstream labels_;
  ExportCounts counts_;
};

ExportCounts export_all(store::Store& store, const ExportOptions& options) {
  const auto settings = settings_of(options.config);
  if (!settings) throw Failure{settings.error()};
  auto objects = photo_objects(*settings);
  if (!objects) throw Failure{objects.error()};
  const auto read_file = photo::reader_of(*std::move(objects));
  store::Filter filter{.since_ms = options.since_ms, .reviewed = true,
                       .count_max = std::numeric_limits<int>::max()};
  std::vector<Reading> readings = must(store.readings(filter));
  std::erase_if(readings, [](const Reading& reading) { return !is_labelled(reading); });
  if (options.doubtful) {
    filter.reviewed = false;
    filter.verdict = validate::name(validate::Verdict::doubtful);
    std::ranges::move(must(store.readings(filter)), std::back_inserter(readings));
  }
  Export out(options.out);
  for (const Reading& reading : readings) {
    const auto photo = store.photo(reading.photo);
    // A doubtful reading stays when its photo's time is up.
    if (!photo && photo.error().code == store::ErrorCode::not_found)
      out.miss();
    else
      out.add(reading, must(photo).path, read_file);
  }
  return out.finish();
}

}  // namespace

int export_labels(const ExportOptions& options) {
  const auto store = open_store(options.config);
  if (!store) {
    fmt::print(stderr, "meterlens: {}\n", store.error());
    return 1;
  }
  try {
    const ExportCounts counts = export_all(**store, options);
    fmt::print("{} photos in {}: {} labelled, {} with their window; {} files are gone\n",
               counts.photos, options.out, counts.labelled, counts.strips, counts.gone);
  } catch (const Failure& failure) {
    fmt::print(stderr, "meterlens: {}\n", failure.text);
    return 1;
  }
  return 0;
}

}  // namespace meterlens::app
