#include "reader/reader.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "reader/decide.h"
#include "reader/jpeg.h"
#include "reader/known.h"
#include "reader/nets.h"
#include "reader/trust.h"

namespace meterlens::reader {
namespace {

constexpr int side_min = 1000;      // photos are decoded no smaller than this
constexpr int wheel_side_min = 96;  // likewise the picture of one wheel
constexpr int candidates_most = 3;  // windows looked at closely
constexpr double located_least = 0.12, located_well = 0.3;  // of the locator's scores
constexpr double moved_far = 0.07;  // the refiner looks again at a window that it moved by more
constexpr double nothing_there = 0.9;
constexpr double same_window = 0.08;  // windows are alike with corners so near, in widths
constexpr double sure_upright = 0.97;
constexpr double surely_register = 0.9;
constexpr double maybe_display = 0.1;  // of the display's net
// Of the wheel's net: 98 of 100 registers of wheels that are read look less like an LCD.
constexpr double hint_of_display = 0.005;
constexpr double known_located = 0.999;    // a known window counts as one found so well
constexpr double known_whole_least = 0.6;  // less: the window is wrong, or upside down
constexpr Cuts one_cut{0, 1}, more_cuts{1, cut_count};
constexpr double near_in_pitches = 0.05;  // wheels are where they were seen before

struct Look {
  Digits digits;
  double rank = -1;  // to choose between looks at one photo
  double trust = 0;  // that this is a whole register, read or not

  bool is_register() const { return trust > 0.5; }
};

struct Straight {
  Quad window;
  Refined seen;
};

void refine_once(Nets& nets, Straight& straight) {
  straight.seen = nets.refine(straight.window);
  straight.window = straight.seen.window;
  if (straight.seen.turned > straight.seen.upright) {
    straight.window = turned(straight.window);
    std::swap(straight.seen.turned, straight.seen.upright);
  }
}

// The window after refinement, the right way up as far as the refiner can tell.
Straight straighten(Nets& nets, const Quad& window) {
  Straight straight{window, {}};
  refine_once(nets, straight);
  if (straight.seen.moved > moved_far || straight.seen.upright < 0.9) refine_once(nets, straight);
  return straight;
}

// Further opinions of some wheels of the row.
void look_again(Nets& nets, const Quad& window, const Register& row,
                const std::vector<std::size_t>& wheels, Cuts which,
                std::vector<WheelOpinion>& opinions) {
  std::vector<double> centres;
  for (const std::size_t wheel : wheels) centres.push_back(row.centres[wheel]);
  for (WheelOpinion& opinion : nets.read_wheels(window, centres, row.pitch, which)) {
    opinion.wheel = wheels[opinion.wheel];
    opinions.push_back(opinion);
  }
}

// Opinions of wheels that stand elsewhere than where they were seen are replaced.
void look_at_moved(Nets& nets, const Quad& window, const Register& before, const Register& row,
                   Cuts which, std::vector<WheelOpinion>& opinions) {
  std::vector<std::size_t> moved;
  const bool is_another = before.centres.size() != row.centres.size();
  for (std::size_t i = 0; i < row.centres.size(); ++i)
    if (is_another || std::abs(before.centres[i] - row.centres[i]) > near_in_pitches * row.pitch)
      moved.push_back(i);
  std::erase_if(opinions, [&](const WheelOpinion& opinion) {
    return is_another || std::ranges::find(moved, opinion.wheel) != moved.end();
  });
  look_again(nets, window, row, moved, which, opinions);
}

// One cut where that is enough, else further looks at the unclear wheels, else all cuts of the row.
// before: of a look at its wheels alone, with what was seen of them.
template <typename IsEnough>
Register read_row(Nets& nets, const Quad& window, IsEnough is_enough, const Register& before = {},
                  std::vector<WheelOpinion> opinions = {}) {
  std::vector<Glimpse> glimpses = nets.read(window, one_cut);
  const Sight first = sight_of(glimpses);
  look_at_moved(nets, window, before, first.row, one_cut, opinions);
  Register row = decide(first, opinions);
  if (row.wheels.empty() || is_enough(row)) return row;
  look_again(nets, window, row, unsure_wheels(row), more_cuts, opinions);
  row = decide(first, opinions);
  if (is_enough(row)) return row;
  for (Glimpse& glimpse : nets.read(window, more_cuts)) glimpses.push_back(std::move(glimpse));
  const Sight all = sight_of(glimpses);
  look_at_moved(nets, window, first.row, all.row, {}, opinions);
  return decide(all, opinions);
}

// One window the right way up as the refiner sees it, and what is known of the meter.
struct View {
  double located = 0;
  Refined seen;
  Light light;
  const Known& known;
};

Look look_of(const View& view, const Quad& window, const Register& seen) {
  const Evidence evidence{view.located,  view.seen.mirrored, view.seen.nothing,
                          view.light,    seen.count,         seen.whole,
                          seen.evenness, seen.shown,         seen.lcd};
  const Register row = trusted(seen, evidence);
  Look look{judge(row, evidence, window, view.known), 0, row.trust};
  look.digits.window = window;
  look.rank = (look.digits.status == Status::unreadable ? 0 : 1) +
              row.trust * (0.3 + view.located) * (0.1 + look.digits.confidence);
  return look;
}

Look look_at(Nets& nets, const View& view, const Quad& window) {
  const bool nothing = view.seen.nothing > nothing_there;
  return look_of(view, window, nothing ? Register{} : read_row(nets, window, is_sure));
}

Point between(const Point& from, const Point& to, double share) {
  return {from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share};
}

// The part of the window that the row's digits take.
Quad window_of(const Register& row, const Quad& window) {
  const double left = row.centres.front() - row.pitch / 2;
  const double right = row.centres.back() + row.pitch / 2;
  return {between(window[0], window[1], left), between(window[0], window[1], right),
          between(window[3], window[2], right), between(window[3], window[2], left)};
}

// An LCD's digits, the way up that they are surer of. Their window has no edge where they begin and
// end, which misleads the refiner.
Look look_at_display(Nets& nets, View view, Quad window, bool is_lcd) {
  std::vector<Glimpse> glimpses = nets.read_display(window, one_cut);
  std::vector<Glimpse> others = nets.read_display(turned(window), one_cut);
  if (others[0].whole > glimpses[0].whole) std::swap(glimpses, others), window = turned(window);
  const double whole = glimpses[0].whole, other = others[0].whole;
  if (!is_lcd && whole < maybe_display) return {};
  view.seen.mirrored = other / (whole + other);
  for (Glimpse& glimpse : nets.read_display(window, more_cuts))
    glimpses.push_back(std::move(glimpse));
  const Sight sight = sight_of(glimpses);
  const Register& row = sight.row;
  if (row.centres.empty()) return {};
  Look look = look_of(view, window,
                      decide_display(sight, nets.read_wheels(window, row.centres, row.pitch)));
  look.digits.window = window_of(row, window);
  return look;
}

// The look at it as a display where it may be one and is.
Look with_display(Nets& nets, const View& view, const Quad& window, Look look) {
  if (look.is_register() && look.digits.evidence.lcd < hint_of_display) return look;
  const bool is_lcd = look.digits.display == Display::lcd;
  Look shown = look_at_display(nets, view, window, is_lcd);
  if (shown.digits.status == Status::unreadable) return look;
  return is_lcd || shown.is_register() || shown.rank > look.rank ? shown : look;
}

// Both ways up where the refiner wavers.
Look best_look(Nets& nets, const Candidate& candidate, const Known& known) {
  const Straight straight = straighten(nets, candidate.window);
  const View view{candidate.score, straight.seen, nets.light(straight.window), known};
  Look best = look_at(nets, view, straight.window);
  if (straight.seen.turned > 0.1) {
    Look other = look_at(nets, view, turned(straight.window));
    if (other.rank > best.rank) best = std::move(other);
  }
  return with_display(nets, view, straight.window, std::move(best));
}

bool is_read(const Look& look) { return look.digits.status == Status::read; }

// Corners all near each other.
bool alike(const Quad& a, const Quad& b) {
  for (std::size_t i = 0; i < 4; ++i)
    if (distance(a[i], b[i]) > same_window * width_of(b)) return false;
  return true;
}

class Search {
 public:
  Search(Nets& nets, const Known& known) : nets_(nets), known_(known) {}

  // Looks at the likeliest windows until one is read, and then only for a second meter.
  void run(int side) {
    for (const Candidate& candidate : nets_.locate(side, candidates_most)) {
      if (candidate.score < located_least) return;
      const auto seen = [&](const Quad& window) { return alike(candidate.window, window); };
      if (std::ranges::any_of(looked_, seen)) continue;
      looked_.push_back(candidate.window);
      if (!is_done_)
        look_closely(candidate);
      else if (apart(candidate.window, best_.digits.window))
        look_for_another(candidate);
    }
  }

  bool is_done() const { return is_done_; }
  Digits result() { return std::move(best_.digits); }

 private:
  void look_closely(const Candidate& candidate) {
    Look look = best_look(nets_, candidate, known_);
    if (look.rank > best_.rank) best_ = std::move(look);
    // Where a register surely is, no closer search finds more of it.
    is_done_ = (is_read(best_) || best_.trust > surely_register) && candidate.score > located_well;
  }

  void look_for_another(const Candidate& candidate) {
    Look look = best_look(nets_, candidate, known_);
    if (!look.is_register() || !apart(look.digits.window, best_.digits.window)) return;
    if (look.rank > best_.rank) best_ = std::move(look);
    best_.digits.status = Status::doubtful, best_.digits.reason = Reason::several_meters;
  }

  Nets& nets_;
  const Known& known_;
  std::vector<Quad> looked_;
  Look best_;
  bool is_done_ = false;
};

Quad scaled(Quad window, double by) {
  for (Point& corner : window) corner = {(corner.x + 0.5) * by - 0.5, (corner.y + 0.5) * by - 0.5};
  return window;
}

Quad moved(Quad window, double x, double y) {
  for (Point& corner : window) corner = {corner.x + x, corner.y + y};
  return window;
}

bool is_usable(const Quad& window) {
  return is_window(window) && width_of(window) > 8 && distance(window[0], window[3]) > 2;
}

// As many wheels as the meter has, side by side.
Register known_places(const Known& known) {
  Register row;
  row.pitch = 1.0 / known.wheels;
  for (int i = 0; i < known.wheels; ++i) row.centres.push_back((i + 0.5) * row.pitch);
  return row;
}

// Each read by itself.
Register row_alone(const Register& places, const std::vector<WheelOpinion>& opinions, int red) {
  Register row = decide_alone(opinions);
  row.centres = places.centres, row.pitch = places.pitch;
  for (std::size_t i = 0; i < row.wheels.size(); ++i)
    row.wheels[i].red = i + static_cast<std::size_t>(red) >= row.wheels.size() ? 1 : 0;
  return row;
}

// No wheel is left open but a last one that turns.
bool is_whole(const Look& look) {
  const auto count = static_cast<int>(look.digits.wheels.size());
  const bool turns = look.digits.reason == Reason::turning;
  return is_read(look) && look.digits.certain >= (turns ? count - 1 : count);
}

// The meter where it was before; not read when there is any doubt that it still is there.
Look known_look(Nets& nets, const Quad& window, const Known& known) {
  Straight straight{window, {}};
  refine_once(nets, straight);
  const Refined& seen = straight.seen;
  if (seen.upright < sure_upright || !alike(seen.window, window)) return {};
  const View view{known_located, seen, nets.light(seen.window), known};
  const auto look_of_row = [&](const Register& row) { return look_of(view, seen.window, row); };
  Register places;
  std::vector<WheelOpinion> opinions;
  // Without an earlier reading the wheel's net alone is never sure of so many.
  const bool is_laid_out = known.wheels >= 4 && known.wheels <= wheels_max && known.red >= 0;
  if (is_laid_out && known.earlier) {
    places = known_places(known);
    opinions = nets.read_wheels(seen.window, places.centres, places.pitch, one_cut);
    Look look = look_of_row(row_alone(places, opinions, known.red));
    // Wheels that are not all there are laid out wrong, and the row's net counts them.
    if (is_whole(look) && look.digits.evidence.whole >= known_whole_least) return look;
  }
  // What the earlier reading leaves no doubt of needs no further cuts.
  const auto is_enough = [&](const Register& row) {
    return is_sure(row) || is_whole(look_of_row(row));
  };
  Look look = look_of_row(read_row(nets, seen.window, is_enough, places, std::move(opinions)));
  const bool same_count =
      known.wheels == 0 || look.digits.wheels.size() == static_cast<std::size_t>(known.wheels);
  return same_count && look.digits.evidence.whole >= known_whole_least ? look : Look{};
}

// The meter where it was before, in the part of the photo that begins at `origin`.
Look look_in_part(Nets& nets, const Point& origin, Known known) {
  known.window = moved(*known.window, -origin.x, -origin.y);
  Look there = known_look(nets, *known.window, known);
  there.digits.window = moved(there.digits.window, origin.x, origin.y);
  return there;
}

// seen: of the meter where it was before, if that was looked at already.
Digits read_photo(Nets& nets, double reduced_by, Known known, std::optional<Look> seen) {
  if (known.window) known.window = scaled(*known.window, 1 / reduced_by);
  Look there = seen.value_or(Look{});
  if (!seen && known.window && is_usable(*known.window))
    there = known_look(nets, *known.window, known);
  if (is_read(there)) return there.digits;
  Search search(nets, known);
  search.run(locator_side);
  if (!search.is_done()) search.run(locator_side_close);
  Digits found = search.result();
  // Its neighbour is no substitute for a meter that cannot be read.
  const bool still_there = there.digits.status == Status::doubtful;
  if (still_there && apart(found.window, there.digits.window)) return there.digits;
  const bool is_another =
      known.is_drawn && known.window && apart(found.window, *known.window);
  if (is_another && found.status == Status::read)
    found.status = Status::doubtful, found.reason = Reason::several_meters;
  return found;
}

}  // namespace

struct Reader::Parts {
  Nets nets;
  Photo photo{};  // its memory serves every photo
};

std::expected<Reader, Error> Reader::open(const std::filesystem::path& models, Engine engine) {
  auto nets = Nets::open(models, engine);
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

std::expected<Digits, Error> Reader::read(std::span<const std::byte> jpeg, const Known& known) {
  const auto start = std::chrono::steady_clock::now();
  Photo& photo = parts_->photo;
  Nets& nets = parts_->nets;
  std::optional<Look> there;
  if (known.window && is_usable(*known.window))
    if (const auto origin = decode_part(jpeg, side_min, part_of(*known.window), photo)) {
      nets.show(photo);
      there = look_in_part(nets, *origin, known);
    }
  Digits digits;
  if (there && is_read(*there)) {
    digits = std::move(there->digits);
  } else {
    if (auto decoded = decode_planes(jpeg, side_min, photo); !decoded)
      return std::unexpected(decoded.error());
    nets.show(photo);
    digits = read_photo(nets, photo.reduced_by, known, std::move(there));
    digits.window = scaled(digits.window, photo.reduced_by);
    if (photo.damaged && digits.status != Status::unreadable) {
      digits.status = Status::doubtful;
      digits.reason = Reason::damaged;
    }
  }
  digits.ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return digits;
}

std::expected<Wheel, Error> Reader::read_wheel(std::span<const std::byte> jpeg) {
  const auto decoded = decode(jpeg, wheel_side_min);
  if (!decoded) return std::unexpected(decoded.error());
  Wheel wheel = wheel_of(parts_->nets.read_wheel(decoded->picture));
  if (decoded->damaged) wheel.confidence = 0;
  return wheel;
}

const char* name_of(Status status) {
  constexpr const char* names[] = {"read", "doubtful", "unreadable"};
  return names[static_cast<std::size_t>(status)];
}

const char* name_of(Reason reason) {
  constexpr const char* names[] = {"none",        "no_meter",       "damaged",        "mirrored",
                                   "dark",        "glare",          "blur",           "turning",
                                   "wheel_count", "low_confidence", "several_meters", "display"};
  return names[static_cast<std::size_t>(reason)];
}

const char* name_of(Display display) { return display == Display::lcd ? "lcd" : "wheels"; }

}  // namespace meterlens::reader
