#include "boards/ec600s/at/modem.h"

#include <algorithm>
#include <utility>

#include "protocol/require.h"

namespace meterlens::at {
namespace {

constexpr std::array bring_up = {Command::attention, Command::echo_off,     Command::imei,
                                 Command::sim,       Command::card,         Command::card_again,
                                 Command::signal,    Command::registration, Command::clock};

// `login` follows `open` at once: brokers close a connection that says nothing within about 5 s.
constexpr std::array connecting = {Command::close,        Command::context_off, Command::context_on,
                                   Command::receive_mode, Command::version,     Command::session,
                                   Command::keep_alive,   Command::will,
                                   Command::tls_version,  Command::tls_suites,
                                   Command::tls_level,    Command::tls_authority,
                                   Command::tls_certificate, Command::tls_key,
                                   Command::tls_time,     Command::tls_name,
                                   Command::tls_on,       Command::open,
                                   Command::login};

bool is_of_context(Command command) {
  return command == Command::context_off || command == Command::context_on;
}

bool is_of_tls(Command command) {
  return command >= Command::tls_version && command <= Command::tls_on;
}

}  // namespace

Modem::Modem(const ModemSettings& settings, std::span<std::uint8_t> publish_memory,
             Receiver receiver)
    : settings_(settings),
      receiver_(receiver),
      identity_(settings.clock_is_local),
      publishes_(publish_memory) {
  protocol::require(!settings.host.empty() && settings.host.size() <= host_chars_max);
  for (const std::string_view file :
       {settings.tls.authority, settings.tls.certificate, settings.tls.key})
    protocol::require(file.size() <= name_chars_max);
  protocol::require(!publish_memory.empty() && publish_memory.size() <= 9999);
  protocol::require(settings.publishes_max >= 1 && settings.publishes_max <= publishes_limit);
}

MeterlensMqtt Modem::port() {
  MeterlensMqtt port{};
  port.context = this;
  port.connect = [](void* self, const MeterlensMqttLogin* login) {
    static_cast<Modem*>(self)->connect(*login);
  };
  port.disconnect = [](void* self) { static_cast<Modem*>(self)->disconnect(); };
  port.state = [](void* self) { return static_cast<Modem*>(self)->link_; };
  port.subscribe = [](void* self, const char* topic, std::uint8_t qos) {
    return static_cast<Modem*>(self)->subscribe(topic, qos);
  };
  port.publish = [](void* self, const char* topic, const void* payload, std::uint32_t bytes,
                    std::uint8_t qos, bool retain) {
    const Bytes message(static_cast<const std::uint8_t*>(payload), bytes);
    return static_cast<Modem*>(self)->publish(topic, message, qos, retain);
  };
  port.unacknowledged = [](void* self) {
    return static_cast<Modem*>(self)->publishes_.unacknowledged();
  };
  port.unix_ms = [](void* self) {
    const auto* modem = static_cast<Modem*>(self);
    return modem->identity_.unix_ms(modem->now_ms_);
  };
  port.health = [](void* self, char* out, std::uint32_t chars) {
    return static_cast<std::uint32_t>(static_cast<Modem*>(self)->health({out, chars}));
  };
  return port;
}

void Modem::connect(const MeterlensMqttLogin& login) {
  drop_connection();
  login_.copy(login);
  link_ = METERLENS_MQTT_CONNECTING;
  connect_step_ = 0;
}

void Modem::disconnect() {
  if (link_ == METERLENS_MQTT_DOWN) return;
  leaving_ = ready_;
  drop_connection();
}

bool Modem::subscribe(std::string_view topic, std::uint8_t qos) {
  if (link_ != METERLENS_MQTT_UP || !subscription_.empty() || topic.size() > name_chars_max)
    return false;
  subscription_.set(topic);
  subscription_qos_ = qos;
  return true;
}

bool Modem::publish(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain) {
  if (link_ != METERLENS_MQTT_UP || publishes_.waiting()) return false;
  if (!publishes_.fits(topic, payload)) {
    // Never will it fit: it must not stop what comes behind it.
    ++counters_.too_long;
    return true;
  }
  publishes_.take(topic, payload, qos, retain);
  tries_ = 0;
  return true;
}

void Modem::start(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  begin_anew(0);
  // The modem may still wait for the payload of a program that ran before.
  filler_ = publishes_.bytes_max();
}

void Modem::step(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  if (reader_.in_message() && now_ms >= byte_ms_ + payload_pause_ms) reader_.give_up();
  if (now_ms >= publishes_.due_ms()) {
    note_trouble("no result of AT+QMTPUBEX");
    leaving_ = true;
    fail_connection();
  }
  if (stage_ != Stage::idle && now_ms >= command_due_ms_) overdue();
  if (stage_ == Stage::idle && filler_ == 0 && now_ms >= pause_until_ms_) begin(next());
}

std::uint64_t Modem::due_ms(std::uint64_t now_ms) const {
  if (filler_ > 0 || stage_ == Stage::text || stage_ == Stage::payload) return now_ms;
  std::uint64_t due = publishes_.due_ms();
  if (reader_.in_message()) due = std::min(due, byte_ms_ + payload_pause_ms);
  if (stage_ != Stage::idle) return std::min(due, command_due_ms_);
  const bool has_next = next() != Command::none;
  return std::min(due, std::max({now_ms, pause_until_ms_, has_next ? 0 : health_due_ms_}));
}

std::size_t Modem::pull(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  step(now_ms);
  std::size_t count = 0;
  const auto copy = [&](const auto& source, std::size_t& taken) {
    const std::size_t part = std::min(out.size() - count, source.size() - taken);
    for (std::size_t i = 0; i < part; ++i)
      out[count++] = static_cast<std::uint8_t>(source[taken++]);
    return taken == source.size();
  };
  while (count < out.size()) {
    if (filler_ > 0) {
      out[count++] = '\r';
      --filler_;
    } else if (stage_ == Stage::text) {
      if (copy(std::string_view(out_.data(), out_count_), out_taken_)) text_is_out();
    } else if (stage_ == Stage::payload) {
      if (copy(publishes_.payload(), payload_taken_)) payload_is_out();
    } else {
      break;
    }
  }
  return count;
}

Command Modem::next() const {
  if (restart_is_due_) return Command::restart;
  if (!ready_) return bring_up[bring_up_step_];
  if (leaving_) return logged_in_ ? Command::disconnect : Command::close;
  if (link_ == METERLENS_MQTT_CONNECTING) return connecting[connect_step_];
  if (const Command command = next_when_up(); command != Command::none) return command;
  if (now_ms_ < health_due_ms_) return Command::none;
  return clock_is_next_ ? Command::clock : Command::signal;
}

Command Modem::next_when_up() const {
  if (link_ != METERLENS_MQTT_UP) return Command::none;
  if (!subscription_.empty()) return Command::subscribe;
  const bool has_room = publishes_.in_flight() < settings_.publishes_max;
  return publishes_.waiting() && has_room ? Command::publish : Command::none;
}

void Modem::begin(Command command) {
  if (command == Command::none) return;
  command_ = command;
  stage_ = Stage::text;
  answered_ = result_ = result_good_ = false;
  sim_ready_ = registered_ = payload_out_ = false;
  payload_taken_ = 0;
  command_due_ms_ = now_ms_ + rule_of(command).timeout_ms;
  write(command);
}

void Modem::write(Command command) {
  device::TextWriter out(out_);
  out.put(rule_of(command).text);
  if (is_of_context(command)) {
    out.put_number(settings_.context);
  } else if (command == Command::open) {
    put_quoted(out, settings_.host, settings_.quote);
    out.put(",").put_number(settings_.port);
  } else if (command == Command::subscribe) {
    out.put("1,");
    put_quoted(out, subscription_.view(), settings_.quote);
    out.put(",").put_number(subscription_qos_);
  } else if (command == Command::publish) {
    write_publish(out);
  } else if (is_of_tls(command)) {
    put_tls(out, command, settings_.tls, settings_.quote);
  } else {
    put_login(out, command, login_, settings_.quote);
  }
  out.put("\r");
  out_count_ = out.count();
  out_taken_ = 0;
}

void Modem::write_publish(device::TextWriter& out) {
  out.put_number(publishes_.new_id()).put(",").put_number(publishes_.qos());
  out.put(publishes_.retain() ? ",1," : ",0,");
  put_quoted(out, publishes_.topic(), settings_.quote);
  out.put(",").put_number(publishes_.payload().size());
}

void Modem::text_is_out() {
  stage_ = command_ == Command::publish ? Stage::prompt : Stage::answer;
  command_due_ms_ = now_ms_ + rule_of(command_).timeout_ms;
}

void Modem::payload_is_out() {
  stage_ = Stage::answer;
  payload_out_ = true;
  command_due_ms_ = now_ms_ + rule_of(command_).timeout_ms;
  if (link_ == METERLENS_MQTT_UP) publishes_.sent(now_ms_);
}

void Modem::overdue() {
  note_trouble("no answer to ", rule_of(command_).text);
  // Taken, but the network does not tell the outcome: the modem itself is well.
  if (answered_) return end(false);
  ++counters_.silences;
  lose_modem();
}

void Modem::end(bool good) {
  const Command done = std::exchange(command_, Command::none);
  stage_ = Stage::idle;
  if (done == Command::restart) return begin_anew(restart_pause_ms);
  if (done == Command::publish) return end_publish(good);
  if (done == Command::disconnect) {
    logged_in_ = false;
  } else if (done == Command::close && leaving_) {
    leaving_ = false;
  } else if (!ready_) {
    end_bring_up(done, good);
  } else if (done == Command::signal || done == Command::clock) {
    end_health(done);
  } else if (done == Command::subscribe) {
    subscription_.set("");
    leaving_ = !good;
    if (!good) fail_connection();
  } else if (link_ == METERLENS_MQTT_CONNECTING && done == connecting[connect_step_]) {
    end_connecting(done, good);
  }
}

void Modem::look_again() { pause_until_ms_ = now_ms_ + look_again_ms; }

void Modem::end_bring_up(Command done, bool good) {
  if (done == Command::attention) {
    if (!good) return look_again();
    silence_pause_ms_ = silence_pause_first_ms;
    pause_until_ms_ = now_ms_ + settle_ms;
  }
  if (done == Command::sim && !sim_ready_) return look_again();
  if (done == Command::registration && !registered_) return check_network();
  if (done == Command::card && good) ++bring_up_step_;
  if (bring_up[bring_up_step_] == Command::sim) registration_since_ms_ = now_ms_;
  if (++bring_up_step_ < bring_up.size()) return;
  ready_ = true;
  ++counters_.starts;
  end_health(Command::clock);
}

void Modem::check_network() {
  note_trouble("no network yet");
  if (now_ms_ - registration_since_ms_ >= registration_patience_ms) restart_is_due_ = true;
  look_again();
}

void Modem::end_health(Command done) {
  clock_is_next_ = done == Command::signal;
  if (done == Command::clock)
    health_due_ms_ = now_ms_ + std::uint64_t{1000} * settings_.health_period_s;
}

void Modem::end_connecting(Command done, bool good) {
  // Not every firmware sends the broker's name.
  const bool may_fail = done == Command::close || done == Command::will ||
                        done == Command::tls_name || is_of_context(done);
  if (!good && !may_fail) {
    leaving_ = done == Command::open || done == Command::login;
    return fail_connection();
  }
  if (done == Command::context_on) {
    context_is_old_ = false;
    ++counters_.contexts;
  }
  if (++connect_step_ == connecting.size()) {
    link_ = METERLENS_MQTT_UP;
    logged_in_ = true;
    return;
  }
  while (passes_over(connecting[connect_step_])) ++connect_step_;
}

bool Modem::passes_over(Command command) const {
  if (is_of_context(command)) return !context_is_old_;
  if (command == Command::tls_certificate || command == Command::tls_key)
    return settings_.tls.certificate.empty();
  return is_of_tls(command) && settings_.tls.authority.empty();
}

void Modem::end_publish(bool good) {
  if (link_ != METERLENS_MQTT_UP) return;
  if (good) return publishes_.taken();
  if (payload_out_) {
    ++counters_.publish_failed;
    publishes_.refused();
  } else if (++tries_ < publish_tries) {
    pause_until_ms_ = now_ms_ + publish_again_ms;
  } else {
    leaving_ = true;
    fail_connection();
  }
}

void Modem::fail_connection() {
  if (link_ == METERLENS_MQTT_DOWN) return;
  drop_connection();
  ++failures_;
  if (failures_ % failures_a_context == 0) context_is_old_ = true;
  if (failures_ % failures_a_restart == 0) restart_is_due_ = true;
}

void Modem::drop_connection() {
  counters_.publish_failed += publishes_.clear();
  subscription_.set("");
  link_ = METERLENS_MQTT_DOWN;
}

// Its state is unknown. If it still waits for bytes of a payload, these empty commands end that.
void Modem::lose_modem() {
  const bool may_wait = command_ == Command::publish && stage_ != Stage::text;
  const std::size_t bytes = publishes_.payload().size();
  begin_anew(silence_pause_ms_);
  silence_pause_ms_ = std::min(2 * silence_pause_ms_, silence_pause_last_ms);
  if (may_wait) filler_ = bytes;
}

void Modem::begin_anew(std::uint64_t pause_ms) {
  drop_connection();
  reader_.give_up();
  command_ = Command::none;
  stage_ = Stage::idle;
  ready_ = leaving_ = logged_in_ = restart_is_due_ = context_is_old_ = false;
  bring_up_step_ = 0;
  filler_ = 0;
  pause_until_ms_ = now_ms_ + pause_ms;
}

void Modem::note_trouble(std::string_view first, std::string_view second) {
  trouble_.set(first);
  trouble_.add(second);
}

std::size_t Modem::health(std::span<char> out) const {
  if (out.size() < health_chars_max) return 0;
  device::TextWriter json(out);
  json.skip(identity_.put_json(json.room()));
  const auto count = [&](std::string_view name, std::uint32_t value) {
    json.put(",\"modem_").put(name).put("\":").put_number(value);
  };
  count("restarts", counters_.restarts);
  count("silences", counters_.silences);
  count("cut", counters_.cut);
  count("publish_failed", counters_.publish_failed);
  return json.count();
}

}  // namespace meterlens::at
