#include "protocol/image.h"

#include <algorithm>

#include "protocol/bytes.h"
#include "protocol/ids.h"
#include "protocol/require.h"

namespace meterlens::protocol {
namespace {

// What a signature is for is part of what is signed, so that none made for something else fits.
constexpr std::string_view domain = "meterlens image 1";
constexpr std::string_view magic = "MLI1";

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool is_board_name(std::string_view name) {
  return !name.empty() && name.size() <= board_chars_max &&
         std::all_of(name.begin(), name.end(), is_name_char);
}

std::size_t signed_text(const ImageHead& head, std::span<std::uint8_t, signed_bytes_max> out) {
  require(is_board_name(head.board));
  ByteWriter text(out);
  text.put(bytes_of(domain));
  text.u8(static_cast<std::uint8_t>(head.part));
  text.u8(static_cast<std::uint8_t>(head.board.size()));
  text.put(bytes_of(head.board));
  text.u32(head.version);
  text.u32(head.image_bytes);
  text.put(head.sha256);
  return text.count();
}

bool is_signed(const ImageHead& head, Bytes signature, const PublicKey& key) {
  std::array<std::uint8_t, signed_bytes_max> text;
  return is_signed(Bytes(text).first(signed_text(head, text)), signature, key);
}

const char* name(ImageFileError error) {
  switch (error) {
    case ImageFileError::not_an_image: return "not_an_image";
    case ImageFileError::malformed: return "malformed";
    case ImageFileError::wrong_size: return "wrong_size";
    case ImageFileError::wrong_hash: return "wrong_hash";
  }
  return "unknown";
}

std::expected<ImageFile, ImageFileError> parse_image_file(Bytes file) {
  ByteReader in(file);
  const std::string_view found = text_of(in.take(magic.size()));
  const auto part = part_of(in.u8());
  const std::size_t board_chars = in.u8();
  const std::uint16_t zero = in.u16();
  ImageFile out;
  out.head.version = in.u32();
  out.head.image_bytes = in.u32();
  const std::string_view board = text_of(in.take(board_chars_max));
  const Bytes digest = in.take(out.head.sha256.size());
  out.signature = in.take(signature_bytes);
  if (!in.ok() || found != magic) return std::unexpected(ImageFileError::not_an_image);
  std::copy(digest.begin(), digest.end(), out.head.sha256.begin());
  const bool padded = std::all_of(board.begin() + static_cast<std::ptrdiff_t>(
                                                      std::min(board_chars, board.size())),
                                  board.end(), [](char c) { return c == 0; });
  out.head.board = board.substr(0, board_chars);
  if (!part || zero != 0 || !padded || !is_board_name(out.head.board) || out.head.version == 0 ||
      out.head.image_bytes == 0 || out.head.image_bytes > image_bytes_max)
    return std::unexpected(ImageFileError::malformed);
  out.head.part = *part;
  out.image = in.rest();
  if (out.image.size() != out.head.image_bytes) return std::unexpected(ImageFileError::wrong_size);
  if (sha256(out.image) != out.head.sha256) return std::unexpected(ImageFileError::wrong_hash);
  return out;
}

void write_image_file_head(const ImageHead& head, Bytes signature,
                           std::span<std::uint8_t, image_file_head_bytes> out) {
  require(is_board_name(head.board) && signature.size() == signature_bytes);
  ByteWriter file(out);
  file.put(bytes_of(magic));
  file.u8(static_cast<std::uint8_t>(head.part));
  file.u8(static_cast<std::uint8_t>(head.board.size()));
  file.u16(0);
  file.u32(head.version);
  file.u32(head.image_bytes);
  file.put(bytes_of(head.board));
  for (std::size_t i = head.board.size(); i < board_chars_max; ++i) file.u8(0);
  file.put(head.sha256);
  file.put(signature);
}

}  // namespace meterlens::protocol
