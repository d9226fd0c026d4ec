// `meterlens image`: makes a pair of keys, signs a program into an image file, shows such a file
// (SPEC.md, section 10). libsodium stays in image.cpp. Each returns the exit status and has told
// people what went wrong.
#pragma once

#include <cstdint>
#include <string>

namespace meterlens::app {

// Writes the private key to `out` (only its owner may read it) and the public one to `out`.pub, one
// line of 64 hexadecimal digits each. Neither may be there already.
int make_image_key(const std::string& out);

struct SignOptions {
  std::string key;
  std::string part;
  std::string board;
  std::uint32_t version = 0;
  std::string in;
  std::string out;
};
int sign_image(const SignOptions& options);

int show_image(const std::string& file);

}  // namespace meterlens::app
