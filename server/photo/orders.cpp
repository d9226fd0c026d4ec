#include "server/photo/orders.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "reader/jpeg.h"
#include "server/photo/jpeg_shape.h"
#include "server/photo/picture.h"

namespace meterlens::photo {
namespace {

using Order = std::vector<std::size_t>;
using Joined = std::vector<std::uint8_t>;

Joined join_in(const Order& order, std::span<const Piece> pieces) {
  Joined joined;
  for (const std::size_t index : order)
    joined.insert(joined.end(), pieces[index].begin(), pieces[index].end());
  return joined;
}

Order arrival(std::size_t count) {
  Order order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

Order without_doubles(std::span<const Piece> pieces) {
  Order order;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool doubled = std::any_of(order.begin(), order.end(),
                                     [&](std::size_t j) { return pieces[j] == pieces[i]; });
    if (!doubled) order.push_back(i);
  }
  return order;
}

// The piece with the beginning of a JPEG first, the only short piece last.
void anchor(Order& order, std::span<const Piece> pieces) {
  const auto begins = [&](std::size_t i) {
    const Piece& piece = pieces[i];
    return piece.size() > 2 && piece[0] == 0xff && piece[1] == 0xd8 && piece[2] == 0xff;
  };
  const auto is_short = [&](std::size_t i) { return pieces[i].size() < stock_piece_bytes; };
  const auto first = std::find_if(order.begin(), order.end(), begins);
  if (first != order.end()) std::rotate(order.begin(), first, first + 1);
  const auto last = std::find_if(order.begin(), order.end(), is_short);
  if (last != order.end() && std::count_if(order.begin(), order.end(), is_short) == 1)
    std::rotate(last, last + 1, order.end());
}

Order moved(const Order& order, std::size_t from, std::size_t to) {
  Order changed = order;
  const std::size_t index = changed[from];
  changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(from));
  changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(to), index);
  return changed;
}

// Likeliest first, each once; `natural` of them are the arrival with the obvious put right.
std::vector<Order> likely_orders(std::span<const Piece> pieces, std::size_t& natural) {
  // Two equal pieces are one that came twice: if another was lost as well, the number is right and
  // the picture may even decode.
  std::vector<Order> orders{without_doubles(pieces)};
  const auto add = [&](Order order) {
    if (std::find(orders.begin(), orders.end(), order) == orders.end())
      orders.push_back(std::move(order));
  };
  Order base = orders.front();
  anchor(base, pieces);
  add(base);
  natural = orders.size();
  for (const std::size_t distance : {1u, 2u}) {
    for (std::size_t i = 0; i + distance < base.size(); ++i) {
      add(moved(base, i, i + distance));
      if (distance > 1) add(moved(base, i + distance, i));
    }
  }
  return orders;
}

// The best order so far.
class Contest {
 public:
  // A decoded order enters. `natural`: it needs no proof against equals.
  void enter(Joined bytes, Picture picture, bool natural) {
    if (!champion_.gray.empty()) {
      const double against = compare_seams(picture, champion_);
      if (against > 1 / clearly) return;
      if (against >= clearly) {
        // Pictures alike, or no telling.
        disputed_ = disputed_ || !natural_;
        return;
      }
    }
    champion_ = std::move(picture);
    bytes_ = std::move(bytes);
    natural_ = natural;
    disputed_ = false;
  }
  bool empty() const { return champion_.gray.empty(); }

  std::expected<Joined, std::string> winner() {
    if (disputed_) return std::unexpected("pieces out of order, several orders look right");
    return std::move(bytes_);
  }

 private:
  // Of the ratio of seams.
  static constexpr double clearly = 0.8;

  Joined bytes_;
  Picture champion_;
  bool natural_ = false;
  bool disputed_ = false;
};

}  // namespace

Joined join(std::span<const Piece> pieces) { return join_in(arrival(pieces.size()), pieces); }

std::string check_whole(protocol::Bytes bytes) {
  if (const auto shape = look(bytes); !shape) return name(shape.error());
  const auto whole = reader::check_whole(std::as_bytes(bytes));
  return whole ? std::string() : whole.error().text;
}

std::expected<Joined, std::string> best_order(std::span<const Piece> pieces, const Effort& effort) {
  Contest contest;
  std::size_t natural = 0;
  std::uint64_t pixels = 0;
  const std::vector<Order> orders = likely_orders(pieces, natural);
  const std::size_t neighbours = natural + orders.front().size();
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (i >= neighbours && pixels > effort.far_pixels_max && !contest.empty()) break;
    Joined joined = join_in(orders[i], pieces);
    const auto shape = look(joined);
    if (!shape) continue;
    pixels += std::uint64_t{shape->width} * shape->height;
    if (pixels > effort.pixels_max) {
      if (i < neighbours) return std::unexpected("too large to find out the order of its pieces");
      break;
    }
    if (auto picture = decode(joined, *shape))
      contest.enter(std::move(joined), *std::move(picture), i < natural);
  }
  if (!contest.empty()) return contest.winner();
  std::string wrong = check_whole(join(pieces));
  if (wrong.empty()) wrong = "a piece came twice, another is lost";
  return std::unexpected(std::move(wrong));
}

}  // namespace meterlens::photo
