#include "boards/linux/picture_step.h"

#include <turbojpeg.h>

#include <algorithm>
#include <memory>

namespace meterlens::boards {
namespace {

int operation(const MeterlensShot& shot) {
  if (shot.mirror != 0 && shot.flip != 0) return TJXOP_ROT180;
  if (shot.mirror != 0) return TJXOP_HFLIP;
  return shot.flip != 0 ? TJXOP_VFLIP : TJXOP_NONE;
}

bool crops(const MeterlensShot& shot) { return shot.crop_width > 0 && shot.crop_height > 0; }

// From `begin` on `share` thousandths of `whole`, the beginning at a block's edge.
void cut(int whole, std::int32_t begin, std::int32_t share, int block, int& at, int& length) {
  const int wanted = std::max(whole * std::min(share, 1000 - begin) / 1000, 1);
  at = whole * begin / 1000 / block * block;
  length = std::min(wanted + whole * begin / 1000 - at, whole - at);
}

}  // namespace

bool wants_picture_step(const MeterlensShot& shot) {
  return operation(shot) != TJXOP_NONE || crops(shot);
}

std::optional<std::vector<std::uint8_t>> picture_step(std::span<const std::uint8_t> jpeg,
                                                      const MeterlensShot& shot) {
  const std::unique_ptr<void, int (*)(tjhandle)> tool(tjInitTransform(), tjDestroy);
  int width = 0, height = 0, sampling = 0, colours = 0;
  if (!tool || tjDecompressHeader3(tool.get(), jpeg.data(), jpeg.size(), &width, &height,
                                   &sampling, &colours) != 0 ||
      sampling < 0)
    return std::nullopt;
  tjtransform wish{};
  wish.op = operation(shot);
  const int block_width = tjMCUWidth[sampling], block_height = tjMCUHeight[sampling];
  // What a turned picture cannot show at its edge does not count.
  if (shot.mirror != 0) width = std::max(width / block_width * block_width, 1);
  if (shot.flip != 0) height = std::max(height / block_height * block_height, 1);
  wish.options = TJXOPT_TRIM;
  if (crops(shot)) {
    wish.options |= TJXOPT_CROP;
    cut(width, shot.crop_left, shot.crop_width, block_width, wish.r.x, wish.r.w);
    cut(height, shot.crop_top, shot.crop_height, block_height, wish.r.y, wish.r.h);
  }
  unsigned char* made = nullptr;
  unsigned long bytes = 0;
  const int failed =
      tjTransform(tool.get(), jpeg.data(), jpeg.size(), 1, &made, &bytes, &wish, 0);
  std::optional<std::vector<std::uint8_t>> out;
  if (failed == 0) out.emplace(made, made + bytes);
  tjFree(made);
  return out;
}

}  // namespace meterlens::boards
