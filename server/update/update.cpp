#include "server/update/update.h"

namespace meterlens::update {

const char* name(State state) {
  switch (state) {
    case State::queued: return "queued";
    case State::receiving: return "receiving";
    case State::verified: return "verified";
    case State::trying: return "trying";
    case State::confirmed: return "confirmed";
    case State::refused: return "refused";
    case State::failed: return "failed";
  }
  return "unknown";
}

bool is_final(State state) { return state >= State::confirmed; }

}  // namespace meterlens::update
