#include "boards/linux/run_mark.h"

#include <fstream>
#include <string>

namespace meterlens::boards {
namespace {

constexpr const char* ended_word = "ended";

std::string first_word(const std::filesystem::path& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

// Another one each time that the system starts.
std::string boot_id() { return first_word("/proc/sys/kernel/random/boot_id"); }

}  // namespace

RunMark::RunMark(const std::filesystem::path& folder) : file_(folder / "run") {
  const std::string last = first_word(file_);
  if (!last.empty())
    reset_cause_ = last == boot_id() ? METERLENS_RESET_CRASH : METERLENS_RESET_POWER_ON;
  if (last == ended_word) reset_cause_ = METERLENS_RESET_RESTART;
  std::ofstream(file_) << boot_id() << '\n';
}

void RunMark::ended() const { std::ofstream(file_) << ended_word << '\n'; }

MeterlensPower RunMark::ending(const MeterlensPower& real) {
  if (real.restart == nullptr) return real;
  real_ = real;
  MeterlensPower out = real;
  out.context = this;
  out.restart = [](void* context) {
    const auto& self = *static_cast<RunMark*>(context);
    self.ended();
    self.real_.restart(self.real_.context);
  };
  return out;
}

}  // namespace meterlens::boards
