// What is done with all devices that are chosen: photos, group, labels, profile, switching off.
import { useRef, useState } from "preact/hooks";
import {
  change_device,
  change_profile,
  change_tags,
  get_profile,
  get_tags,
  list_profiles,
  push_profile,
} from "../api/fleet_calls";
import { ApiError, error_of } from "../api/http";
import type { Labels, Profile, Tags } from "../api/openapi";
import { fleet, order_photo } from "../live";
import { group_of, labels_of, names_max } from "../typed";
import { Choice, Outcome } from "./form";
import { use_action, use_loaded, use_words } from "./hooks";
import { GroupField, LabelsField } from "./tags";

const at_once = 8;
const acts = ["photo", "group", "labels", "profile", "disable", "enable"] as const;
type Act = (typeof acts)[number];

interface Counts {
  all: number;
  good: number;
  bad: number;
  error: ApiError | null; // the last
}

async function retag(device: string, change: (tags: Tags) => Partial<Tags>): Promise<void> {
  const tags = await get_tags("devices", device);
  const { group, labels, version } = { ...tags, ...change(tags) };
  fleet.take_tags(device, await change_tags("devices", device, { group, labels, version }));
}

async function photo(device: string): Promise<void> {
  if (await order_photo(device)) return;
  const { code = "", message = "" } = fleet.entry(device).get()?.error ?? {};
  throw new ApiError(code, message, 0);
}

async function set_enabled(device: string, enabled: boolean): Promise<void> {
  fleet.take_devices([await change_device(device, { enabled })]);
}

// What one device is done, for what was typed; null while that is wrong.
function step_of(act: Act, typed: Typed): ((device: string) => Promise<void>) | null {
  const group = group_of(typed.group);
  const labels: Labels | null = labels_of(typed.labels);
  switch (act) {
    case "photo": return photo;
    case "enable": return (device) => set_enabled(device, true);
    case "disable": return (device) => set_enabled(device, false);
    case "group": return group === null ? null : (device) => retag(device, () => ({ group }));
    case "labels":
      if (labels === null || Object.keys(labels).length === 0) return null;
      return (device) =>
        retag(device, (tags) => ({ labels: { ...tags.labels, ...labels } }));
    case "profile": return null;
  }
}

interface Typed {
  group: string;
  labels: string;
}

// Runs `step` for each, some at once; `told` hears of every one that has ended.
async function run_all(
  ids: string[],
  step: (device: string) => Promise<void>,
  stop: { readonly current: boolean },
  told: (counts: Counts) => void,
): Promise<void> {
  const waiting = [...ids];
  const counts: Counts = { all: ids.length, good: 0, bad: 0, error: null };
  told({ ...counts });
  const work = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined && !stop.current; id = waiting.pop()) {
      try {
        await step(id);
        counts.good += 1;
      } catch (error) {
        counts.bad += 1;
        counts.error = error_of(error);
      }
      told({ ...counts });
    }
  };
  await Promise.all(Array.from({ length: at_once }, work));
  told({ ...counts, all: counts.good + counts.bad });
}

// The chosen devices join those that the profile names, and all of them get it.
async function push_to(profile: number, ids: string[]): Promise<void> {
  const { target, version } = await get_profile(profile);
  const devices = [...new Set([...(target.devices ?? []), ...ids])];
  await change_profile(profile, { version, target: { ...target, devices } });
  await push_profile(profile);
}

function ProfilePush({ chosen, done }: { chosen: ReadonlySet<string>; done: () => void }) {
  const words = use_words();
  const profiles = use_loaded(list_profiles, []);
  const [typed, set_typed] = useState("");
  const action = use_action();
  const all: Profile[] = profiles.value ?? [];
  const profile = typed || String(all[0]?.id ?? "");
  const wrong = chosen.size === 0 || chosen.size > names_max || profile === "" || action.busy;
  if (profiles.value !== null && all.length === 0)
    return <p class="facts">{words.say("no_profiles")}</p>;
  return (
    <>
      <Choice
        label={words.say("profile")}
        value={profile}
        choices={all.map(({ id, name }) => [String(id), name])}
        on_change={set_typed}
      />
      <button
        type="button"
        class="main"
        aria-disabled={wrong}
        onClick={() => {
          if (!wrong)
            void action
              .run(() => push_to(Number(profile), [...chosen]))
              .then((good) => good && done());
        }}
      >
        {words.say("bulk_profile", words.number(chosen.size))}
      </button>
      {chosen.size > names_max && (
        <span class="wrong">{words.say("too_many_names", words.number(names_max))}</span>
      )}
      <Outcome action={action} done={words.say("pushed")} />
    </>
  );
}

function Each(props: { act: Act; chosen: ReadonlySet<string>; done: () => void }) {
  const words = use_words();
  const { act, chosen } = props;
  const [typed, set_typed] = useState<Typed>({ group: "", labels: "" });
  const [counts, set_counts] = useState<Counts | null>(null);
  const stop = useRef(false);
  const running = counts !== null && counts.good + counts.bad < counts.all;
  const step = step_of(act, typed);
  const wrong = chosen.size === 0 || step === null || running;
  const run = async (): Promise<void> => {
    stop.current = false;
    await run_all([...chosen], step!, stop, set_counts);
    props.done();
  };
  return (
    <>
      {act === "group" && (
        <GroupField value={typed.group} on_change={(group) => set_typed({ ...typed, group })} />
      )}
      {act === "labels" && (
        <LabelsField
          word="labels"
          value={typed.labels}
          on_change={(labels) => set_typed({ ...typed, labels })}
        />
      )}
      <button
        type="button"
        class="main"
        aria-disabled={wrong}
        onClick={() => {
          if (!wrong) void run();
        }}
      >
        {words.say(`bulk_${act}`, words.number(chosen.size))}
      </button>
      {running && (
        <button type="button" onClick={() => (stop.current = true)}>
          {words.say("stop")}
        </button>
      )}
      <span role="status">
        {counts !== null &&
          words.say(act === "photo" ? "bulk_counts" : "bulk_done", words.number(counts.good),
            words.number(counts.all), words.number(counts.bad))}
      </span>
      <span role="alert" class="error">
        {counts?.error && words.error(counts.error.code, counts.error.message)}
      </span>
    </>
  );
}

export function Bulk({ chosen, done }: { chosen: ReadonlySet<string>; done: () => void }) {
  const words = use_words();
  const [act, set_act] = useState<Act>("photo");
  return (
    <div class="bulk" role="group" aria-label={words.say("bulk")}>
      <Choice
        label={words.say("bulk")}
        value={act}
        choices={acts.map((one) => [one, words.choice("act", one)])}
        on_change={(value) => set_act(value as Act)}
      />
      {act === "profile" ? (
        <ProfilePush chosen={chosen} done={done} />
      ) : (
        <Each key={act} act={act} chosen={chosen} done={done} />
      )}
    </div>
  );
}
