#include "server/ingest/text_joiner.h"

#include <utility>

namespace meterlens::ingest {
namespace {

// Deeper than anything a camera or a DTU sends.
constexpr int depth_max = 16;
constexpr std::size_t stray_bytes_max = 4096;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// After these a value cannot begin: a brace here opens the next text.
bool ends_value(char c) { return c != ':' && c != ',' && c != '[' && c != '{'; }

}  // namespace

void TextJoiner::add(std::string_view part, std::int64_t now_ms, std::vector<std::string>& texts) {
  last_ms_ = now_ms;
  // No string of this dialect has a brace in it, so the rest of the last text was lost.
  if (in_string_ && part.starts_with("{\"")) give_up(texts);
  for (const char c : part) step(c, texts);
}

void TextJoiner::give_up(std::vector<std::string>& texts) {
  if (depth_ == 0) {
    dropped_ += stray_.size() > 2 ? stray_.size() : 0;
    stray_.clear();
    return;
  }
  for (const char c : std::exchange(stray_, {})) {
    if (depth_ > 0) step(c, texts);
  }
  if (depth_ == 0) return;
  if (!in_string_ && ends_value(before_)) {
    finish(texts);
  } else {
    drop();
  }
}

std::size_t TextJoiner::take_dropped() { return std::exchange(dropped_, 0); }

void TextJoiner::step(char c, std::vector<std::string>& texts) {
  if (depth_ == 0) {
    if (c == '{') {
      begin();
    } else if (!is_space(c)) {
      if (stray_.size() >= stray_bytes_max) {
        dropped_ += stray_.size();
        stray_.clear();
      }
      stray_ += c;
    }
    return;
  }
  if (text_.size() >= bytes_max_ || depth_ > depth_max) {
    drop();
    return;
  }
  if (!in_string_) {
    outside(c, texts);
    return;
  }
  text_ += c;
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
    before_ = '"';
  }
}

void TextJoiner::outside(char c, std::vector<std::string>& texts) {
  if (is_space(c)) {
    text_ += c;
    return;
  }
  if (c == '{' && ends_value(before_)) {
    finish(texts);
    begin();
    return;
  }
  text_ += c;
  before_ = c;
  if (c == '"') in_string_ = true;
  if (c == '{' || c == '[') ++depth_;
  if ((c == '}' || c == ']') && --depth_ == 0) finish(texts);
}

void TextJoiner::begin() {
  text_ = "{";
  depth_ = 1;
  before_ = '{';
}

void TextJoiner::finish(std::vector<std::string>& texts) {
  text_.append(static_cast<std::size_t>(depth_), '}');
  texts.push_back(std::exchange(text_, {}));
  depth_ = 0;
  dropped_ += stray_.size() > 2 ? stray_.size() : 0;
  stray_.clear();
}

void TextJoiner::drop() {
  dropped_ += text_.size();
  text_ = std::string();
  depth_ = 0;
  in_string_ = false;
  escaped_ = false;
}

}  // namespace meterlens::ingest
