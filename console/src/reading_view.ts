// A reading as the wheels a person would see, with what the reader and the judge say about it.
import type { Photo } from "./api/photo";
import type { Reading } from "./api/reading";
import { spoken, wheels_of } from "./digits";
import { element, set_text, show } from "./element";
import type { Words } from "./words";

export class ReadingView {
  readonly root = element("section", "reading");
  private readonly register = element("p", "register");
  private readonly status = element("span", "status");
  private readonly facts = element("span", "facts");
  private readonly reasons = element("ul", "reasons");
  private readonly note = element("p", "note");

  constructor() {
    this.root.setAttribute("aria-live", "polite");
    this.register.setAttribute("role", "img");
    const line = element("p", "verdict", this.status, " ", this.facts);
    this.root.append(this.register, line, this.reasons, this.note);
  }

  update(words: Words, reading: Reading | null, photo: Photo | null): void {
    this.root.setAttribute("aria-label", words.say("reading"));
    show(this.register, reading !== null && reading.digits !== "");
    show(this.status, reading !== null);
    show(this.reasons, reading !== null && reading.reasons.length > 0);
    this.root.dataset["verdict"] = reading?.verdict ?? "none";
    this.root.dataset["status"] = reading?.status ?? "none";
    this.root.dataset["reading"] = String(reading?.id ?? "");
    if (reading === null) {
      set_text(this.facts, words.say("no_reading"));
    } else {
      this.draw_wheels(words, reading);
      set_text(this.status, words.say(`status_${reading.status}`));
      const confidence = words.say("confidence", words.percent(reading.confidence));
      set_text(this.facts, `${confidence} · ${words.say(`verdict_${reading.verdict}`)}`);
      this.draw_reasons(reading.reasons.map((reason) => words.reason(reason)));
    }
    set_text(this.note, this.note_of(words, reading, photo));
    show(this.note, this.note.textContent !== "");
  }

  private draw_wheels(words: Words, reading: Reading): void {
    const key = `${reading.id} ${words.language}`;
    if (this.register.dataset["key"] === key) return;
    this.register.dataset["key"] = key;
    this.register.setAttribute("aria-label", spoken(reading.value || reading.digits));
    this.register.replaceChildren(
      ...wheels_of(reading).map((wheel) => {
        const cell = element("span", "wheel", wheel.digit);
        cell.classList.toggle("red", wheel.red);
        cell.classList.toggle("unclear", !wheel.certain);
        if (!wheel.certain) cell.title = words.say("digit_uncertain");
        return cell;
      }),
    );
  }

  private draw_reasons(reasons: string[]): void {
    const now = reasons.join("\n");
    if (this.reasons.dataset["key"] === now) return;
    this.reasons.dataset["key"] = now;
    this.reasons.replaceChildren(...reasons.map((reason) => element("li", "", reason)));
  }

  private note_of(words: Words, reading: Reading | null, photo: Photo | null): string {
    if (photo === null) return "";
    if (photo.state === "quarantined")
      return words.say("quarantined", words.reason(photo.reason || words.say("quarantined_plain")));
    if (reading === null || reading.photo < photo.id)
      return reading === null
        ? words.say("being_read")
        : `${words.say("being_read")}. ${words.say("older_reading", words.time(reading.at_ms))}`;
    return "";
  }
}
