#include "sim/load_passwords.h"

#include <fmt/format.h>

#include <fstream>
#include <vector>

#include "sim/load_links.h"

namespace meterlens::sim {

std::string with_device(std::string pattern, const std::string& device) {
  constexpr std::string_view word = "{device}";
  for (auto at = pattern.find(word); at != std::string::npos;
       at = pattern.find(word, at + device.size()))
    pattern.replace(at, word.size(), device);
  return pattern;
}

Passwords::Passwords(const std::string& path) : path_(path) {
  if (path.empty()) return;
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(line);
  if (lines.empty()) throw LoadFailure{fmt::format("cannot read passwords from {}", path)};
  if (lines.size() == 1 && lines.front().find(':') == std::string::npos) {
    of_all_ = lines.front();
    return;
  }
  for (const std::string& line : lines) {
    const auto colon = line.find(':');
    if (colon == std::string::npos)
      throw LoadFailure{fmt::format("{}: a line is not DEVICE:PASSWORD", path)};
    by_device_[line.substr(0, colon)] = line.substr(colon + 1);
  }
}

std::string Passwords::of(const std::string& device) const {
  if (by_device_.empty()) return with_device(of_all_, device);
  const auto at = by_device_.find(device);
  if (at == by_device_.end())
    throw LoadFailure{fmt::format("{} has no line for {}", path_, device)};
  return at->second;
}

}  // namespace meterlens::sim
