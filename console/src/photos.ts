// Photos that were or will soon be looked at, decoded; the oldest are forgotten.
import { photo_url } from "./api/api";

const count_max = 24;
const kept = new Map<number, Promise<HTMLImageElement>>();

export function load_photo(id: number): Promise<HTMLImageElement> {
  const known = kept.get(id);
  kept.delete(id);
  const image = known ?? decode(id);
  kept.set(id, image);
  for (const old of kept.keys()) {
    if (kept.size <= count_max) break;
    kept.delete(old);
  }
  return image;
}

async function decode(id: number): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = photo_url(id);
  try {
    await image.decode();
  } catch (error) {
    kept.delete(id);
    throw error;
  }
  return image;
}
