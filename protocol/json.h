// A scanner for JSON text (RFC 8259, nesting of at most 32): finds where a value ends and looks up
// members, and builds no tree. For the small devices; text is bytes, UTF-8 is not checked.
// No heap, no recursion, any thread. Views point into the caller's text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace meterlens::protocol {

inline constexpr std::size_t json_depth_max = 32;

// Follows one value character by character, so that a text can be cut out of a serial line.
class JsonScanner {
 public:
  enum class State : std::uint8_t { open, done, wrong };

  // Takes the next character. `done` at the last character of the value; only a number standing
  // alone ends one character late (`c` is then not part of it). Afterwards the state stays.
  State put(char c);
  // The text has ended: a number standing alone is now whole.
  State end();

 private:
  enum class Step : std::uint8_t {
    value,
    first_element,
    first_key,
    key,
    colon,
    after,
    string,
    escape,
    unicode,
    literal,
    minus,
    zero,
    integer,
    point,
    fraction,
    exponent,
    sign,
    power,
    done,
    wrong,
  };

  Step next(char c);
  Step begin_value(char c);
  Step begin_key(char c, bool may_close);
  Step after_value(char c);
  Step in_string(char c);
  Step in_number(char c);
  Step open(bool is_object);
  Step close(bool is_object);
  Step end_value() const;
  bool inside_object() const;
  State state() const;

  std::uint32_t objects_ = 0;  // bit d: level d + 1 is an object, else an array
  std::uint8_t depth_ = 0;
  Step step_ = Step::value;
  bool is_key_ = false;
  std::uint8_t left_ = 0;  // of a literal or of \uXXXX
  std::string_view literal_;
};

enum class JsonKind : std::uint8_t { object, array, string, number, literal };

// A whole value as it stands in the text, without the space around it.
struct JsonValue {
  JsonKind kind = JsonKind::literal;
  std::string_view text;
};

// The value at the beginning of `text` (space before it is passed over); `rest` becomes what
// follows it. Nothing when there is no whole, well-formed value.
std::optional<JsonValue> json_value(std::string_view text, std::string_view& rest);

// The one value that `text` consists of, with nothing but space around it.
std::optional<JsonValue> json_text(std::string_view text);

// Walks the members of a well-formed object (a JsonValue's text). Keys are as written: escapes in
// them are not decoded.
class JsonMembers {
 public:
  explicit JsonMembers(std::string_view object);
  bool next();
  std::string_view key() const { return key_; }
  JsonValue value() const { return value_; }

 private:
  std::string_view rest_;
  std::string_view key_;
  JsonValue value_;
};

// The last member of that name, as most parsers have it; nothing when `object` is none.
std::optional<JsonValue> json_member(const JsonValue& object, std::string_view key);

// A whole number within 64 bits, written without fraction or exponent.
std::optional<std::int64_t> json_integer(const JsonValue& value);

// Writes `text` as the inside of a JSON string (quotes not included) and returns the characters
// written; nothing when `out` is too small (6 * text.size() always does). Bytes from 0x80 pass.
std::optional<std::size_t> json_escape(std::string_view text, std::span<char> out);

}  // namespace meterlens::protocol
