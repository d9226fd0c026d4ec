// What the modem says, and what follows from it. The rest of Modem is in modem.cpp.
#include "boards/ec600s/at/modem.h"

namespace meterlens::at {

void Modem::receive(Bytes bytes, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  if (!bytes.empty()) byte_ms_ = now_ms;
  for (const std::uint8_t byte : bytes)
    if (const auto said = reader_.put(byte)) hear(*said);
}

void Modem::hear(const Said& said) {
  switch (said.kind) {
    case Said::Kind::prompt: return hear_prompt();
    case Said::Kind::line: return hear_line(said.text);
    case Said::Kind::message:
      if (link_ == METERLENS_MQTT_UP) receiver_.message(receiver_.context, said.text, said.payload);
  }
}

void Modem::hear_prompt() {
  if (stage_ != Stage::prompt) return;
  stage_ = Stage::payload;
  command_due_ms_ = now_ms_ + rule_of(command_).timeout_ms;
  if (publishes_.payload().empty()) payload_is_out();
}

void Modem::hear_line(std::string_view line) {
  switch (word_of(line)) {
    case Word::ok: return hear_answer(true, line);
    case Word::error: return hear_answer(false, line);
    case Word::urc: return hear_named(line);
    case Word::started:
      ++counters_.restarts;
      note_trouble("the modem has restarted");
      return begin_anew(restart_pause_ms);
    case Word::text:
      if (command_ == Command::imei) identity_.hear_imei(line);
      return;
    default: return;
  }
}

void Modem::hear_answer(bool good, std::string_view line) {
  if (stage_ == Stage::idle || stage_ == Stage::text) {
    ++counters_.out_of_step;
    return;
  }
  const bool in_step = stage_ == Stage::answer || (stage_ == Stage::prompt && !good);
  if (!in_step) {
    ++counters_.out_of_step;
    note_trouble(line, " in the middle of AT+QMTPUBEX");
    return lose_modem();
  }
  const bool expected = command_ == Command::close || command_ == Command::disconnect;
  if (!good && !expected) {
    note_trouble(rule_of(command_).text, ": ");
    trouble_.add(line);
  }
  answered_ = true;
  if (!good || rule_of(command_).result.empty()) return end(good);
  if (result_) end(result_good_);
}

void Modem::hear_named(std::string_view line) {
  const Named heard = named(line);
  const Numbers numbers = numbers_of(heard.rest);
  identity_.hear(line, now_ms_);
  if (heard.name == "QMTPUBEX") return hear_published(numbers);
  if (heard.name == "QMTSTAT") return hear_stat(line, numbers);
  if (heard.name == "QMTRECV") ++counters_.unread;
  if (heard.name == "CPIN") {
    sim_ready_ = heard.rest == "READY";
    if (!sim_ready_) note_trouble(line);
  }
  if (heard.name == "CEREG" && numbers.count > 0) {
    // An answer has the mode before the state; 1: home, 5: roaming.
    const int state = numbers[numbers.count > 1 ? 1 : 0];
    registered_ = state == 1 || state == 5;
  }
  const bool awaited = stage_ == Stage::answer && heard.name == rule_of(command_).result;
  if (awaited) hear_result(line, numbers);
}

// +QMTOPEN: 0,result  +QMTCONN: 0,result[,code]  +QMTSUB: 0,msgid,result[,qos]
// +QMTDISC: 0,result  +QMTCLOSE: 0,result
void Modem::hear_result(std::string_view line, const Numbers& numbers) {
  const std::size_t at = command_ == Command::subscribe ? 2 : 1;
  if (numbers.count <= at || numbers[0] != 0) {
    ++counters_.unread;
    return;
  }
  const bool waits = command_ == Command::login || command_ == Command::subscribe;
  if (waits && numbers[at] == 1) return;  // the modem tries again by itself
  const int detail = numbers.count > at + 1 ? numbers[at + 1] : 0;
  const bool refused = command_ == Command::login       ? detail != 0
                       : command_ == Command::subscribe ? detail > 2
                                                        : false;
  result_ = true;
  result_good_ = numbers[at] == 0 && !refused;
  if (!result_good_) note_trouble(line);
  if (answered_) end(result_good_);
}

void Modem::hear_published(const Numbers& numbers) {
  if (numbers.count < 3 || numbers[0] != 0) {
    ++counters_.unread;
    return;
  }
  switch (publishes_.hear(numbers[1], numbers[2])) {
    case Publishes::Result::acknowledged: failures_ = 0; break;
    case Publishes::Result::again: ++counters_.publish_again; break;
    case Publishes::Result::failed: ++counters_.publish_failed; break;
    case Publishes::Result::unknown: ++counters_.out_of_step; break;
  }
}

void Modem::hear_stat(std::string_view line, const Numbers& numbers) {
  if (numbers.count < 2 || numbers[0] != 0) {
    ++counters_.unread;
    return;
  }
  // The ping went unanswered: the maker says to cycle the context before the next connection.
  if (numbers[1] == 2) context_is_old_ = true;
  if (link_ == METERLENS_MQTT_DOWN) return;
  ++counters_.cut;
  note_trouble(line, " ");
  trouble_.add(reason_of_stat(numbers[1]));
  logged_in_ = false;
  fail_connection();
  // The result that this command still waits for will not come.
  const bool of_connection = !rule_of(command_).result.empty() && command_ != Command::close;
  if (stage_ == Stage::answer && answered_ && of_connection) end(false);
}

}  // namespace meterlens::at
