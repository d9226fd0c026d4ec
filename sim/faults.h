// How bad a world is. Three kinds have names; stories make their own. Plain values.
#pragma once

#include <optional>
#include <string_view>

namespace meterlens::sim {

// 0 everywhere: nothing ever goes wrong.
struct Faults {
  // Serial line, each direction: mean bytes from one fault to the next.
  double flip_bytes = 0;    // a bit of a byte changes
  double drop_bytes = 0;    // a few bytes are lost
  double insert_bytes = 0;  // a few bytes of noise
  double repeat_bytes = 0;  // a few bytes come twice
  double stall_chance = 0;  // of a stretch of bytes to wait up to 200 ms
  // A message between broker and client.
  double lose_chance = 0;   // it is lost after the broker has acknowledged it
  double twice_chance = 0;
  double late_chance = 0;   // others overtake it
  // Mean minutes from one to the next, of each device.
  double camera_cut_minutes = 0;  // power goes
  double flash_cut_minutes = 0;   // power goes during one of the next writes to the flash
  double dtu_cut_minutes = 0;
  double link_cut_minutes = 0;  // the connection to the broker breaks, noticed late
  double mute_minutes = 0;      // the camera's line to the DTU is broken for up to 20 minutes
  double rot_minutes = 0;       // a bit in the flash turns
  double clock_jump_minutes = 0;  // the network's time, up to two days
  double flash_failure = 0;       // chance of a write or an erasure to fail
  double sensor_failure = 0;      // chance of a shot
  // Of the world.
  double broker_restart_minutes = 0;  // forgets everything, away for up to a minute
  // Between or in any of the next writes, away up to a minute.
  double server_kill_minutes = 0;
  double server_jump_minutes = 0;     // the server's clock, up to two days
  double disk_full_minutes = 0;       // the server's, for up to three minutes
  // Of a camera and SmartDTU as they are in the field (facts of the programs they run): chance of a
  // text to be cut in two or glued to the next, and of a shot to fail or to have no end mark.
  double smartdtu_chance = 0;
};

// none, lossy or hostile; nothing for another name.
std::optional<Faults> faults_named(std::string_view name);

}  // namespace meterlens::sim
