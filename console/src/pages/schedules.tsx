// Schedules: when which devices take photos, in words and with the next times.
import { useState } from "preact/hooks";
import { add_schedule, change_schedule, delete_schedule, list_schedules } from "../api/api";
import type { Schedule, ScheduleEdit } from "../api/openapi";
import { is_zone, next_times, parse_cron, rhythm_of, type Cron } from "../cron";
import { Choice, Field, Form, Outcome, Waiting } from "../parts/form";
import { use_action, use_calm_events, use_loaded, use_words } from "../parts/hooks";
import { GroupField } from "../parts/tags";
import { group_of, names_of } from "../typed";
import type { Word, Words } from "../words/words";

const times_shown = 3;
const common: [cron: string, word: Word][] = [
  ["0 * * * *", "every_hour"],
  ["0 6 * * *", "every_day"],
  ["0 6 * * 1", "every_monday"],
  ["0 6 1 * *", "every_month"],
];

function zones(): string[] {
  const known = Intl as unknown as { supportedValuesOf?: (key: string) => string[] };
  return ["UTC", ...(known.supportedValuesOf?.("timeZone") ?? [])];
}

export function rhythm_text(cron: Cron, words: Words): string {
  const rhythm = rhythm_of(cron);
  const list = (items: (string | number)[]): string => items.join(words.say("list_comma"));
  const days = (numbers: number[]): string =>
    list(numbers.map((day) => words.choice("weekday", String(day))));
  switch (rhythm.kind) {
    case "daily": return words.say("rhythm_daily", list(rhythm.times));
    case "weekly": return words.say("rhythm_weekly", days(rhythm.weekdays), list(rhythm.times));
    case "monthly": return words.say("rhythm_monthly", list(rhythm.days), list(rhythm.times));
    case "every":
      return rhythm.minutes === 1
        ? words.say("rhythm_minutely")
        : words.say("rhythm_every", rhythm.minutes);
    case "hourly": return words.say("rhythm_hourly", list(rhythm.minutes));
    case "other": return words.say("rhythm_other");
  }
}

function Hint({ cron, zone }: { cron: string; zone: string }) {
  const words = use_words();
  const parsed = parse_cron(cron);
  if (typeof parsed === "string" || !is_zone(zone)) return null;
  const times = next_times(parsed, zone, Date.now(), times_shown);
  return (
    <div class="cron-hint" role="status">
      <p>
        <strong>{rhythm_text(parsed, words)}</strong>
      </p>
      {times.length === 0 ? (
        <p class="wrong">{words.say("never_due")}</p>
      ) : (
        <p class="facts">
          {words.say("next_times")}{" "}
          {times.map((at_ms) => words.short_time(at_ms, zone)).join(" · ")}
        </p>
      )}
    </div>
  );
}

// What a schedule is for; of the others nothing is sent.
const targets = ["all", "devices", "group", "meters", "meter_group"] as const;
type Target = (typeof targets)[number];

interface Typed {
  name: string;
  cron: string;
  zone: string;
  target: Target;
  names: string; // of devices or meters
  group: string;
  spread: string; // minutes
  catch_up: string; // minutes
  grace: string; // minutes
}

function target_of(schedule: Schedule): Target {
  if (schedule.meter_group !== "") return "meter_group";
  if (schedule.meters.length > 0) return "meters";
  if (schedule.group !== "") return "group";
  return schedule.devices.length > 0 ? "devices" : "all";
}

function typed_of(schedule: Schedule | null): Typed {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const minutes = (seconds: number): string => String(seconds / 60);
  return schedule === null
    ? {
        name: "",
        cron: "0 6 * * *",
        zone,
        target: "all",
        names: "",
        group: "",
        spread: "10",
        catch_up: "60",
        grace: "60",
      }
    : {
        name: schedule.name,
        cron: schedule.cron,
        zone: schedule.zone,
        target: target_of(schedule),
        names: [...schedule.devices, ...schedule.meters].join(" "),
        group: schedule.group || schedule.meter_group,
        spread: minutes(schedule.spread_s),
        catch_up: minutes(schedule.catch_up_s),
        grace: minutes(schedule.grace_s),
      };
}

function seconds_of(text: string, most_s: number): number | null {
  if (!/^\d{1,6}([.,]\d{1,3})?$/.test(text.trim())) return null;
  const seconds = Math.round(Number(text.trim().replace(",", ".")) * 60);
  return seconds <= most_s ? seconds : null;
}

export function schedule_edit(typed: Typed): ScheduleEdit | null {
  const spread_s = seconds_of(typed.spread, 86_400);
  const catch_up_s = seconds_of(typed.catch_up, 604_800);
  const grace_s = seconds_of(typed.grace, 604_800);
  const cron = parse_cron(typed.cron);
  const name = typed.name.trim();
  const { target } = typed;
  const group = group_of(typed.group);
  const names = names_of(typed.names);
  const of_group = target === "group" || target === "meter_group";
  const of_names = target === "devices" || target === "meters";
  if (names === null || name === "") return null;
  if (typeof cron === "string" || !is_zone(typed.zone)) return null;
  if (spread_s === null || catch_up_s === null || grace_s === null) return null;
  if ((of_group && !group) || (of_names && names.length === 0)) return null;
  return {
    name,
    cron: typed.cron.trim(),
    zone: typed.zone,
    devices: target === "devices" ? names : [],
    group: target === "group" ? group! : "",
    meters: target === "meters" ? names : [],
    meter_group: target === "meter_group" ? group! : "",
    spread_s,
    catch_up_s,
    grace_s,
  };
}

function TargetFields(props: { typed: Typed; set: (key: keyof Typed) => (text: string) => void }) {
  const words = use_words();
  const { typed, set } = props;
  const of_names = typed.target === "devices" || typed.target === "meters";
  return (
    <>
      <Choice
        label={words.say("schedule_for")}
        value={typed.target}
        choices={targets.map((one) => [one, words.choice("which", one)])}
        on_change={set("target")}
      />
      {of_names && (
        <Field
          label={words.say("names")}
          value={typed.names}
          on_change={set("names")}
          bytes_max={60_000}
          wrong={names_of(typed.names) === null ? words.say("names_wanted") : null}
          hint={words.say(typed.target === "meters" ? "which_meters_hint" : "which_devices_hint")}
        />
      )}
      {(typed.target === "group" || typed.target === "meter_group") && (
        <GroupField value={typed.group} on_change={set("group")} hint={words.say("group_below")} />
      )}
    </>
  );
}

function ScheduleForm(props: {
  schedule: Schedule | null;
  done: () => void;
  renew?: () => Promise<void>;
}) {
  const words = use_words();
  const { schedule } = props;
  const [typed, set_typed] = useState(typed_of(schedule));
  const action = use_action(props.renew);
  const set = (key: keyof Typed) => (value: string) => set_typed({ ...typed, [key]: value });
  const parsed = parse_cron(typed.cron);
  const edit = schedule_edit(typed);
  const minutes_wrong = (text: string, most_s: number): string | null =>
    seconds_of(text, most_s) === null ? words.say("number_from_to", 0, most_s / 60) : null;

  async function save(): Promise<void> {
    if (schedule === null) await add_schedule(edit!);
    else await change_schedule(schedule.id, { ...edit, version: schedule.version });
    if (schedule === null) set_typed(typed_of(null));
    props.done();
  }

  return (
    <Form
      title={words.say(schedule === null ? "new_schedule" : "change")}
      submit={words.say(schedule === null ? "create" : "save")}
      action={action}
      wrong={edit === null}
      on_submit={() => void action.run(save)}
    >
      <Field label={words.say("name")} value={typed.name} on_change={set("name")} bytes_max={64} />
      <p class="choices">
        {common.map(([cron, word]) => (
          <button key={cron} type="button" class="small" onClick={() => set("cron")(cron)}>
            {words.say(word)}
          </button>
        ))}
      </p>
      <Field
        label={words.say("cron")}
        value={typed.cron}
        on_change={set("cron")}
        bytes_max={120}
        wrong={typeof parsed === "string" ? words.choice("cron", parsed) : null}
        hint={words.say("cron_hint")}
      />
      <Hint cron={typed.cron} zone={typed.zone} />
      <Field
        label={words.say("zone")}
        value={typed.zone}
        on_change={set("zone")}
        bytes_max={64}
        list={zones()}
        wrong={is_zone(typed.zone) ? null : words.say("zone_wanted")}
      />
      <TargetFields typed={typed} set={set} />
      <Field label={words.say("spread")} value={typed.spread} on_change={set("spread")} numeric
        wrong={minutes_wrong(typed.spread, 86_400)} hint={words.say("spread_hint")} />
      <Field label={words.say("catch_up")} value={typed.catch_up} on_change={set("catch_up")}
        numeric wrong={minutes_wrong(typed.catch_up, 604_800)} hint={words.say("catch_up_hint")} />
      <Field label={words.say("grace")} value={typed.grace} on_change={set("grace")} numeric
        wrong={minutes_wrong(typed.grace, 604_800)} hint={words.say("grace_hint")} />
    </Form>
  );
}

function Item(props: {
  schedule: Schedule;
  reload: () => void;
  renew: () => Promise<void>;
}) {
  const words = use_words();
  const { schedule, reload } = props;
  const action = use_action();
  const [editing, set_editing] = useState(false);
  const [sure, set_sure] = useState(false);
  const parsed = parse_cron(schedule.cron);
  const { id, version, enabled, next_ms, zone } = schedule;
  const act = (what: () => Promise<unknown>) => () =>
    void action.run(() => what().finally(reload));
  const texts: Record<Target, string> = {
    all: words.say("all_devices"),
    devices: words.say("count_devices", schedule.devices.length),
    group: words.say("of_group", schedule.group),
    meters: words.say("count_meters", schedule.meters.length),
    meter_group: words.say("of_meter_group", schedule.meter_group),
  };
  return (
    <li class="card" data-schedule={id}>
      <h2>{schedule.name}</h2>
      <p>
        {typeof parsed === "string" ? schedule.cron : rhythm_text(parsed, words)}{" "}
        <code>{schedule.cron}</code>
      </p>
      <p class="facts">
        {texts[target_of(schedule)]} · {zone} ·{" "}
        {enabled
          ? words.say("next_at", next_ms === null ? "–" : words.short_time(next_ms, zone))
          : words.say("paused")}
      </p>
      <p class="send">
        <button
          type="button"
          onClick={act(() => change_schedule(id, { version, enabled: !enabled }))}
        >
          {words.say(enabled ? "pause" : "resume")}
        </button>
        <button type="button" aria-expanded={editing} onClick={() => set_editing(!editing)}>
          {words.say(editing ? "cancel" : "change")}
        </button>
        <button
          type="button"
          class="danger"
          onBlur={() => set_sure(false)}
          onClick={sure ? act(() => delete_schedule(id)) : () => set_sure(true)}
        >
          {words.say(sure ? "delete_sure" : "delete")}
        </button>
        <Outcome action={action} done="" />
      </p>
      {editing && (
        <ScheduleForm
          schedule={schedule}
          renew={props.renew}
          done={() => {
            set_editing(false);
            reload();
          }}
        />
      )}
    </li>
  );
}

export function SchedulesPage() {
  const words = use_words();
  const schedules = use_loaded(list_schedules, []);
  use_calm_events(["command"], schedules.reload);
  if (schedules.value === null) return <Waiting error={schedules.error} />;
  return (
    <>
      <h1>{words.say("nav_schedules")}</h1>
      {schedules.value.length === 0 && <p class="notice">{words.say("no_schedules")}</p>}
      <ul class="cards wide-cards">
        {schedules.value.map((schedule) => (
          <Item
            key={schedule.id}
            schedule={schedule}
            reload={schedules.reload}
            renew={schedules.renew}
          />
        ))}
      </ul>
      <section class="card">
        <h2>{words.say("new_schedule")}</h2>
        <ScheduleForm schedule={null} done={schedules.reload} />
      </section>
    </>
  );
}
