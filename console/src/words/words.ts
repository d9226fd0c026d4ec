// How the console speaks: texts in two languages, times, numbers, and what the server says.
import type { Command } from "../api/openapi";
import { Value } from "../observe";
import { error_texts, says_all } from "./errors";
import { fleet_texts } from "./fleet";
import { frame } from "./frame";
import { login_texts } from "./login";
import { meter_texts } from "./meters";
import { operation_texts } from "./operation";
import { people_texts } from "./people";
import { in_chinese } from "./said";
import { setup_texts } from "./setup";
import type { Texts } from "./texts";
import { upkeep_texts } from "./upkeep";

export type Language = "en" | "zh";

const texts = {
  ...frame,
  ...error_texts,
  ...login_texts,
  ...fleet_texts,
  ...meter_texts,
  ...setup_texts,
  ...people_texts,
  ...upkeep_texts,
  ...operation_texts,
} satisfies Texts;
export type Word = keyof typeof texts;

export class Words {
  private readonly locale: string;
  private readonly moment: Intl.DateTimeFormat;
  private readonly minute: Intl.DateTimeFormat;

  constructor(readonly language: Language) {
    this.locale = language === "zh" ? "zh-CN" : "en-GB";
    const style = { dateStyle: "medium", timeStyle: "medium" } as const;
    this.moment = new Intl.DateTimeFormat(this.locale, style);
    const short = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" } as const;
    this.minute = new Intl.DateTimeFormat(this.locale, short);
  }

  say(word: Word, ...parts: (string | number)[]): string {
    // A newer server may say what this page does not know: then its own word shows.
    const text = texts[word]?.[this.language === "zh" ? 1 : 0] ?? word;
    return text.replace(/\{(\d)\}/g, (_, index) => String(parts[index] ?? ""));
  }

  // A name of the API as a text: `choice("verdict", "doubtful")`.
  choice(kind: string, name: string): string {
    const word = `${kind}_${name}`;
    return word in texts ? this.say(word as Word) : name;
  }

  time(at_ms: number | null): string {
    return at_ms === null ? this.say("never") : this.moment.format(at_ms);
  }

  short_time(at_ms: number | null, zone?: string): string {
    if (at_ms === null) return this.say("never");
    if (zone === undefined) return this.minute.format(at_ms);
    const style = { weekday: "short", month: "short", day: "numeric", hour: "2-digit" } as const;
    const format = new Intl.DateTimeFormat(this.locale, {
      ...style,
      minute: "2-digit",
      timeZone: zone,
    });
    return format.format(at_ms);
  }

  number(value: number): string {
    return value.toLocaleString(this.locale, { maximumFractionDigits: 3 });
  }

  percent(share: number): string {
    // Rounded down: 99.97 % must not show as 100 %.
    return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
  }

  duration(seconds: number): string {
    if (seconds < 120) return this.say("seconds", Math.round(seconds));
    if (seconds < 7200) return this.say("minutes", Math.round(seconds / 60));
    if (seconds < 172_800) return this.say("hours", Math.round(seconds / 3600));
    return this.say("days", Math.round(seconds / 86_400));
  }

  progress(command: Command, online: boolean): string {
    const { state } = command;
    // Whatever went out before, nothing happens until the device is back.
    if (!online && (state === "queued" || state === "sent")) return this.say("state_offline");
    if (state === "transferring" && command.reason)
      return this.say("state_kept", this.reason(command.reason));
    if (state === "transferring")
      return command.packets_total > 0
        ? this.say("state_transferring", command.packets_received, command.packets_total)
        : this.say("state_transferring_unknown", command.packets_received);
    if (state === "failed" || state === "expired")
      return this.say(`state_${state}`, this.reason(command.reason || this.say("reason_unknown")));
    return this.say(`state_${state}`);
  }

  // The server gives its reasons in English.
  reason(text: string): string {
    return this.language === "en" ? text : in_chinese(text);
  }

  // What it means in this language, and the server's own words beside it.
  error(code: string, message: string): string {
    // The server says "conflict" also of what is there already.
    const is_edit = code === "conflict" && message.includes("changed meanwhile");
    return this.told(`error_${is_edit ? "changed" : code}`, "error_other", message || code);
  }

  // What a test message met.
  trouble(code: string, message: string): string {
    return this.told(`trouble_${code}`, "trouble_other", message);
  }

  private told(word: string, other: Word, message: string): string {
    const known = word in texts ? (word as Word) : other;
    const detail = this.reason(message);
    const said = this.say(known, detail);
    const is_whole = detail === "" || texts[known][0].includes("{0}") || says_all.has(known);
    return is_whole ? said : this.say("error_detail", said, detail);
  }
}

export function preferred_language(stored: string | null, browser: string): Language {
  if (stored === "en" || stored === "zh") return stored;
  return browser.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const words = new Value(new Words("en"));
