#include "server/committer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace meterlens::server {

using metrics::Count;
using photo::Photo;

Committer::Committer(const CommitterLimits& limits, store::Store& store, photo::Files files,
                     metrics::Metrics& metrics)
    : limits_(limits), store_(store), files_(std::move(files)), metrics_(metrics) {}

void Committer::forget(const std::string& device) {
  std::erase_if(held_, [&](const Photo& photo) {
    if (photo.device != device) return false;
    held_bytes_ -= photo.bytes.size();
    return true;
  });
}

Committed Committer::commit(std::int64_t now_ms) {
  Committed out;
  if (!good() && now_ms < next_try_ms_) {
    give_back(std::exchange(waiting_, {}), out);
    return out;
  }
  if (!good()) {
    if (!probe()) {
      fail(std::string(fault_), now_ms);
      give_back(std::exchange(waiting_, {}), out);
      return out;
    }
    recovered();
  }
  while (!waiting_.empty()) {
    const std::size_t count = std::min(waiting_.size(), limits_.group_max);
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Photo> group(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    commit_group(std::move(group), now_ms, out);
  }
  return out;
}

void Committer::commit_group(std::vector<Photo> group, std::int64_t now_ms, Committed& out) {
  if (!good()) return give_back(std::move(group), out);
  if (try_group(group, now_ms, out)) return;
  if (!good() || group.size() == 1) return give_back(std::move(group), out);
  // One row that the engine does not like must not keep the others out.
  for (Photo& photo : group) {
    std::vector<Photo> one;
    one.push_back(std::move(photo));
    if (good() && try_group(one, now_ms, out)) continue;
    give_back(std::move(one), out);
  }
}

bool Committer::try_group(std::vector<Photo>& group, std::int64_t now_ms, Committed& out) {
  if (const auto written = files_.write(group); !written) {
    fail(written.error().message, now_ms);
    return false;
  }
  if (const auto added = store_.add_photos(group); !added) {
    // By the row that may be there the camera will be told that its photo is stored, and delete it.
    // A file that no row names does no harm.
    if (!added.error().may_be_done) files_.remove(group);
    const bool only_here = added.error().code == store::ErrorCode::failed;
    if (only_here) {
      metrics_.add(Count::store_errors);
      spdlog::error(fmt::format("photos: {} not stored: {}", group.size(), added.error().message));
    } else {
      fail(added.error().message, now_ms);
    }
    return false;
  }
  for (Photo& photo : group) {
    photo.bytes = std::vector<std::uint8_t>();
    const bool good_photo = photo.state == photo::PhotoState::stored;
    metrics_.add(good_photo ? Count::photos_stored : Count::photos_quarantined);
    out.stored.push_back(std::move(photo));
  }
  return true;
}

void Committer::give_back(std::vector<Photo> group, Committed& out) {
  for (Photo& photo : group) {
    const bool camera_keeps_it = photo.image_file.empty();
    if (!camera_keeps_it && !good() && held_bytes_ + photo.bytes.size() <= limits_.held_bytes_max) {
      held_bytes_ += photo.bytes.size();
      held_.push_back(std::move(photo));
      continue;
    }
    if (!camera_keeps_it) {
      metrics_.add(Count::photos_forgotten);
      spdlog::error(
          fmt::format("device {}: photo {} is lost: it cannot be stored, and its camera does not "
                      "keep it",
                      photo.device, photo.image_file));
    }
    photo.bytes = std::vector<std::uint8_t>();
    out.refused.push_back(std::move(photo));
  }
}

void Committer::fail(const std::string& fault, std::int64_t now_ms) {
  metrics_.add(Count::store_errors);
  if (good() || logged_ms_ < 0 || now_ms - logged_ms_ >= limits_.log_ms) {
    spdlog::error(
        fmt::format("photos cannot be stored, cameras keep them until they can: {}", fault));
    logged_ms_ = now_ms;
  }
  retry_ms_ = good() ? limits_.retry_ms_first : std::min(2 * retry_ms_, limits_.retry_ms_max);
  fault_ = fault;
  next_try_ms_ = now_ms + retry_ms_;
}

bool Committer::probe() {
  if (const auto checked = store_.check(); !checked) {
    fault_ = checked.error().message;
    return false;
  }
  if (const auto room = files_.probe(); !room) {
    fault_ = room.error().message;
    return false;
  }
  return true;
}

void Committer::clock_moved(std::int64_t by_ms) {
  next_try_ms_ += by_ms;
  if (logged_ms_ >= 0) logged_ms_ = std::max<std::int64_t>(logged_ms_ + by_ms, 0);
}

void Committer::recovered() {
  spdlog::info("photos can be stored again");
  fault_.clear();
  for (Photo& photo : held_) waiting_.push_back(std::move(photo));
  held_.clear();
  held_bytes_ = 0;
}

}  // namespace meterlens::server
