#include "device/dtu/queue.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace meterlens::dtu {
namespace {

using Buffer = std::vector<std::uint8_t>;

// Credit as the link gives it: what was once promised stays promised, and always finds room.
TEST(MessageQueue, WhatIsSureFindsRoomWhateverTheSizes) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const std::size_t most = 1 + random() % 120;
    Buffer memory(200 + random() % 400);
    MessageQueue queue(memory);
    std::size_t sent = 0, limit = 0, pushes = 0;
    for (int i = 0; i < 20'000; ++i) {
      const std::size_t now = sent + queue.sure_bytes(most);
      ASSERT_GE(now, limit) << "seed " << seed;
      if (random() % 3 == 0) limit = now;
      const Buffer message(random() % 4 == 0 ? most : random() % (most + 1));
      const std::size_t cost = message.size() + MessageQueue::head_bytes;
      if (random() % 5 < 3 && sent + cost <= limit) {
        ASSERT_TRUE(queue.push(message)) << "seed " << seed;
        sent += cost;
        ++pushes;
      } else if (queue.count() > 0) {
        queue.pop();
      }
    }
    EXPECT_GT(pushes, 1000U) << "seed " << seed;
    // Nothing is kept back for good.
    while (queue.count() > 0) queue.pop();
    EXPECT_EQ(queue.sure_bytes(most), memory.size());
  }
}

}  // namespace
}  // namespace meterlens::dtu
