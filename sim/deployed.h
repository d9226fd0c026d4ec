// A camera and a SmartDTU as they are in the field, with their faults: the photo goes once, in
// pieces of 1024 bytes without numbers, each on a publish of its own that nobody acknowledges.
// Texts are cut in two by the UART's reader or glued together, a failed shot sends the photo before
// under a new name, or an end mark alone, or none; publishes overtake each other in the broker's
// faults. One thread; events, broker and faults outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/checksum.h"
#include "sim/broker.h"
#include "sim/photographer.h"

namespace meterlens::sim {

class Deployed {
 public:
  Deployed(Events& events, Broker& broker, const Faults& faults, std::string name, Random random);
  Deployed(const Deployed&) = delete;
  Deployed& operator=(const Deployed&) = delete;

  void start();
  void cut_link(std::int64_t away_us) { broker_.cut(client_, away_us); }
  void cut_power(std::int64_t away_us);
  // Power and service, now.
  void restore();
  const std::string& name() const { return name_; }
  bool attached() const { return broker_.attached(client_); }
  std::uint64_t shots() const { return shots_; }

  // A photo was taken that may arrive.
  std::function<void(const std::string& name, protocol::Bytes photo)> on_shot =
      [](const std::string&, protocol::Bytes) {};

 private:
  void power();
  void connect();
  void link_changed();
  void hear(protocol::Bytes payload);
  void shoot();
  void send_piece(std::size_t at);
  void send_end();
  // What the camera writes to its UART, as the SmartDTU makes events of it.
  void write_uart(const std::string& text);
  void publish(const std::string& event);
  void after(std::int64_t delay_us, std::function<void()> work);
  bool fails() { return random_.chance(faults_.smartdtu_chance); }

  Events& events_;
  Broker& broker_;
  const Faults& faults_;
  std::string name_;
  Random random_;
  Broker::Client client_;
  bool powered_ = false;
  std::uint64_t number_ = 0;  // of its starts: what belongs to an earlier one is void
  bool busy_ = false;
  Buffer photo_;
  std::string file_;
  std::string held_;  // a text that waits to be glued to the next
  std::uint64_t shots_ = 0;
};

}  // namespace meterlens::sim
