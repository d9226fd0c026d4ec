// What Home Assistant is told of a meter, as topics and payloads: its MQTT discovery, and the
// states. All are retained. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/notify/settings.h"
#include "server/store/news.h"

namespace meterlens::notify {

struct Message {
  std::string topic;
  std::string payload;  // empty: takes back what was said there
};

// All that is said of one meter.
struct MeterState {
  validate::Meter meter;
  std::vector<std::string> devices;           // that look at it now
  bool online = false;                        // one of them is
  std::vector<store::Alarm> alarms;           // open ones, its own and its devices'
  std::optional<validate::Reading> reading;   // what is shown; nothing: none counts
  std::string corrects;                       // the value that was shown and is withdrawn
};

// A name as discovery takes it: letters, digits, '-' and '_'. Different names stay different.
std::string object_id(const std::string& name);

// Home Assistant's class for the meter's medium, empty unless it knows the unit; the unit as it
// writes it.
struct Classed {
  std::string device_class;
  std::string unit;
};
Classed class_of(validate::Medium medium, const std::string& unit);

// Topic "<topic>/server/status": whether we are there.
std::string availability_topic(const HomeAssistantSettings& settings);
std::string photo_topic(const HomeAssistantSettings& settings, const std::string& meter);
// Discovery of the meter's sensors, then their states; not the photo.
std::vector<Message> messages_of(const HomeAssistantSettings& settings, const MeterState& state,
                                 const std::string& version);
// Empty payloads for all topics that a meter can have.
std::vector<Message> farewell_of(const HomeAssistantSettings& settings, const std::string& meter);

// Whether `newest` may be shown after `shown`: it never falls unless the register came round or
// was exchanged, a person said so, or what was shown is withdrawn.
enum class Next : std::uint8_t {
  show,
  keep,  // the same, seen less exactly
  hold,  // it would fall for no reason that is known
};
struct Shown {
  std::string value;   // of the register
  bool stands = true;  // its reading still counts
};
Next next_of(const std::optional<Shown>& shown, const validate::Reading& newest,
             bool register_began_anew);

}  // namespace meterlens::notify
