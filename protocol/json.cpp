#include "protocol/json.h"

#include <array>
#include <charconv>

namespace meterlens::protocol {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string_view without_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

JsonKind kind_of(char first) {
  switch (first) {
    case '{': return JsonKind::object;
    case '[': return JsonKind::array;
    case '"': return JsonKind::string;
    case 't':
    case 'f':
    case 'n': return JsonKind::literal;
    default: return JsonKind::number;
  }
}

}  // namespace

JsonScanner::State JsonScanner::state() const {
  if (step_ == Step::done) return State::done;
  return step_ == Step::wrong ? State::wrong : State::open;
}

JsonScanner::State JsonScanner::put(char c) {
  step_ = next(c);
  return state();
}

JsonScanner::State JsonScanner::end() {
  put(' ');
  if (step_ != Step::done) step_ = Step::wrong;
  return state();
}

JsonScanner::Step JsonScanner::next(char c) {
  switch (step_) {
    case Step::value: return begin_value(c);
    case Step::first_element: return c == ']' ? close(false) : begin_value(c);
    case Step::first_key: return begin_key(c, true);
    case Step::key: return begin_key(c, false);
    case Step::colon: return is_space(c) ? step_ : (c == ':' ? Step::value : Step::wrong);
    case Step::after: return after_value(c);
    case Step::string:
    case Step::escape:
    case Step::unicode: return in_string(c);
    case Step::literal:
      if (c != literal_[literal_.size() - left_]) return Step::wrong;
      return --left_ == 0 ? end_value() : step_;
    case Step::done:
    case Step::wrong: return step_;
    default: return in_number(c);
  }
}

JsonScanner::Step JsonScanner::begin_value(char c) {
  if (is_space(c)) return step_;
  is_key_ = false;
  switch (c) {
    case '{': return open(true);
    case '[': return open(false);
    case '"': return Step::string;
    case '-': return Step::minus;
    case '0': return Step::zero;
    case 't': literal_ = "true"; break;
    case 'f': literal_ = "false"; break;
    case 'n': literal_ = "null"; break;
    default: return is_digit(c) ? Step::integer : Step::wrong;
  }
  left_ = static_cast<std::uint8_t>(literal_.size() - 1);
  return Step::literal;
}

JsonScanner::Step JsonScanner::begin_key(char c, bool may_close) {
  if (is_space(c)) return step_;
  if (c == '}' && may_close) return close(true);
  is_key_ = true;
  return c == '"' ? Step::string : Step::wrong;
}

JsonScanner::Step JsonScanner::after_value(char c) {
  if (is_space(c)) return Step::after;
  if (c == ',') return inside_object() ? Step::key : Step::value;
  if (c == '}') return close(true);
  return c == ']' ? close(false) : Step::wrong;
}

JsonScanner::Step JsonScanner::in_string(char c) {
  if (step_ == Step::escape) {
    left_ = 4;
    if (c == 'u') return Step::unicode;
    return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos ? Step::string
                                                                            : Step::wrong;
  }
  if (step_ == Step::unicode) {
    if (!is_hex(c)) return Step::wrong;
    return --left_ == 0 ? Step::string : step_;
  }
  if (c == '"') return is_key_ ? Step::colon : end_value();
  if (static_cast<unsigned char>(c) < 0x20) return Step::wrong;
  return c == '\\' ? Step::escape : Step::string;
}

JsonScanner::Step JsonScanner::in_number(char c) {
  const bool digit = is_digit(c);
  switch (step_) {
    case Step::minus: return c == '0' ? Step::zero : (digit ? Step::integer : Step::wrong);
    case Step::point: return digit ? Step::fraction : Step::wrong;
    case Step::exponent:
      if (c == '+' || c == '-') return Step::sign;
      [[fallthrough]];
    case Step::sign: return digit ? Step::power : Step::wrong;
    case Step::integer:
      if (digit) return step_;
      [[fallthrough]];
    case Step::zero:
      if (c == '.') return Step::point;
      break;
    default:
      if (digit) return step_;
  }
  if (step_ != Step::power && (c == 'e' || c == 'E')) return Step::exponent;
  return depth_ == 0 ? Step::done : after_value(c);
}

JsonScanner::Step JsonScanner::open(bool is_object) {
  if (depth_ == json_depth_max) return Step::wrong;
  const std::uint32_t bit = std::uint32_t{1} << depth_++;
  objects_ = is_object ? objects_ | bit : objects_ & ~bit;
  return is_object ? Step::first_key : Step::first_element;
}

JsonScanner::Step JsonScanner::close(bool is_object) {
  if (depth_ == 0 || inside_object() != is_object) return Step::wrong;
  --depth_;
  return end_value();
}

JsonScanner::Step JsonScanner::end_value() const { return depth_ == 0 ? Step::done : Step::after; }

bool JsonScanner::inside_object() const { return (objects_ >> (depth_ - 1) & 1) != 0; }

std::optional<JsonValue> json_value(std::string_view text, std::string_view& rest) {
  text = without_space(text);
  if (text.empty()) return std::nullopt;
  const JsonKind kind = kind_of(text.front());
  JsonScanner scanner;
  std::size_t count = 0;
  JsonScanner::State state = JsonScanner::State::open;
  while (count < text.size() && state == JsonScanner::State::open)
    state = scanner.put(text[count++]);
  if (state == JsonScanner::State::open)
    state = scanner.end();
  else if (kind == JsonKind::number)
    --count;  // the character that ended the number is not part of it
  if (state != JsonScanner::State::done) return std::nullopt;
  rest = text.substr(count);
  return JsonValue{kind, text.substr(0, count)};
}

std::optional<JsonValue> json_text(std::string_view text) {
  std::string_view rest;
  const auto value = json_value(text, rest);
  return without_space(rest).empty() ? value : std::nullopt;
}

JsonMembers::JsonMembers(std::string_view object) : rest_(object.substr(object.empty() ? 0 : 1)) {}

bool JsonMembers::next() {
  rest_ = without_space(rest_);
  if (!rest_.empty() && rest_.front() == ',') rest_.remove_prefix(1);
  const auto key = json_value(rest_, rest_);
  if (!key || key->kind != JsonKind::string) return false;
  key_ = key->text.substr(1, key->text.size() - 2);
  rest_ = without_space(rest_);
  if (rest_.empty() || rest_.front() != ':') return false;
  const auto value = json_value(rest_.substr(1), rest_);
  if (value) value_ = *value;
  return value.has_value();
}

std::optional<JsonValue> json_member(const JsonValue& object, std::string_view key) {
  if (object.kind != JsonKind::object) return std::nullopt;
  std::optional<JsonValue> found;
  for (JsonMembers members(object.text); members.next();)
    if (members.key() == key) found = members.value();
  return found;
}

std::optional<std::int64_t> json_integer(const JsonValue& value) {
  std::int64_t number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [at, error] = std::from_chars(value.text.data(), end, number);
  if (value.kind != JsonKind::number || error != std::errc() || at != end) return std::nullopt;
  return number;
}

std::optional<std::size_t> json_escape(std::string_view text, std::span<char> out) {
  constexpr char hex_letters[] = "0123456789abcdef";
  std::size_t count = 0;
  for (const char c : text) {
    std::array<char, 6> written = {'\\', c, '0', '0', '0', '0'};
    std::size_t size = 2;
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') {
      written[1] = 'n';
    } else if (c == '\r') {
      written[1] = 'r';
    } else if (c == '\t') {
      written[1] = 't';
    } else if (code < 0x20) {
      written = {'\\', 'u', '0', '0', hex_letters[code >> 4], hex_letters[code & 15]};
      size = 6;
    } else if (c != '"' && c != '\\') {
      written[0] = c;
      size = 1;
    }
    if (out.size() - count < size) return std::nullopt;
    for (std::size_t i = 0; i < size; ++i) out[count++] = written[i];
  }
  return count;
}

}  // namespace meterlens::protocol
