// Restores JSON texts from the strings in which a SmartDTU forwards what it read from a UART: one
// text may come in several strings, several texts in one, the last braces may be missing, and bytes
// that begin no text are passed over. Owns the unfinished text, at most `bytes_max` characters.
// A pure value: no clock of its own, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meterlens::ingest {

class TextJoiner {
 public:
  explicit TextJoiner(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes the next string. Appends every text that is complete now, from its first to its last
  // brace, to `texts`; whether it is valid JSON is for the caller to see.
  void add(std::string_view part, std::int64_t now_ms, std::vector<std::string>& texts);

  // The rest of the text did not come. Completes it if only closing braces are missing, or if the
  // string that came before its beginning was its end (publishes overtake each other).
  void give_up(std::vector<std::string>& texts);

  std::size_t pending_bytes() const { return text_.size() + stray_.size(); }
  bool unfinished() const { return depth_ > 0; }
  std::int64_t last_ms() const { return last_ms_; }
  // Characters thrown away since the last call; white space and single braces do not count.
  std::size_t take_dropped();

 private:
  void step(char c, std::vector<std::string>& texts);
  void outside(char c, std::vector<std::string>& texts);
  void begin();
  void finish(std::vector<std::string>& texts);
  void drop();

  std::size_t bytes_max_;
  std::string text_;   // from the first brace on; empty when depth_ is 0
  std::string stray_;  // what came between two texts: perhaps the end of one not yet begun
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  char before_ = 0;  // the last character outside strings that is no white space
  std::int64_t last_ms_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace meterlens::ingest
