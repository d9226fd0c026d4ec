#include "server/command/command.h"

namespace meterlens::command {

const char* name(State state) {
  switch (state) {
    case State::queued:
      return "queued";
    case State::sent:
      return "sent";
    case State::received:
      return "received";
    case State::shooting:
      return "shooting";
    case State::transferring:
      return "transferring";
    case State::stored:
      return "stored";
    case State::read:
      return "read";
    case State::failed:
      return "failed";
    case State::expired:
      return "expired";
  }
  return "";
}

bool is_final(State state) {
  return state == State::read || state == State::failed || state == State::expired;
}

}  // namespace meterlens::command
