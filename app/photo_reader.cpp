#include "app/photo_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "reader/reader.h"

namespace meterlens::app {
namespace {

validate::Claim claim_of(const reader::Digits& digits) {
  validate::Claim claim;
  claim.status = reader::name_of(digits.status);
  claim.digits = digits.digits;
  claim.certain = digits.certain;
  claim.red = digits.red;
  claim.red_is_clear = digits.red_confidence >= reader::red_sure;
  claim.confidence = digits.confidence;
  for (std::size_t i = 0; i < claim.window.size(); ++i) {
    claim.window[i] = {digits.window[i].x, digits.window[i].y};
  }
  for (const reader::Wheel& wheel : digits.wheels) claim.wheels.push_back(wheel.confidence);
  claim.ms = digits.ms;
  if (digits.reason != reader::Reason::none) claim.reason = reader::name_of(digits.reason);
  std::ranges::replace(claim.reason, '_', ' ');
  if (digits.alone) {
    claim.prior = fmt::format("the photo alone says {}, {} wheels certain", digits.alone->digits,
                              digits.alone->certain);
  }
  return claim;
}

// A reader serves one thread: each call borrows one.
class Pool {
 public:
  Pool(reader::Reader first, int count) {
    for (int i = 1; i < count; ++i) free_.push_back(first.another());
    free_.push_back(std::move(first));
  }

  validate::Claim read(std::span<const std::byte> jpeg, const reader::Known& known) {
    reader::Reader reader = take();
    const auto digits = reader.read(jpeg, known);
    put(std::move(reader));
    if (digits) return claim_of(*digits);
    validate::Claim claim;
    claim.status = "unreadable";
    claim.reason = digits.error().text;
    return claim;
  }

 private:
  reader::Reader take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !free_.empty(); });
    reader::Reader reader = std::move(free_.back());
    free_.pop_back();
    return reader;
  }
  void put(reader::Reader reader) {
    {
      const std::lock_guard lock(mutex_);
      free_.push_back(std::move(reader));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<reader::Reader> free_;
};

}  // namespace

std::expected<server::ReadPhoto, std::string> open_photo_reader(const std::string& models_folder,
                                                                int threads) {
  if (models_folder.empty()) {
    return std::unexpected("the reader's models are not found; name their folder as models_folder "
                           "in [reader]");
  }
  auto first = reader::Reader::open(models_folder);
  if (!first) {
    return std::unexpected(fmt::format("{}; models_folder in [reader] names the folder",
                                       first.error().text));
  }
  const auto pool = std::make_shared<Pool>(*std::move(first), threads);
  return [pool](std::span<const std::byte> jpeg, const reader::Known& known) {
    return pool->read(jpeg, known);
  };
}

}  // namespace meterlens::app
