#include "boards/linux/line.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace meterlens::boards {
namespace {

TEST(Pace, IsThatOfTheWire) {
  Pace pace(115200);
  pace.idle(1'000'000);
  std::size_t sent = 0;
  std::int64_t now_us = 1'000'000;
  for (; sent < 11'520; now_us += 1'700) {
    const std::size_t count = pace.allowed(now_us);
    pace.spend(count);
    sent += count;
    // Never ahead of the wire.
    ASSERT_LE(static_cast<double>(sent), static_cast<double>(now_us - 1'000'000) * 0.01152 + 1e-3);
  }
  EXPECT_NEAR(static_cast<double>(now_us), 2'000'000, 4'000);
}

TEST(Pace, IdleTimeIsNotSaved) {
  Pace pace(9600);
  pace.idle(5'000'000);
  EXPECT_EQ(pace.allowed(5'000'500), 0U);
  EXPECT_EQ(pace.allowed(5'010'500), 10U);
  pace.spend(10);
  pace.idle(9'000'000);
  EXPECT_EQ(pace.allowed(9'000'000), 0U);
  EXPECT_NEAR(static_cast<double>(pace.due_us(1)), 9'001'042, 1);
}

TEST(Pace, AStallIsMadeUpForOnlyInPart) {
  Pace pace(115200);
  pace.idle(0);
  EXPECT_LE(pace.allowed(60'000'000), 1152U);
}

TEST(Pace, NoBaudIsNoPace) {
  Pace pace(0);
  pace.idle(0);
  EXPECT_GT(pace.allowed(0), 1'000'000U);
}

class LinePair : public ::testing::Test {
 protected:
  LinePair() {
    std::string name = (std::filesystem::temp_directory_path() / "line_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    link_ = folder_ / "tty";
  }
  ~LinePair() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Line> open(const std::string& spec) {
    auto line = Line::open(spec, 0);
    EXPECT_TRUE(line) << line.error();
    return line ? std::move(*line) : nullptr;
  }
  void write(Line& line, const std::string& text) {
    std::size_t taken = 0;
    const auto pull = [&](std::span<std::uint8_t> out) {
      const std::size_t count = std::min(out.size(), text.size() - taken);
      std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(taken), count, out.begin());
      taken += count;
      return count;
    };
    line.write(pull, now_us_);
  }
  std::string read(Line& line) {
    std::vector<std::uint8_t> bytes(4096);
    const std::size_t count = line.read(bytes, now_us_);
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  std::filesystem::path folder_;
  std::filesystem::path link_;
  std::int64_t now_us_ = 1'000'000;
};

TEST_F(LinePair, CarriesEveryByteBothWays) {
  const auto near = open("pty:" + link_.string());
  const auto far = open(link_.string());
  ASSERT_TRUE(near && far);
  EXPECT_EQ(read(*far), "");
  EXPECT_TRUE(far->is_open());
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  write(*near, all);
  EXPECT_EQ(read(*far), all);
  write(*far, all);
  EXPECT_EQ(read(*near), all);
}

TEST_F(LinePair, TheOtherSideMayComeLateAndGoAway) {
  const auto far = open(link_.string());
  EXPECT_EQ(read(*far), "");
  EXPECT_FALSE(far->is_open());
  EXPECT_EQ(far->wish().fd, -1);
  EXPECT_EQ(far->fault(), link_.string() + ": No such file or directory");
  for (int round = 0; round < 3; ++round) {
    const auto near = open("pty:" + link_.string());
    EXPECT_EQ(read(*far), "");  // finds out that the one before has gone
    now_us_ += 1'000'000;
    EXPECT_EQ(read(*far), "");
    write(*near, "hello");
    EXPECT_EQ(read(*far), "hello");
  }
  EXPECT_FALSE(std::filesystem::is_symlink(link_));
  EXPECT_EQ(read(*far), "");
  EXPECT_FALSE(far->is_open());
  EXPECT_TRUE(far->fault().starts_with(link_.string() + ": ")) << far->fault();
  EXPECT_LT(far->due_us(), std::numeric_limits<std::int64_t>::max());
}

TEST_F(LinePair, ThePtySurvivesTheOtherSide) {
  const auto near = open("pty:" + link_.string());
  for (int round = 0; round < 3; ++round) {
    const auto far = open(link_.string());
    EXPECT_EQ(read(*far), "");
    write(*far, "x");
    EXPECT_EQ(read(*near), "x");
  }
  EXPECT_EQ(read(*near), "");
  EXPECT_TRUE(near->is_open());
}

TEST_F(LinePair, AFullLineStallsAndDropsNothing) {
  const auto near = open("pty:" + link_.string());
  const auto far = open(link_.string());
  EXPECT_EQ(read(*far), "");
  std::string sent(100'000, ' ');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 >> 3);
  std::size_t taken = 0;
  const auto pull = [&](std::span<std::uint8_t> out) {
    const std::size_t count = std::min(out.size(), sent.size() - taken);
    std::copy_n(sent.begin() + static_cast<std::ptrdiff_t>(taken), count, out.begin());
    taken += count;
    return count;
  };
  near->write(pull, now_us_);
  EXPECT_LT(taken, sent.size());
  EXPECT_NE(near->wish().events & POLLOUT, 0);
  std::string got;
  for (int i = 0; i < 10'000 && got.size() < sent.size(); ++i) {
    got += read(*far);
    near->write(pull, now_us_);
  }
  EXPECT_EQ(got, sent);
}

// What was pulled before the change leaves at the former speed, the rest at the new one.
TEST_F(LinePair, TheSpeedChangesBehindWhatWasPulled) {
  auto opened = Line::open("pty:" + link_.string(), 115200);
  ASSERT_TRUE(opened);
  Line& line = **opened;
  const MeterlensLine port = line.port(921600);
  EXPECT_EQ(port.baud_max, 921600U);
  EXPECT_FALSE(port.set_baud(port.context, 1234));
  std::size_t pulled = 0;
  const auto pull = [&](std::span<std::uint8_t> out) {
    std::fill(out.begin(), out.end(), std::uint8_t{'x'});
    pulled += out.size();
    return out.size();
  };
  line.write([](std::span<std::uint8_t>) { return std::size_t{0}; }, now_us_);
  line.write(pull, now_us_);
  ASSERT_EQ(pulled, 256U);
  ASSERT_TRUE(port.set_baud(port.context, 921600));
  // 256 bytes take 22.2 ms at 115200.
  now_us_ += 22'000;
  line.write(pull, now_us_);
  EXPECT_EQ(pulled, 256U);
  now_us_ += 1'000;
  line.write(pull, now_us_);
  EXPECT_EQ(pulled, 512U);
  // And 2.8 ms at 921600.
  now_us_ += 3'000;
  line.write(pull, now_us_);
  EXPECT_GE(pulled, 768U);
}

TEST_F(LinePair, AFixedLineHasNoSpeedToSet) {
  const auto line = open("pty:" + link_.string());
  EXPECT_EQ(line->port(0).set_baud, nullptr);
}

TEST_F(LinePair, APseudoTerminalIsNoWire) {
  const auto line = open("pty:" + link_.string());
  EXPECT_FALSE(is_wire("pty:" + link_.string()));
  EXPECT_FALSE(is_wire(link_.string()));
  EXPECT_FALSE(is_wire((folder_ / "nothing").string()));
  EXPECT_TRUE(is_wire("/dev/ttyUSB77"));
}

TEST_F(LinePair, DoesNotReplaceWhatIsNotALink) {
  std::ofstream(link_) << "somebody's";
  const auto line = Line::open("pty:" + link_.string(), 0);
  EXPECT_FALSE(line);
  EXPECT_TRUE(std::filesystem::is_regular_file(link_));
}

// Its number is free at once and another program's next; a restart by exec closes it, too.
TEST_F(LinePair, TheLinkIsGoneBeforeTheLineEnds) {
  auto line = open("pty:" + link_.string());
  int restarts = 0;
  MeterlensPower real{};
  real.context = &restarts;
  real.restart = [](void* count) { ++*static_cast<int*>(count); };
  const MeterlensPower power = line->ending(real);
  EXPECT_TRUE(std::filesystem::is_symlink(link_));
  power.restart(power.context);
  EXPECT_EQ(restarts, 1);
  EXPECT_FALSE(std::filesystem::is_symlink(link_));
  EXPECT_EQ(line->ending({}).restart, nullptr);

  // The new line has the name already when the former one ends.
  line = open("pty:" + link_.string());
  const int far = ::open(link_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(far, 0);
  bool found = true;
  std::thread other([&] {
    pollfd file = {far, 0, 0};
    poll(&file, 1, -1);
    found = std::filesystem::is_symlink(link_);
  });
  line.reset();
  other.join();
  close(far);
  EXPECT_FALSE(found);
}

TEST(Line, RefusesASpeedThatNoLineHas) { EXPECT_FALSE(Line::open("/dev/null", 1234)); }

}  // namespace
}  // namespace meterlens::boards
