#include "reader/reader.h"

#include <chrono>

#include "reader/decide.h"
#include "reader/jpeg.h"
#include "reader/nets.h"

namespace meterlens::reader {
namespace {

constexpr int side_min = 1000;      // photos are decoded no smaller than this
constexpr int candidates_most = 3;  // windows looked at closely
constexpr int rounds = 2;           // of refinement
constexpr double located_least = 0.12;

struct Look {
  Digits digits;
  double rank = -1;  // to choose between looks at one photo
};

struct Straight {
  Quad window;
  Refined seen;
};

// The window after refinement, the right way up as far as the refiner can tell.
Straight straighten(Nets& nets, Quad window) {
  Refined seen;
  for (int round = 0; round < rounds; ++round) {
    seen = nets.refine(window);
    window = seen.window;
    if (seen.turned > seen.upright) {
      window = turned(window);
      std::swap(seen.turned, seen.upright);
    }
  }
  return {window, seen};
}

Look look_at(Nets& nets, const Candidate& candidate, const Straight& straight, const Quad& window) {
  const Evidence evidence{candidate.score, straight.seen.mirrored, straight.seen.nothing,
                          nets.light(window)};
  const Register row = decide(nets.read(window));
  Look look{judge(row, evidence), 0};
  look.digits.window = window;
  look.rank = (look.digits.status == Status::unreadable ? 0 : 1) +
              row.whole * row.count * (1 - evidence.nothing) * (0.3 + candidate.score) *
                  (0.1 + look.digits.confidence);
  return look;
}

// Both ways up where the refiner wavers.
Look best_look(Nets& nets, const Candidate& candidate) {
  const Straight straight = straighten(nets, candidate.window);
  Look best = look_at(nets, candidate, straight, straight.window);
  if (straight.seen.turned > 0.1) {
    Look other = look_at(nets, candidate, straight, turned(straight.window));
    if (other.rank > best.rank) best = std::move(other);
  }
  return best;
}

Digits read_picture(Nets& nets, double reduced_by) {
  Look best;
  for (const Candidate& candidate : nets.locate(candidates_most)) {
    if (candidate.score < located_least) break;
    Look look = best_look(nets, candidate);
    if (look.rank > best.rank) best = std::move(look);
    if (best.digits.status == Status::read && candidate.score > 0.3) break;
  }
  for (Point& corner : best.digits.window)
    corner = {(corner.x + 0.5) * reduced_by - 0.5, (corner.y + 0.5) * reduced_by - 0.5};
  return best.digits;
}

}  // namespace

struct Reader::Parts {
  Nets nets;
};

std::expected<Reader, Error> Reader::open(const std::filesystem::path& models) {
  auto nets = Nets::open(models);
  if (!nets) return std::unexpected(nets.error());
  return Reader(std::make_unique<Parts>(Parts{std::move(*nets)}));
}

Reader::Reader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Reader Reader::another() const {
  return Reader(std::make_unique<Parts>(Parts{parts_->nets.another()}));
}

std::expected<Digits, Error> Reader::read(std::span<const std::byte> jpeg) {
  const auto start = std::chrono::steady_clock::now();
  auto decoded = decode(jpeg, side_min);
  if (!decoded) return std::unexpected(decoded.error());
  parts_->nets.show(std::move(decoded->picture));
  Digits digits = read_picture(parts_->nets, decoded->reduced_by);
  if (decoded->damaged && digits.status != Status::unreadable) {
    digits.status = Status::doubtful;
    digits.reason = Reason::damaged;
  }
  digits.ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return digits;
}

const char* name_of(Status status) {
  constexpr const char* names[] = {"read", "doubtful", "unreadable"};
  return names[static_cast<std::size_t>(status)];
}

const char* name_of(Reason reason) {
  constexpr const char* names[] = {"none",  "no_meter", "damaged", "mirrored",    "dark",
                                   "glare", "blur",     "turning", "wheel_count", "low_confidence"};
  return names[static_cast<std::size_t>(reason)];
}

}  // namespace meterlens::reader
