#include "device/dtu/dtu.h"

#include <algorithm>

#include "device/text.h"
#include "protocol/message.h"
#include "protocol/require.h"

namespace meterlens::dtu {

static_assert(METERLENS_RESET_PIN == protocol::reset_cause_last);

Dtu::Dtu(const MeterlensMqtt& mqtt, const DtuSettings& settings, const MeterlensLine& line,
         const MeterlensAreas& areas)
    : mqtt_(mqtt),
      settings_(settings),
      session_(mqtt, settings.session),
      link_(line),
      line_(line),
      kept_(protocol::Part::dtu, areas),
      timer_(settings.session.device, settings.session.jitter_seed),
      uart_(settings.uart_read_bytes),
      update_(protocol::Part::dtu, settings.update),
      up_(up_memory_),
      down_(down_memory_) {
  protocol::require(settings.firmware.size() <= protocol::text_bytes_max);
}

void Dtu::start(std::uint64_t now_ms) {
  started_ms_ = now_ms;
  kept_.load();
  session_.start(now_ms);
  update_.start(now_ms);
  link_.start(now_ms);
  obey(now_ms);
}

// The kept settings are others now, or known for the first time.
void Dtu::obey(std::uint64_t now_ms) {
  window_ = static_cast<std::uint32_t>(kept_.get("window"));
  timer_.set(kept_.values());
  status_due_ms_ = now_ms;
  if (native()) return;
  smart_timers_.set(kept_, now_ms);
  const auto baud = static_cast<std::uint32_t>(kept_.get("uart_baud"));
  if (line_.set_baud != nullptr && baud <= line_.baud_max) line_.set_baud(line_.context, baud);
}

void Dtu::stop(std::uint64_t now_ms) { session_.stop(now_ms); }

void Dtu::serial_in(Bytes bytes, std::uint64_t now_ms) {
  for (const std::uint8_t byte : bytes) {
    if (native()) {
      if (const auto unit = units_.put(byte)) hear_unit(*unit, now_ms);
    } else if (uart_.put(byte, now_ms)) {
      send_event(uart_.event(event_));
    }
  }
  flush();
}

void Dtu::hear_unit(Bytes unit, std::uint64_t now_ms) {
  if (link::is_link(unit)) return hear_link(unit, now_ms);
  const auto frame = protocol::decode_frame(unit);
  if (!frame) {
    ++counters_.serial_errors;
    return;
  }
  if (frame->type == protocol::Hello::type) {
    link_.hear_hello();
    send_clock();
  }
  if (frame->type == protocol::Report::type || frame->type == protocol::Offer::type)
    hear_camera(unit, now_ms);
  link_.hear_frame(push_up(unit) ? unit.size() : 0, now_ms);
}

// What the camera says of a command that may be the timer's.
void Dtu::hear_camera(Bytes frame, std::uint64_t now_ms) {
  const auto message = protocol::decode_message(frame);
  if (!message) return;
  if (const auto* report = std::get_if<protocol::Report>(&*message)) timer_.hear(*report, now_ms);
  if (const auto* offer = std::get_if<protocol::Offer>(&*message))
    timer_.hear_offer(offer->command_id);
}

// true: settings for this part, kept and answered.
bool Dtu::take_settings(const protocol::Settings& wanted, std::uint64_t now_ms) {
  if (wanted.part != protocol::Part::dtu) return false;
  std::array<std::uint8_t, protocol::setting_count_max> refused;
  const auto taken = kept_.take(wanted, refused);
  if (!taken) return true;
  obey(now_ms);
  push_up(frame_of(*taken));
  return true;
}

void Dtu::order_capture(std::uint64_t now_ms) {
  const auto command_id = timer_.step(unix_ms(), now_ms);
  if (!command_id) return;
  if (!native()) {
    constexpr std::string_view capture = R"({"capture":1})";
    push_down({reinterpret_cast<const std::uint8_t*>(capture.data()), capture.size()});
    timer_.hear_offer(*command_id);  // nothing in this dialect answers an order
    return;
  }
  push_down(frame_of(protocol::Capture{*command_id}));
}

void Dtu::hear_link(Bytes unit, std::uint64_t now_ms) {
  const auto message = link::decode_link(unit);
  if (!message || !link_.hear(*message, now_ms)) ++counters_.serial_errors;
}

std::uint32_t Dtu::damaged_units() const {
  return counters_.serial_errors + units_.counters().invalid + units_.counters().overlong;
}

link::DtuEnd::Situation Dtu::situation() const {
  return {up_.sure_bytes(protocol::frame_bytes_max), damaged_units(), down_.count() > 0};
}

// In the memory of events; until the next one is made.
Bytes Dtu::frame_of(const protocol::Message& message) {
  const std::span out(reinterpret_cast<std::uint8_t*>(event_.data()), event_.size());
  return Bytes(out).first(protocol::encode_message(message, out));
}

void Dtu::send_clock() {
  const protocol::Clock clock{unix_ms()};
  if (clock.unix_ms == 0) return;
  push_down(frame_of(clock));
}

void Dtu::mqtt_in(std::string_view topic, Bytes payload, std::uint64_t now_ms) {
  if (!session_.is_down_topic(topic)) {
    ++counters_.foreign;
    return;
  }
  if (!native())
    return hear_control({reinterpret_cast<const char*>(payload.data()), payload.size()}, now_ms);
  const auto message = protocol::decode_message(payload);
  // A whole frame is carried, also one that only its camera understands.
  const bool is_frame = message || message.error() == protocol::FrameError::unknown_type ||
                        message.error() == protocol::FrameError::malformed;
  if (!is_frame) {
    ++counters_.foreign;
    return;
  }
  if (!message || !hear_own(*message, now_ms)) push_down(payload);
}

// true: it was for this part of the device.
bool Dtu::hear_own(const protocol::Message& message, std::uint64_t now_ms) {
  const auto* settings = std::get_if<protocol::Settings>(&message);
  return settings != nullptr ? take_settings(*settings, now_ms) : hear_update(message);
}

void Dtu::hear_control(std::string_view text, std::uint64_t now_ms) {
  const auto control = decode_control(text, pins_, kept_);
  if (!control) {
    ++counters_.foreign;
    return;
  }
  counters_.unknown_keys += control->unknown_keys;
  const auto* uart_bytes = reinterpret_cast<const std::uint8_t*>(control->uart_text.data());
  if (!control->uart_text.empty()) push_down({uart_bytes, control->uart_text.size()});
  if (control->sets_pins) send_event(pins_event(pins_, event_));
  if (!control->sets_settings) return;
  obey(now_ms);
  send_state();
}

void Dtu::send_state() {
  const SmartIdentity identity{settings_.imei, SmartIdentity{}.model, settings_.firmware};
  send_event(state_event(identity, settings_.session.device, pins_, kept_.values(), event_));
}

bool Dtu::hear_update(const protocol::Message& message) {
  const auto take = [this](const auto* m) {
    if (m == nullptr || !update_.is_own(*m)) return false;
    update_.hear(*m);
    return true;
  };
  return take(std::get_if<protocol::Image>(&message)) ||
         take(std::get_if<protocol::ImagePacket>(&message)) ||
         take(std::get_if<protocol::ImageSent>(&message));
}

// Its own frames pass by the queue, whose room has been granted to the camera.
void Dtu::step_update(std::uint64_t now_ms) {
  const std::uint32_t unacknowledged = session_.up() ? mqtt_.unacknowledged(mqtt_.context) : 1;
  if (status_said_ && unacknowledged == 0) update_.heard_from_outside();
  update_.step(now_ms, true);
  const std::span frame(reinterpret_cast<std::uint8_t*>(event_.data()), event_.size());
  while (native() && session_.up() && update_.has_frame() &&
         mqtt_.unacknowledged(mqtt_.context) < window_) {
    const std::size_t bytes = update_.next_frame(frame);
    if (!session_.publish_up(Bytes(frame).first(bytes))) return;
  }
}

void Dtu::send_event(std::size_t chars) {
  if (chars > 0) push_up({reinterpret_cast<const std::uint8_t*>(event_.data()), chars});
}

bool Dtu::push_up(Bytes message) {
  if (up_.push(message)) {
    waiting_most_ = std::max(waiting_most_, up_.count());
    return true;
  }
  ++counters_.up_dropped;
  return false;
}

void Dtu::push_down(Bytes message) {
  if (message.size() > down_queue_bytes || !down_.push(message)) ++counters_.down_dropped;
}

void Dtu::step(std::uint64_t now_ms) {
  if (session_.step(now_ms)) came_up(now_ms);
  if (session_.up() && native() && now_ms >= status_due_ms_) say_online(now_ms);
  if (!native() && uart_.step(now_ms)) send_event(uart_.event(event_));
  if (!native() && smart_timers_.step(kept_, now_ms) && session_.up()) send_state();
  order_capture(now_ms);
  step_update(now_ms);
  flush();
  if (!native() || !link_.step(out_taken_ == out_count_, now_ms)) return;
  // What was half heard at the old speed is no unit at the new one.
  units_.reset();
  line_idle_ = true;
}

void Dtu::came_up(std::uint64_t now_ms) {
  status_due_ms_ = now_ms;
  if (native()) {
    // One that sleeps asks for the time when it needs it.
    if (!link_.asleep()) send_clock();
    return;
  }
  send_state();
  status_said_ = true;
}

void Dtu::say_online(std::uint64_t now_ms) {
  device::TextWriter status(event_);
  const auto field = [&](std::string_view name, std::uint64_t value) {
    status.put(",\"").put(name).put("\":").put_number(value);
  };
  status.put(R"({"online":true,"dialect":"native","firmware":")").put(settings_.firmware).put("\"");
  field("uptime_s", (now_ms - started_ms_) / 1000);
  field("connects", session_.connects());
  field("up", counters_.up);
  field("up_dropped", counters_.up_dropped);
  field("down", counters_.down);
  field("down_dropped", counters_.down_dropped);
  field("serial_errors", damaged_units());
  field("foreign", counters_.foreign);
  field("line_baud", link_.baud());
  field("line_switches", link_.counters().switches);
  field("line_falls", link_.counters().falls);
  field("waiting", up_.count());
  field("waiting_most", waiting_most_);
  field("settings_revision", kept_.revision());
  field("settings_broken", kept_.counters().broken_areas);
  field("settings_unwritten", kept_.counters().failed_writes);
  field("settings_refused", kept_.counters().refused);
  field("captures_ordered", timer_.counters().ordered);
  field("captures_missed", timer_.counters().missed);
  const auto cause = static_cast<std::uint8_t>(settings_.power.reset_cause);
  status.put(R"(,"reset_cause":")").put(protocol::reset_name(cause)).put("\"");
  if (settings_.power.crash_address != 0)
    status.put(R"(,"crash_address":")").put_hex(settings_.power.crash_address).put("\"");
  if (mqtt_.health != nullptr) {
    const std::span<char> room = status.room().first(health_chars_max);
    status.skip(mqtt_.health(mqtt_.context, room.data(), static_cast<std::uint32_t>(room.size())));
  }
  status.put("}");
  if (!session_.publish_status(status.text())) return;
  status_said_ = true;
  status_due_ms_ = now_ms + 1000 * static_cast<std::uint64_t>(kept_.get("status_period_s"));
}

void Dtu::flush() {
  while (session_.up() && mqtt_.unacknowledged(mqtt_.context) < window_) {
    const auto message = up_.front();
    if (!message || !session_.publish_up(*message)) return;
    up_.pop();
    ++counters_.up;
  }
}

bool Dtu::fill_zeros(std::uint64_t now_ms) {
  out_count_ = down_.count() > 0 ? link_.wake(now_ms) : 0;
  std::fill_n(out_.begin(), out_count_, std::uint8_t{0});
  return out_count_ > 0;
}

// The next unit for the line; false: none.
bool Dtu::fill(std::uint64_t now_ms) {
  out_taken_ = out_count_ = 0;
  if (link_.asleep() && fill_zeros(now_ms)) return true;
  std::array<std::uint8_t, link::link_bytes_max> link_message;
  const std::size_t link_bytes = link_.next(link_message, situation());
  std::optional<Bytes> next = Bytes(link_message).first(link_bytes);
  if (link_bytes == 0) next = link_.open() ? down_.front() : std::nullopt;
  // An empty unit first cuts off what noise has put on the line while it was idle.
  if (next && line_idle_) out_[out_count_++] = 0;
  line_idle_ = !next;
  if (!next) return false;
  out_count_ += link::encode_unit(*next, std::span(out_).subspan(out_count_));
  if (link_bytes > 0) return true;
  down_.pop();
  ++counters_.down;
  return true;
}

std::size_t Dtu::pull(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  if (!native()) return pull_text(out);
  std::size_t count = 0;
  while (count < out.size()) {
    if (out_taken_ == out_count_ && !fill(now_ms)) break;
    const std::size_t part = std::min(out.size() - count, out_count_ - out_taken_);
    std::copy_n(out_.begin() + static_cast<std::ptrdiff_t>(out_taken_), part,
                out.begin() + static_cast<std::ptrdiff_t>(count));
    count += part;
    out_taken_ += part;
  }
  return count;
}

std::size_t Dtu::pull_text(std::span<std::uint8_t> out) {
  std::size_t count = 0;
  while (count < out.size()) {
    const auto message = down_.front();
    if (!message) break;
    const Bytes left = message->subspan(text_taken_);
    const std::size_t part = std::min(out.size() - count, left.size());
    std::copy_n(left.begin(), part, out.begin() + static_cast<std::ptrdiff_t>(count));
    count += part;
    text_taken_ += part;
    if (part < left.size()) break;
    text_taken_ = 0;
    down_.pop();
    ++counters_.down;
  }
  return count;
}

std::uint64_t Dtu::due_ms(std::uint64_t now_ms) const {
  if (out_taken_ < out_count_) return now_ms;
  if (down_.count() > 0 && (!native() || link_.open())) return now_ms;
  std::uint64_t due = std::min({session_.due_ms(), uart_.due_ms(), update_.due_ms(now_ms, true)});
  due = std::min({due, timer_.due_ms(unix_ms(), now_ms), smart_timers_.due_ms()});
  if (session_.up() && native() && update_.has_frame()) due = now_ms;
  if (native()) due = std::min(due, link_.due_ms(situation(), now_ms));
  if (session_.up() && native()) due = std::min(due, status_due_ms_);
  return due;
}

}  // namespace meterlens::dtu
