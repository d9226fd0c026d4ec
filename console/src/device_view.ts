// One device: state, newest photo, reading, and the button that orders a new photo.
import { is_over, type Command } from "./api/command";
import { element, set_text, show } from "./element";
import type { Entry } from "./fleet";
import { PhotoView } from "./photo_view";
import { ReadingView } from "./reading_view";
import type { Words } from "./words";

export class DeviceView {
  readonly root = element("article", "device");
  private readonly name = element("h2");
  private readonly state = element("span", "state");
  private readonly facts = element("p", "facts");
  private readonly photo = new PhotoView();
  private readonly reading = new ReadingView();
  private readonly button = element("button", "take");
  private readonly bar = element("progress");
  private readonly progress = element("p", "progress");
  private readonly error = element("p", "error");

  constructor(id: string, order: (device: string) => Promise<void>) {
    this.name.id = `device-${id}`;
    this.root.dataset["device"] = id;
    this.root.setAttribute("aria-labelledby", this.name.id);
    this.button.type = "button";
    this.progress.setAttribute("role", "status");
    this.error.setAttribute("role", "alert");
    const header = element("header", "", this.name, this.state, this.facts);
    const orders = element("div", "order", this.button, this.bar, this.progress, this.error);
    this.root.append(header, this.photo.root, this.reading.root, orders);
    this.button.addEventListener("click", () => {
      if (this.button.getAttribute("aria-disabled") !== "true") void order(id);
    });
  }

  update(words: Words, entry: Entry): void {
    const { device, command } = entry;
    set_text(this.name, device.remark === "" ? device.id : `${device.id} · ${device.remark}`);
    set_text(this.state, words.say(device.online ? "online" : "offline"));
    this.state.classList.toggle("online", device.online);
    const seen = device.last_seen_ms;
    const last = seen === null ? words.say("never") : words.say("seen", words.time(seen));
    const facts = [words.say(`dialect_${device.dialect}`)];
    if (!device.online) facts.push(last);
    set_text(this.facts, facts.join(" · "));
    this.photo.update(words, device.newest_photo, device.newest_reading);
    this.reading.update(words, device.newest_reading, device.newest_photo);
    this.update_order(words, entry, command);
  }

  private update_order(words: Words, entry: Entry, command: Command | null): void {
    const running = command !== null && !is_over(command);
    set_text(this.button, words.say(running ? "working" : "take_photo"));
    // Not `disabled`: the focus must stay where it is while the photo comes.
    this.button.setAttribute("aria-disabled", String(running));
    this.button.setAttribute("aria-describedby", this.name.id);
    show(this.bar, running);
    if (running) this.update_bar(words, command);
    this.progress.dataset["state"] = command?.state ?? "";
    set_text(this.progress, command === null ? "" : words.progress(command, entry.device.online));
    const { error } = entry;
    set_text(this.error, error === null ? "" : words.error(error.code, error.message));
    show(this.error, error !== null);
  }

  private update_bar(words: Words, command: Command): void {
    this.bar.setAttribute("aria-label", words.say("working"));
    if (command.packets_total > 0) {
      this.bar.max = command.packets_total;
      this.bar.value = command.packets_received;
    } else {
      this.bar.removeAttribute("value");
    }
  }
}
