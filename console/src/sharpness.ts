// What a small frame tells of its focus and light.

export interface FrameJudgement {
  sharpness: number; // mean square of the Laplacian of the luminance; larger is sharper
  bright_share: number; // of pixels that are burnt out
  mean: number; // luminance, 0 to 255
  hints: ("blurred" | "glare" | "dark" | "bright" | "good")[];
}

const burnt_out = 250;
const glare_share_max = 0.02;
const dark_mean = 40;
const bright_mean = 215;
const sharpness_min = 25; // below this the digits of a small frame cannot be told apart

// `rgba`: as of a canvas, four bytes a pixel.
export function judge_pixels(
  rgba: Uint8ClampedArray,
  width: number,
  height: number,
): FrameJudgement {
  const gray = new Float32Array(width * height);
  let sum = 0;
  let bright = 0;
  for (let i = 0; i < gray.length; ++i) {
    const [r = 0, g = 0, b = 0] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]];
    const light = 0.299 * r + 0.587 * g + 0.114 * b;
    gray[i] = light;
    sum += light;
    if (light >= burnt_out) ++bright;
  }
  let squares = 0;
  const at = (x: number, y: number): number => gray[y * width + x] ?? 0;
  for (let y = 1; y < height - 1; ++y)
    for (let x = 1; x < width - 1; ++x) {
      const edge = 4 * at(x, y) - at(x - 1, y) - at(x + 1, y) - at(x, y - 1) - at(x, y + 1);
      squares += edge * edge;
    }
  const inner = Math.max(1, (width - 2) * (height - 2));
  const sharpness = squares / inner;
  const mean = sum / Math.max(1, gray.length);
  const bright_share = bright / Math.max(1, gray.length);
  const hints: FrameJudgement["hints"] = [];
  if (mean < dark_mean) hints.push("dark");
  if (mean > bright_mean) hints.push("bright");
  else if (bright_share > glare_share_max) hints.push("glare");
  if (sharpness < sharpness_min) hints.push("blurred");
  if (hints.length === 0) hints.push("good");
  return { sharpness, bright_share, mean, hints };
}
