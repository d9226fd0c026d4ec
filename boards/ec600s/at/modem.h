// A stock EC600S on a serial line as the MQTT client of the DTU program (MeterlensMqtt), by AT
// commands. Bytes and time in, bytes and the next deadline out; it has no clock and no files. The
// board runs it beside the Dtu:
//
//   modem.start(now);
//   forever: modem.receive(bytes from the modem's line, now);  modem.step(now);
//            dtu.step(now);                                    (takes and gives messages)
//            n = modem.pull(buffer, now);  write n bytes to the modem's line;
//            sleep until something comes, or modem.due_ms(now), or dtu.due_ms(now)
//
// It brings the modem up by itself (SIM, network) and keeps it so, whether a connection is wanted
// or not; `connect` waits for that. When a connection ends it is DOWN until the next `connect`:
// how often is tried is the Session's business. An answer that does not come, or comes out of
// step, means that the modem's state is unknown: everything begins anew.
// One message is held at a time, in the owner's memory, which bounds the largest publish.
// Memory: about 4.8 KB in the object, no heap. Threads: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "boards/ec600s/at/answer.h"
#include "boards/ec600s/at/command.h"
#include "boards/ec600s/at/identity.h"
#include "boards/ec600s/at/publishes.h"
#include "boards/ec600s/at/reader.h"
#include "device/port.h"

namespace meterlens::at {

inline constexpr std::uint64_t settle_ms = 300;  // late answers come and are passed over
inline constexpr std::uint64_t silence_pause_first_ms = 500;
inline constexpr std::uint64_t silence_pause_last_ms = 30'000;
inline constexpr std::uint64_t look_again_ms = 2'000;  // at the SIM and the network
inline constexpr std::uint64_t restart_pause_ms = 3'000;
inline constexpr std::uint64_t registration_patience_ms = 300'000;
inline constexpr std::uint64_t payload_pause_ms = 2'000;  // a message that stops coming is cut
inline constexpr std::uint64_t publish_again_ms = 500;    // after ERROR instead of the prompt
inline constexpr std::uint32_t publish_tries = 5;
inline constexpr std::uint32_t failures_a_context = 3;  // failed connections, then a new context
inline constexpr std::uint32_t failures_a_restart = 30;

// The texts must outlive the Modem.
struct ModemSettings {
  std::string_view host;  // of the broker; at most 128 characters
  std::uint16_t port = 1883;
  std::uint8_t context = 1;  // the PDP context that is cycled when the link is dead
  // Publishes that the modem has taken and whose result has not come: 1 to publishes_limit.
  std::uint8_t publishes_max = 4;
  std::uint32_t health_period_s = 60;  // of signal and time
  Quote quote = Quote::hex;
  bool clock_is_local = true;  // +CCLK tells the zone's time, not UTC
  Tls tls = {};
};

// Where messages go; called from `receive`.
struct Receiver {
  void* context = nullptr;
  void (*message)(void* context, std::string_view topic, Bytes payload) = nullptr;
};

class Modem {
 public:
  struct Counters {
    std::uint32_t starts = 0;          // the modem was brought up as far as the network
    std::uint32_t restarts = 0;        // it said so itself (RDY)
    std::uint32_t silences = 0;        // an answer did not come
    std::uint32_t out_of_step = 0;     // an answer that nothing had asked for in this place
    std::uint32_t cut = 0;             // connections that ended by themselves (+QMTSTAT)
    std::uint32_t contexts = 0;        // cycles of the PDP context
    std::uint32_t publish_again = 0;   // result 1: the modem sends it again
    std::uint32_t publish_failed = 0;  // result 2, refused, or lost with the connection
    std::uint32_t too_long = 0;        // publishes dropped, longer than the setting
    std::uint32_t unread = 0;          // messages and lines of a form that is not known
  };

  // Requires a host of 1 to 128 characters, names of files within name_chars_max, and 1 to 9999
  // bytes of memory.
  Modem(const ModemSettings& settings, std::span<std::uint8_t> publish_memory, Receiver receiver);
  Modem(const Modem&) = delete;
  Modem& operator=(const Modem&) = delete;

  // Holds as long as this object.
  MeterlensMqtt port();
  void start(std::uint64_t now_ms);
  void receive(Bytes bytes, std::uint64_t now_ms);
  void step(std::uint64_t now_ms);
  // Bytes for the modem; 0: none.
  std::size_t pull(std::span<std::uint8_t> out, std::uint64_t now_ms);
  std::uint64_t due_ms(std::uint64_t now_ms) const;

  // The modem is on the network.
  bool ready() const { return ready_; }
  // Nothing is left to say to the broker after `disconnect`.
  bool closed() const { return link_ == METERLENS_MQTT_DOWN && !leaving_; }
  const Identity& identity() const { return identity_; }
  // The last thing that went wrong, as the modem said it; empty: nothing has.
  std::string_view trouble() const { return trouble_.view(); }
  // JSON members for a status, each with a comma before it; at most health_chars_max.
  std::size_t health(std::span<char> out) const;
  static constexpr std::size_t health_chars_max = 256;
  const Counters& counters() const { return counters_; }
  const Reader::Counters& reader_counters() const { return reader_.counters(); }

 private:
  // Of the command in hand.
  enum class Stage : std::uint8_t { idle, text, prompt, payload, answer };

  // The port.
  void connect(const MeterlensMqttLogin& login);
  void disconnect();
  bool subscribe(std::string_view topic, std::uint8_t qos);
  bool publish(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain);

  // One command after the other.
  Command next() const;
  Command next_when_up() const;
  void begin(Command command);
  void write(Command command);
  void write_publish(device::TextWriter& out);
  void text_is_out();
  void payload_is_out();
  void overdue();
  void end(bool good);
  void end_bring_up(Command done, bool good);
  void end_connecting(Command done, bool good);
  bool passes_over(Command command) const;
  void end_publish(bool good);
  void end_health(Command done);
  void check_network();
  void look_again();

  // What is heard (hearing.cpp).
  void hear(const Said& said);
  void hear_prompt();
  void hear_line(std::string_view line);
  void hear_answer(bool good, std::string_view line);
  void hear_named(std::string_view line);
  void hear_result(std::string_view line, const Numbers& numbers);
  void hear_published(const Numbers& numbers);
  void hear_stat(std::string_view line, const Numbers& numbers);

  // What goes wrong.
  void fail_connection();
  void drop_connection();
  void lose_modem();
  void begin_anew(std::uint64_t pause_ms);
  void note_trouble(std::string_view first, std::string_view second = {});

  ModemSettings settings_;
  Receiver receiver_;
  Reader reader_;
  Identity identity_;
  Publishes publishes_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t byte_ms_ = 0;  // when the last byte came

  Command command_ = Command::none;
  Stage stage_ = Stage::idle;
  bool answered_ = false;  // OK has come
  bool result_ = false;    // the line that tells the outcome has
  bool result_good_ = false;
  std::uint64_t command_due_ms_ = 0;
  std::uint64_t pause_until_ms_ = 0;
  std::array<char, command_chars_max> out_;
  std::size_t out_count_ = 0;
  std::size_t out_taken_ = 0;
  std::size_t filler_ = 0;
  std::size_t payload_taken_ = 0;
  bool payload_out_ = false;
  std::uint32_t tries_ = 0;  // of the message that waits

  bool ready_ = false;
  bool restart_is_due_ = false;
  std::size_t bring_up_step_ = 0;
  std::uint64_t silence_pause_ms_ = silence_pause_first_ms;
  std::uint64_t registration_since_ms_ = 0;
  bool sim_ready_ = false;
  bool registered_ = false;
  std::uint64_t health_due_ms_ = 0;
  bool clock_is_next_ = false;

  MeterlensMqttState link_ = METERLENS_MQTT_DOWN;
  bool leaving_ = false;  // the modem is still to close what it holds
  bool logged_in_ = false;
  std::size_t connect_step_ = 0;
  bool context_is_old_ = false;
  std::uint32_t failures_ = 0;
  Login login_;
  Text<name_chars_max> subscription_;  // empty: nothing to subscribe to
  std::uint8_t subscription_qos_ = 0;

  Text<80> trouble_;
  Counters counters_;
};

}  // namespace meterlens::at
