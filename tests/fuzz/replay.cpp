// A harness without libFuzzer, for one whose rooms take too long to build a second time: calls it
// with each committed input and then with changed ones, always the same.
// Usage: api_inputs CORPUS COUNT LAST; the file LAST holds the input at work, to look at after a
// crash.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

constexpr std::size_t bytes_max = 4096;
constexpr std::string_view pieces[] = {
    "null", "true",    "{}",      "[]",    "[",   "\"",   "\\u0000", "\\ud800",
    "%00",  "%ff",     "%",       "-1",    "0",   "1e999", "../",     "'",
    ";",    "&",       "=",       "\xff", "\xc2", "\r\n", "9223372036854775808",
    "-9223372036854775809"};

class Inputs {
 public:
  explicit Inputs(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
    std::ranges::sort(files);
    for (const auto& file : files) {
      std::ifstream in(file, std::ios::binary);
      all_.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
  const std::vector<std::string>& all() const { return all_; }

  // One of them with one to six places changed.
  std::string changed() {
    std::string out = any();
    for (std::size_t left = 1 + below(6); left > 0; --left) change(out);
    out.resize(std::min(out.size(), bytes_max));
    return out;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  const std::string& any() { return all_[below(all_.size())]; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t end = at + below(std::min<std::size_t>(text.size() - at, 16) + 1);
    switch (below(5)) {
      case 0: text.replace(at, end - at, ""); break;
      case 1: text.insert(at, text.substr(at, end - at)); break;
      case 2: text.insert(at, pieces[below(std::size(pieces))]); break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      default: {
        const std::string& other = any();
        const std::size_t from = below(other.size() + 1);
        text.replace(at, end - at, other.substr(from, below(64)));
      }
    }
  }

  std::vector<std::string> all_;
  std::mt19937 random_{1};
};

}  // namespace

int main(int count, char** words) {
  std::size_t further = 0;
  if (count != 4 ||
      std::from_chars(words[2], words[2] + std::string_view(words[2]).size(), further).ec !=
          std::errc{}) {
    std::fprintf(stderr, "usage: %s CORPUS COUNT LAST\n", words[0]);
    return 2;
  }
  Inputs inputs(words[1]);
  if (inputs.all().empty()) {
    std::fprintf(stderr, "%s: no inputs in %s\n", words[0], words[1]);
    return 2;
  }
  const auto call = [&](const std::string& input) {
    std::ofstream(words[3], std::ios::binary) << input;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  };
  for (const auto& input : inputs.all()) call(input);
  for (std::size_t i = 0; i < further; ++i) call(inputs.changed());
  std::printf("%zu inputs, %zu changed ones\n", inputs.all().size(), further);
}
