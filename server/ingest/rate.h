// How much each device may send: a bucket a device that fills by `per_s` and holds `burst`. A
// message costs one and one more for each 1024 bytes beyond the first. Memory: the devices that
// have sent lately; one whose bucket is full again is forgotten. One thread; the clock is the
// caller's and never goes back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace meterlens::ingest {

struct RateLimit {
  std::int64_t per_s = 100;
  std::int64_t burst = 20'000;
};

class Rate {
 public:
  explicit Rate(const RateLimit& limit)
      : per_ms_(static_cast<double>(limit.per_s) / 1000),
        burst_(static_cast<double>(limit.burst)) {}

  // False: this message is too much.
  bool admits(const std::string& device, std::size_t bytes, std::int64_t now_ms) {
    if (buckets_.size() >= forget_at_) forget(now_ms);
    Bucket& bucket = buckets_.try_emplace(device, Bucket{burst_, now_ms}).first->second;
    bucket.left = left(bucket, now_ms);
    bucket.at_ms = now_ms;
    const auto cost = static_cast<double>(std::max<std::size_t>(1, (bytes + 1023) / 1024));
    if (bucket.left < cost) return false;
    bucket.left -= cost;
    return true;
  }
  std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double left;
    std::int64_t at_ms;
  };
  double left(const Bucket& bucket, std::int64_t now_ms) const {
    return std::min(burst_, bucket.left + per_ms_ * static_cast<double>(now_ms - bucket.at_ms));
  }
  void forget(std::int64_t now_ms) {
    std::erase_if(buckets_, [&](const auto& one) { return left(one.second, now_ms) >= burst_; });
    forget_at_ = std::max(least_, 2 * buckets_.size());
  }

  static constexpr std::size_t least_ = 1024;
  const double per_ms_, burst_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::size_t forget_at_ = least_;
};

}  // namespace meterlens::ingest
