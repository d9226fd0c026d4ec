// A program image as it is released: what it is for, which version it is, its hash, and a signature
// over all that (SPEC.md, section 10). The file that carries one is parsed and written here, for
// the tool that signs and the server that stores. No heap, any thread; views point into the given
// bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "protocol/ed25519.h"
#include "protocol/message.h"

namespace meterlens::protocol {

// What is signed, and what stands in a file before the image's bytes.
struct ImageHead {
  Part part = Part::camera;
  std::string_view board;  // is_board_name
  std::uint32_t version = 0;
  std::uint32_t image_bytes = 0;
  Digest sha256{};
};

inline constexpr std::size_t board_chars_max = 32;
// 1 to board_chars_max of a-z A-Z 0-9 . _ -
bool is_board_name(std::string_view name);

inline constexpr std::size_t signed_bytes_max = 17 + 1 + 1 + board_chars_max + 4 + 4 + 32;
// The bytes that the signature is made of; returns how many. Requires a board name.
std::size_t signed_text(const ImageHead& head, std::span<std::uint8_t, signed_bytes_max> out);
bool is_signed(const ImageHead& head, Bytes signature, const PublicKey& key);

inline constexpr std::size_t image_file_head_bytes = 144;

enum class ImageFileError : std::uint8_t {
  not_an_image,  // another magic, or shorter than its head
  malformed,     // a field out of range
  wrong_size,    // truncated, or something behind the image
  wrong_hash,    // the bytes are not those that were signed
};
const char* name(ImageFileError error);

struct ImageFile {
  ImageHead head;
  Bytes signature;  // signature_bytes; not judged yet
  Bytes image;      // its hash has been
};

std::expected<ImageFile, ImageFileError> parse_image_file(Bytes file);
// The head of a file; the image's bytes follow it. Requires a board name.
void write_image_file_head(const ImageHead& head, Bytes signature,
                           std::span<std::uint8_t, image_file_head_bytes> out);

}  // namespace meterlens::protocol
