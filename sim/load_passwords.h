// The credentials of `meterlens load`, from its file.
#pragma once

#include <string>
#include <unordered_map>

namespace meterlens::sim {

// {device} in it becomes the name.
std::string with_device(std::string pattern, const std::string& device);

class Passwords {
 public:
  // Lines `DEVICE:PASSWORD`, or one line with the password of all; "": none. Throws LoadFailure.
  explicit Passwords(const std::string& path);
  bool empty() const { return path_.empty(); }
  // Throws LoadFailure when the file has no line for it.
  std::string of(const std::string& device) const;

 private:
  std::string path_, of_all_;
  std::unordered_map<std::string, std::string> by_device_;
};

}  // namespace meterlens::sim
