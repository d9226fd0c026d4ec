#include "protocol/ed25519.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "protocol/sha512.h"

namespace meterlens::protocol {
namespace {

// 256 bits, least significant word first. As a field element any number below 2^256 stands for its
// rest modulo p = 2^255 - 19; `canonical` gives the one below p.
using Number = std::array<std::uint32_t, 8>;

constexpr Number one = {1};
constexpr Number edwards_d = {0x135978a3, 0x75eb4dca, 0x4141d8ab, 0x00700a4d,
                              0x7779e898, 0x8cc74079, 0x2b6ffe73, 0x52036cee};
constexpr Number edwards_2d = {0x26b2f159, 0xebd69b94, 0x8283b156, 0x00e0149a,
                               0xeef3d130, 0x198e80f2, 0x56dffce7, 0x2406d9dc};
constexpr Number root_of_minus_one = {0x4a0ea0b0, 0xc4ee1b27, 0xad2fe478, 0x2f431806,
                                      0x3dfbd7a7, 0x2b4d0099, 0x4fc1df0b, 0x2b832480};
// Of the group that the base point makes.
constexpr Number order = {0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000};

// ---- numbers ----

bool is_below(const Number& a, const Number& b) {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

// Adds a small number; the carry out of the top.
std::uint32_t add_small(Number& a, std::uint64_t carry) {
  for (std::uint32_t& word : a) {
    carry += word;
    word = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  return static_cast<std::uint32_t>(carry);
}

// Subtracts; 1 if it went below zero.
std::uint32_t subtract(Number& a, const Number& b) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::uint64_t difference = std::uint64_t{a[i]} - b[i] - borrow;
    a[i] = static_cast<std::uint32_t>(difference);
    borrow = difference >> 63;
  }
  return static_cast<std::uint32_t>(borrow);
}

// ---- the field; results may stand in the place of operands ----

// 2^256 is 38 modulo p, so what is carried out of the top comes in again as 38 times itself.
void fold(Number& a, std::uint64_t carried) {
  while (carried != 0) carried = add_small(a, 38 * carried);
}

void add(Number& out, const Number& a, const Number& b) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    carry += std::uint64_t{a[i]} + b[i];
    out[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  fold(out, carry);
}

void subtract(Number& out, const Number& a, const Number& b) {
  Number rest = a;
  constexpr Number folded = {38};
  for (std::uint32_t borrow = subtract(rest, b); borrow != 0;) borrow = subtract(rest, folded);
  out = rest;
}

void multiply(Number& out, const Number& a, const Number& b) {
  std::array<std::uint32_t, 16> product{};
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      carry += std::uint64_t{a[i]} * b[j] + product[i + j];
      product[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    product[i + b.size()] = static_cast<std::uint32_t>(carry);
  }
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    carry += product[i] + std::uint64_t{38} * product[i + 8];
    out[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  fold(out, carry);
}

void make_canonical(Number& a) {
  const std::uint32_t top = a[7] >> 31;
  a[7] &= 0x7FFFFFFF;
  add_small(a, std::uint64_t{19} * top);
  Number more = a;
  add_small(more, 19);
  if (more[7] >> 31 == 0) return;
  a = more;
  a[7] &= 0x7FFFFFFF;
}

bool are_equal(Number a, Number b) {
  make_canonical(a);
  make_canonical(b);
  return a == b;
}

bool is_zero(const Number& a) { return are_equal(a, {}); }

// a^(2^252 - 3): nearly a square root, and a step on the way to the inverse.
void raise(Number& out, const Number& a) {
  Number power = a;
  for (int bit = 250; bit >= 0; --bit) {
    multiply(power, power, power);
    if (bit != 1) multiply(power, power, a);
  }
  out = power;
}

// a^(p - 2), which is a^(8 (2^252 - 3) + 3).
void invert(Number& out, const Number& a) {
  Number power;
  raise(power, a);
  for (int i = 0; i < 3; ++i) multiply(power, power, power);
  for (int i = 0; i < 3; ++i) multiply(power, power, a);
  out = power;
}

// ---- points ----

// In extended coordinates: x = X/Z, y = Y/Z, x y = T/Z.
struct Point {
  Number x{}, y = one, z = one, t{};
};

constexpr Point base = {{0x8f25d51a, 0xc9562d60, 0x9525a7b2, 0x692cc760, 0xfdd6dc5c, 0xc0a4e231,
                         0xcd6e53fe, 0x216936d3},
                        {0x66666658, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666,
                         0x66666666, 0x66666666},
                        one,
                        {0xa5b7dda3, 0x6dde8ab3, 0x775152f5, 0x20f09f80, 0x64abe37d, 0x66ea4e8e,
                         0xd78b7665, 0x67875f0f}};

// p + q into p. The formula of Hisil, Wong, Carter and Dawson (2008) holds for all points of this
// curve, so doubling needs none of its own.
void add(Point& p, const Point& q) {
  Number a, b, c;
  subtract(a, p.y, p.x);
  subtract(b, q.y, q.x);
  multiply(a, a, b);
  add(b, p.y, p.x);
  add(c, q.y, q.x);
  multiply(b, b, c);
  multiply(c, p.t, q.t);
  multiply(c, c, edwards_2d);
  Number d;
  multiply(d, p.z, q.z);
  add(d, d, d);
  Number& e = p.x;
  subtract(e, b, a);
  add(b, b, a);  // h
  subtract(a, d, c);  // f
  add(d, d, c);  // g
  multiply(p.t, e, b);
  multiply(p.y, d, b);
  multiply(p.z, a, d);
  multiply(p.x, e, a);
}

bool has_small_order(Point p) {
  for (int i = 0; i < 3; ++i) add(p, Point(p));
  return is_zero(p.x);
}

Number number_of(Bytes bytes) {
  Number out{};
  for (std::size_t i = 0; i < 32; ++i) out[i / 4] |= std::uint32_t{bytes[i]} << (8 * (i % 4));
  return out;
}

// x of u/v = x^2; false: there is none.
[[gnu::noinline]] bool find_x(Number& x, const Number& y) {
  Number u, v, power;
  multiply(u, y, y);
  multiply(v, u, edwards_d);
  subtract(u, u, one);
  add(v, v, one);
  // u v^3 (u v^7)^((p - 5) / 8)
  multiply(power, v, v);
  multiply(power, power, v);
  multiply(x, power, u);
  multiply(power, power, power);
  multiply(power, power, v);
  multiply(power, power, u);
  raise(power, power);
  multiply(x, x, power);
  multiply(power, x, x);
  multiply(power, power, v);
  if (are_equal(power, u)) return true;
  add(power, power, u);
  multiply(x, x, root_of_minus_one);
  return is_zero(power);
}

// The point that a key stands for, with x negated.
[[gnu::noinline]] std::optional<Point> negated_point(const PublicKey& key) {
  Point p;
  p.y = number_of(key);
  const std::uint32_t sign = p.y[7] >> 31;
  p.y[7] &= 0x7FFFFFFF;
  Number canonical = p.y;
  make_canonical(canonical);
  if (canonical != p.y || !find_x(p.x, p.y)) return std::nullopt;
  make_canonical(p.x);
  if ((p.x[0] & 1) == sign) subtract(p.x, Number{}, p.x);
  multiply(p.t, p.x, p.y);
  return p;
}

// ---- the signature ----

[[gnu::noinline]] Number challenge(Bytes message, Bytes signature, const PublicKey& key) {
  Sha512 sum;
  sum.add(signature.first(32));
  sum.add(key);
  sum.add(message);
  const auto digest = sum.digest();
  Number rest{};
  for (std::size_t bit = 512; bit-- > 0;) {
    // Doubled, it stays below 2^254.
    for (std::size_t i = rest.size(); i-- > 1;) rest[i] = rest[i] << 1 | rest[i - 1] >> 31;
    rest[0] = rest[0] << 1 | (digest[bit / 8] >> (bit % 8) & 1U);
    if (!is_below(rest, order)) subtract(rest, order);
  }
  return rest;
}

// s base + k other, both scalars in one pass.
[[gnu::noinline]] void combine(Point& out, const Number& s, const Number& k, const Point& other) {
  Point both = base;
  add(both, other);
  out = {};
  for (std::size_t bit = 253; bit-- > 0;) {
    add(out, Point(out));
    const bool with_base = (s[bit / 32] >> (bit % 32) & 1U) != 0;
    const bool with_other = (k[bit / 32] >> (bit % 32) & 1U) != 0;
    if (with_base && with_other) add(out, both);
    if (with_base && !with_other) add(out, base);
    if (!with_base && with_other) add(out, other);
  }
}

// Whether it is the point that these 32 bytes write.
[[gnu::noinline]] bool is_written(const Point& p, Bytes bytes) {
  Number x, y;
  invert(y, p.z);
  multiply(x, p.x, y);
  multiply(y, p.y, y);
  make_canonical(x);
  make_canonical(y);
  y[7] |= (x[0] & 1) << 31;
  return y == number_of(bytes);
}

}  // namespace

std::optional<PublicKey> parse_public_key(std::string_view text) {
  PublicKey key{};
  if (text.size() != 2 * key.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char* at = text.data() + 2 * i;
    if (std::from_chars(at, at + 2, key[i], 16).ptr != at + 2) return std::nullopt;
  }
  return key;
}

bool is_signed(Bytes message, Bytes signature, const PublicKey& key) {
  if (signature.size() != signature_bytes) return false;
  const Number s = number_of(signature.subspan(32));
  if (!is_below(s, order)) return false;
  const Number k = challenge(message, signature, key);
  const auto other = negated_point(key);
  if (!other || has_small_order(*other)) return false;
  Point point;
  combine(point, s, k, *other);
  return is_written(point, signature) && !has_small_order(point);
}

}  // namespace meterlens::protocol
