#include "device/settings/kept.h"

#include <algorithm>
#include <array>

#include "protocol/bytes.h"
#include "protocol/require.h"

namespace meterlens::settings {
namespace {

using protocol::Bytes;
using protocol::SettingValues;

constexpr std::uint32_t magic = 0x31534C4D;
constexpr std::size_t head_bytes = 16;
constexpr std::size_t tail_bytes = 4;

using Area = std::array<std::uint8_t, area_bytes_max>;

}  // namespace

Kept::Kept(protocol::Part part, const MeterlensAreas& areas) : areas_(areas), values_(part) {
  protocol::require(areas.read == nullptr || areas.bytes >= area_bytes_max);
}

void Kept::load() {
  if (areas_.read == nullptr) return;
  for (const std::uint8_t area : {std::uint8_t{0}, std::uint8_t{1}})
    if (load_area(area)) next_area_ = area == 0 ? 1 : 0;
}

// true: whole, and the newest so far.
bool Kept::load_area(std::uint8_t area) {
  Area bytes;
  if (!areas_.read(areas_.context, area, bytes.data(), static_cast<std::uint32_t>(bytes.size()))) {
    ++counters_.broken_areas;
    return false;
  }
  protocol::ByteReader in(bytes);
  const std::uint32_t found_magic = in.u32();
  const std::uint32_t sequence = in.u32();
  const std::uint32_t revision = in.u32();
  const std::uint8_t part = in.u8();
  in.u8();
  const std::size_t entry_bytes = protocol::setting_bytes * in.u16();
  const bool is_empty = std::ranges::all_of(
      bytes, [&](std::uint8_t byte) { return byte == bytes[0] && (byte == 0xFF || byte == 0); });
  if (is_empty) return false;
  const Bytes entries = in.take(std::min(entry_bytes, area_bytes_max - head_bytes - tail_bytes));
  if (found_magic != magic || part != static_cast<std::uint8_t>(values_.part()) ||
      entries.size() != entry_bytes ||
      in.u32() != protocol::crc32(Bytes(bytes).first(head_bytes + entry_bytes))) {
    ++counters_.broken_areas;
    return false;
  }
  if (sequence_ != 0 && sequence <= sequence_) return false;
  values_ = SettingValues(values_.part());
  values_.take(entries, {});
  sequence_ = sequence;
  revision_ = revision;
  return true;
}

void Kept::save() {
  ++sequence_;
  if (areas_.write == nullptr) return;
  Area bytes{};
  protocol::ByteWriter out(bytes);
  out.u32(magic);
  out.u32(sequence_);
  out.u32(revision_);
  out.u8(static_cast<std::uint8_t>(values_.part()));
  out.u8(0);
  const std::size_t entry_count = protocol::settings_of(values_.part()).size();
  out.u16(static_cast<std::uint16_t>(entry_count));
  std::array<std::uint8_t, protocol::setting_bytes * protocol::setting_count_max> entries;
  out.put(Bytes(entries).first(values_.write(entries)));
  out.u32(protocol::crc32(Bytes(bytes).first(out.count())));
  counters_.unsaved = !areas_.write(areas_.context, next_area_, bytes.data(),
                                    static_cast<std::uint32_t>(out.count()));
  if (counters_.unsaved)
    ++counters_.failed_writes;
  else
    next_area_ = next_area_ == 0 ? 1 : 0;
}

std::optional<protocol::SettingsTaken> Kept::take(const protocol::Settings& settings,
                                                  std::span<std::uint8_t> refused) {
  if (settings.part != values_.part()) return std::nullopt;
  // An old one changes a copy that is thrown away: its answer names the same keys again.
  SettingValues values = values_;
  const auto refused_count = values.take(settings.entries, refused);
  if (!refused_count) return std::nullopt;
  const bool is_new = settings.revision > revision_;
  if (is_new) {
    values_ = values;
    revision_ = settings.revision;
    counters_.refused += static_cast<std::uint32_t>(*refused_count);
    save();
  }
  const std::size_t named = std::min({*refused_count, refused.size(), protocol::setting_count_max});
  return protocol::SettingsTaken{values_.part(), settings.revision, refused.first(named)};
}

bool Kept::set(std::string_view name, std::int32_t value) {
  const auto place = protocol::find_setting(values_.part(), name);
  protocol::require(place.has_value());
  if (values_.at(*place) == value) return true;
  if (!values_.set(*place, value)) return false;
  save();
  return true;
}

}  // namespace meterlens::settings
