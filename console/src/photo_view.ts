// The newest photo with the counter window drawn over it.
import { photo_url, type Photo } from "./api/photo";
import type { Reading } from "./api/reading";
import { element, set_text, show, svg } from "./element";
import type { Words } from "./words";

export class PhotoView {
  readonly root = element("figure", "photo");
  private readonly image = element("img");
  private readonly frame = svg("svg", { "aria-hidden": "true", class: "window" });
  private readonly outline = svg("polygon", {});
  private readonly empty = element("p", "photo-empty");
  private readonly caption = element("figcaption");
  private failed = false;
  private redraw = (): void => undefined;

  constructor() {
    this.frame.append(this.outline);
    this.frame.setAttribute("preserveAspectRatio", "xMidYMid meet");
    this.root.append(element("div", "picture", this.image), this.empty, this.caption);
    this.image.parentElement?.append(this.frame);
    this.image.decoding = "async";
    this.image.addEventListener("load", () => this.fit());
    this.image.addEventListener("error", () => {
      this.failed = true;
      this.redraw();
    });
  }

  update(words: Words, photo: Photo | null, reading: Reading | null): void {
    this.redraw = () => this.update(words, photo, reading);
    const picture = this.image.parentElement as HTMLElement;
    if (photo !== null && this.image.dataset["photo"] !== String(photo.id)) {
      this.failed = false;
      this.image.dataset["photo"] = String(photo.id);
      this.image.src = photo_url(photo.id);
      this.frame.removeAttribute("viewBox");
    }
    show(picture, photo !== null && !this.failed);
    show(this.empty, photo === null || this.failed);
    set_text(this.empty, words.say(photo === null ? "no_photo" : "photo_missing"));
    const at = photo === null ? "" : words.time(photo.captured_at_ms ?? photo.received_at_ms);
    this.image.alt = photo === null ? "" : words.say("photo_of", photo.device, at);
    set_text(this.caption, photo === null ? "" : words.say("photo_at", at));
    this.draw_window(photo, reading);
  }

  private draw_window(photo: Photo | null, reading: Reading | null): void {
    const fits = photo !== null && reading !== null && reading.photo === photo.id;
    const corners = fits ? reading.window : [];
    this.outline.setAttribute("points", corners.map(([x, y]) => `${x},${y}`).join(" "));
    this.frame.classList.toggle("sure", fits && reading.status === "read");
    this.fit();
  }

  // The window's corners are in photo pixels, so the drawing takes the photo's own size.
  private fit(): void {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    if (width > 0 && height > 0) this.frame.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }
}
