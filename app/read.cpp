#include "app/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "app/place.h"
#include "reader/reader.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using reader::Digits;
using reader::Error;
using reader::Fault;
using Outcome = std::expected<Digits, Error>;

std::expected<std::vector<std::byte>, Error> load(const std::string& file) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error) return std::unexpected(Error{Fault::not_a_jpeg, "cannot read it: " + error.message()});
  if (bytes > photo_file_bytes_max) {
    return std::unexpected(Error{Fault::too_large, fmt::format("{} bytes; at most {} are read",
                                                               bytes, photo_file_bytes_max)});
  }
  std::vector<std::byte> content(bytes);
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  if (!in) return std::unexpected(Error{Fault::not_a_jpeg, "cannot read it to the end"});
  return content;
}

Outcome read_one(reader::Reader& reader, const std::string& file) {
  const auto content = load(file);
  if (!content) return std::unexpected(content.error());
  return reader.read(*content);
}

std::string plain_line(const std::string& file, const Outcome& outcome) {
  if (!outcome) return fmt::format("{}: {}", file, outcome.error().text);
  const Digits& digits = *outcome;
  std::string line = fmt::format("{}: {}", file, reader::name_of(digits.status));
  if (!digits.digits.empty()) {
    line += fmt::format(" {} (wheels {}, {} of {} certain, confidence {:.3f})", digits.value,
                        digits.digits, digits.certain, digits.digits.size(), digits.confidence);
  }
  if (digits.reason != reader::Reason::none) {
    line += fmt::format(", {}", reader::name_of(digits.reason));
  }
  return line;
}

std::string line_of(const ReadOptions& options, const std::string& file, const Outcome& outcome) {
  if (!options.json) return plain_line(file, outcome);
  return outcome ? to_json_line(file, *outcome) : to_json_line(file, outcome.error());
}

// Files go out to the readers one by one; lines come back in the order of the files.
class Batch {
 public:
  explicit Batch(const ReadOptions& options) : options_(options), lines_(options.files.size()) {}

  void work(reader::Reader reader) {
    for (std::size_t i = next_++; i < lines_.size(); i = next_++) {
      const std::string& file = options_.files[i];
      const Outcome outcome = read_one(reader, file);
      if (!outcome) has_errors_ = true;
      {
        const std::lock_guard lock(mutex_);
        lines_[i] = line_of(options_, file, outcome);
      }
      finished_.notify_one();
    }
  }

  void print() {
    for (auto& line : lines_) {
      std::unique_lock lock(mutex_);
      finished_.wait(lock, [&] { return line.has_value(); });
      fmt::print("{}\n", *line);
      line->clear();
      std::fflush(stdout);
    }
  }

  bool has_errors() const { return has_errors_; }

 private:
  const ReadOptions& options_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> has_errors_{false};
  std::mutex mutex_;
  std::condition_variable finished_;
  std::vector<std::optional<std::string>> lines_;
};

int thread_count(const ReadOptions& options) {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  const int wanted = options.threads > 0 ? options.threads : std::max(cores, 1);
  return std::clamp(wanted, 1, static_cast<int>(std::max<std::size_t>(options.files.size(), 1)));
}

}  // namespace

int read_photos(const ReadOptions& options) {
  auto first = reader::Reader::open(find_folder(options.models, "reader/models", "models"));
  if (!first) {
    fmt::print(stderr, "meterlens: {}; --models names the folder\n", first.error().text);
    return 1;
  }
  Batch batch(options);
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < thread_count(options); ++i) {
      threads.emplace_back([&batch, reader = first->another()]() mutable {
        batch.work(std::move(reader));
      });
    }
    threads.emplace_back([&batch, reader = *std::move(first)]() mutable {
      batch.work(std::move(reader));
    });
    batch.print();
  }
  return batch.has_errors() ? 1 : 0;
}

}  // namespace meterlens::app
