// The page: devices live, in two languages.
import { get_command, is_over, take_photo } from "./api/command";
import { list_devices } from "./api/device";
import { listen } from "./api/events";
import { ApiError } from "./api/http";
import { DeviceView } from "./device_view";
import { element, set_text, show } from "./element";
import { Fleet } from "./fleet";
import { preferred_language, Words } from "./words";

const language_key = "meterlens.language";
const poll_ms = 5_000;

class Page {
  private words = new Words(preferred_language(stored_language(), navigator.language));
  private readonly fleet = new Fleet((id) => this.update_device(id));
  private readonly views = new Map<string, DeviceView>();
  private readonly heading = element("h1", "", "");
  private readonly link_state = element("p", "link");
  private readonly language = element("button", "language");
  private readonly notice = element("p", "notice");
  private readonly devices = element("main", "devices");
  private live = false;
  private loaded = false;
  private reachable = true;

  start(root: HTMLElement): void {
    this.link_state.setAttribute("role", "status");
    this.notice.setAttribute("role", "status");
    this.language.type = "button";
    this.language.addEventListener("click", () => this.switch_language());
    const bar = element("header", "bar", this.heading, this.link_state, this.language);
    root.append(bar, this.notice, this.devices);
    this.update();
    this.listen();
    void this.load();
    setInterval(() => {
      if (!this.live) void this.load();
    }, poll_ms);
  }

  private listen(): void {
    listen({
      device: (device) => this.fleet.take_device(device),
      command: (command) => this.fleet.take_command(command),
      photo: (photo) => this.fleet.take_photo(photo),
      reading: (reading) => this.fleet.take_reading(reading),
      connected: () => {
        this.live = true;
        void this.load();
      },
      disconnected: () => {
        this.live = false;
        this.update();
      },
    });
  }

  private async load(): Promise<void> {
    try {
      const devices = await list_devices();
      for (const device of devices) this.fleet.take_device(device);
      await this.catch_up();
      this.loaded = true;
      this.reachable = true;
    } catch {
      this.reachable = false;
    }
    this.update();
  }

  // A command that ended while nobody listened would look as if it still ran.
  private async catch_up(): Promise<void> {
    for (const { command, device } of this.fleet.all())
      if (command !== null && !is_over(command) && device.active_command?.id !== command.id)
        this.fleet.take_command(await get_command(command.id));
  }

  private async order(id: string): Promise<void> {
    this.fleet.refuse(id, null);
    try {
      this.fleet.take_command(await take_photo(id));
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError("", String(error), 0);
      this.fleet.refuse(id, { code: known.code, message: known.message });
    }
  }

  private switch_language(): void {
    this.words = new Words(this.words.language === "zh" ? "en" : "zh");
    try {
      localStorage.setItem(language_key, this.words.language);
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
    this.update();
  }

  private update(): void {
    const { words } = this;
    document.documentElement.lang = words.language === "zh" ? "zh-CN" : "en";
    document.title = `Meterlens · ${words.say("title")}`;
    set_text(this.heading, "Meterlens");
    set_text(this.link_state, words.say(this.live ? "live" : "connecting"));
    this.link_state.classList.toggle("live", this.live);
    set_text(this.language, words.say("other_language"));
    this.language.lang = words.language === "zh" ? "en" : "zh-CN";
    for (const entry of this.fleet.all()) this.update_device(entry.device.id);
    this.update_notice();
  }

  private update_notice(): void {
    const empty = this.fleet.all().length === 0;
    const word = !this.reachable ? "server_unreachable" : this.loaded ? "no_devices" : "loading";
    set_text(this.notice, this.words.say(word));
    show(this.notice, empty || !this.reachable);
  }

  private update_device(id: string): void {
    const entry = this.fleet.entry(id);
    if (entry === undefined) return;
    let view = this.views.get(id);
    if (view === undefined) {
      view = new DeviceView(id, (device) => this.order(device));
      this.views.set(id, view);
      this.place(id, view);
    }
    view.update(this.words, entry);
    this.update_notice();
  }

  // Keeps the cards in the order of their names without moving those that stand.
  private place(id: string, view: DeviceView): void {
    const ids = this.fleet.all().map((entry) => entry.device.id);
    const next = ids.slice(ids.indexOf(id) + 1).find((other) => this.views.has(other));
    this.devices.insertBefore(view.root, next === undefined ? null : this.views.get(next)!.root);
  }
}

function stored_language(): string | null {
  try {
    return localStorage.getItem(language_key);
  } catch {
    return null;
  }
}

new Page().start(document.body);
