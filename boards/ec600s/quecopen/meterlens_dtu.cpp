#include "boards/ec600s/quecopen/meterlens_dtu.h"

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>

#include "device/dtu/dtu.h"
#include "protocol/ids.h"
#include "protocol/message.h"

struct MeterlensDtu {
  meterlens::dtu::Dtu core;
};

namespace {

using meterlens::dtu::Dtu;
using meterlens::dtu::DtuSettings;
using meterlens::protocol::Dialect;

constexpr std::size_t login_chars_max = 128;

static_assert(sizeof(MeterlensDtu) <= METERLENS_DTU_BYTES);
static_assert(alignof(MeterlensDtu) <= METERLENS_DTU_ALIGNMENT);
static_assert(METERLENS_DTU_TOPIC_CHARS_MAX >= meterlens::protocol::topic_chars_max);
static_assert(METERLENS_DTU_MESSAGE_BYTES_MAX >= meterlens::dtu::event_bytes_max);

std::string_view text(const char* chars) {
  return chars == nullptr ? std::string_view() : std::string_view(chars);
}

bool is_imei(std::string_view imei) {
  for (const char digit : imei)
    if (digit < '0' || digit > '9') return false;
  return imei.size() == 15;
}

bool is_login(std::string_view user, std::string_view password) {
  return user.size() <= login_chars_max && password.size() <= login_chars_max;
}

bool are_in_range(const MeterlensDtuSettings& settings) {
  using meterlens::protocol::is_device_name;
  if (!is_device_name(text(settings.device)) || !is_device_name(text(settings.firmware)))
    return false;
  if (text(settings.firmware).size() > meterlens::protocol::text_bytes_max) return false;
  const std::string_view product = text(settings.product);
  if (settings.smartdtu &&
      (!is_device_name(product) || product == meterlens::protocol::native_prefix))
    return false;
  return is_login(text(settings.user), text(settings.password)) && is_imei(text(settings.imei));
}

DtuSettings core_settings(const MeterlensDtuSettings& from, const MeterlensPower& power) {
  DtuSettings settings;
  settings.power = power;
  settings.session = {from.smartdtu ? Dialect::smartdtu : Dialect::native,
                      text(from.product),
                      text(from.device),
                      text(from.user),
                      text(from.password),
                      from.jitter_seed};
  settings.firmware = text(from.firmware);
  settings.imei = text(from.imei);
  return settings;
}

}  // namespace

extern "C" {

std::size_t meterlens_dtu_bytes() { return sizeof(MeterlensDtu); }

// The one place that knows the core's constructor: what the core takes of the board is passed here.
MeterlensDtu* meterlens_dtu_create(void* storage, std::size_t bytes, const MeterlensDtuBoard* board,
                                   const MeterlensDtuSettings* settings) {
  if (storage == nullptr || bytes < sizeof(MeterlensDtu)) return nullptr;
  if (reinterpret_cast<std::uintptr_t>(storage) % METERLENS_DTU_ALIGNMENT != 0) return nullptr;
  if (!are_in_range(*settings)) return nullptr;
  const DtuSettings core = core_settings(*settings, board->power);
  return new (storage) MeterlensDtu{Dtu(board->mqtt, core, board->line, board->areas)};
}

void meterlens_dtu_start(MeterlensDtu* dtu, std::uint64_t now_ms) { dtu->core.start(now_ms); }

void meterlens_dtu_serial_in(MeterlensDtu* dtu, const void* bytes, std::size_t count,
                             std::uint64_t now_ms) {
  dtu->core.serial_in({static_cast<const std::uint8_t*>(bytes), count}, now_ms);
}

void meterlens_dtu_mqtt_in(MeterlensDtu* dtu, const char* topic, std::size_t topic_chars,
                           const void* payload, std::size_t bytes, std::uint64_t now_ms) {
  dtu->core.mqtt_in({topic, topic_chars}, {static_cast<const std::uint8_t*>(payload), bytes},
                    now_ms);
}

void meterlens_dtu_step(MeterlensDtu* dtu, std::uint64_t now_ms) { dtu->core.step(now_ms); }

std::size_t meterlens_dtu_pull(MeterlensDtu* dtu, void* out, std::size_t bytes_max,
                               std::uint64_t now_ms) {
  return dtu->core.pull({static_cast<std::uint8_t*>(out), bytes_max}, now_ms);
}

std::uint64_t meterlens_dtu_due_ms(const MeterlensDtu* dtu, std::uint64_t now_ms) {
  return dtu->core.due_ms(now_ms);
}

void meterlens_dtu_stop(MeterlensDtu* dtu, std::uint64_t now_ms) { dtu->core.stop(now_ms); }

bool meterlens_dtu_stopped(const MeterlensDtu* dtu) { return dtu->core.stopped(); }

bool meterlens_dtu_online(const MeterlensDtu* dtu) { return dtu->core.online(); }
}
