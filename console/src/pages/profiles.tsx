// Profiles: one set of settings for many devices; pushed, and which device has it.
import { useState } from "preact/hooks";
import {
  get_profile,
  list_profile_devices,
  list_profiles,
  push_profile,
  remove_profile,
  type ProfileDevice,
} from "../api/fleet_calls";
import type { Profile } from "../api/openapi";
import { Outcome, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import { More, use_paged, use_polling } from "../parts/paged";
import { ProfileForm } from "../parts/profile_form";
import { Sure } from "../parts/sure";
import { target_text } from "../parts/target";
import { go, link_to } from "../router";
import { is_nobody } from "../typed";
import { setting_text } from "../words/settings";

const states: ProfileDevice["state"][] = [
  "confirmed", "waiting", "drifted", "refused", "failed", "missing",
];

export function ProfilesPage() {
  const words = use_words();
  const profiles = use_loaded(list_profiles, []);
  if (profiles.value === null) return <Waiting error={profiles.error} />;
  return (
    <>
      <h1>{words.say("nav_profiles")}</h1>
      <p class="facts">{words.say("profiles_about")}</p>
      {profiles.value.length === 0 && <p class="notice">{words.say("no_profiles")}</p>}
      <ul class="cards">
        {profiles.value.map((profile) => (
          <li key={profile.id} class="card" data-profile={profile.id}>
            <h2>
              <a class="stretched" href={link_to("profiles", String(profile.id))}>
                {profile.name}
              </a>
            </h2>
            <p>{target_text(profile.target, words)}</p>
            <p class="facts">
              {words.say("settings_counts", Object.keys(profile.camera).length,
                Object.keys(profile.dtu).length)}
            </p>
          </li>
        ))}
      </ul>
      <section class="card">
        <h2>{words.say("new_profile")}</h2>
        <ProfileForm profile={null} done={profiles.reload} />
      </section>
    </>
  );
}

function SettingsTable({ profile }: { profile: Profile }) {
  const words = use_words();
  const rows = (["camera", "dtu"] as const).flatMap((part) =>
    Object.entries(profile[part]).map(([name, value]) => ({ part, name, value })),
  );
  return (
    <dl class="rows-of-facts">
      {rows.map(({ part, name, value }) => (
        <div key={`${part}.${name}`}>
          <dt>
            {words.choice("part", part)}: {setting_text(words.language, name)}
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Line({ one }: { one: ProfileDevice }) {
  const words = use_words();
  const names = one.settings.map((name) => setting_text(words.language, name));
  return (
    <tr data-device={one.device} data-state={one.state}>
      <th scope="row">
        <a href={link_to("devices", one.device)}>{one.device}</a>
      </th>
      <td>
        <span class={`badge ${one.state}`}>{words.choice("pushed", one.state)}</span>
      </td>
      <td>
        {[names.join(words.say("list_comma")), one.reason && words.reason(one.reason)]
          .filter(Boolean)
          .join(": ")}
      </td>
      <td class="wide">{words.short_time(one.pushed_ms)}</td>
    </tr>
  );
}

function Devices({ profile, asked }: { profile: number; asked: number }) {
  const words = use_words();
  const list = use_paged(
    (limit, cursor) => list_profile_devices(profile, limit, cursor),
    [profile],
  );
  const [seen, set_seen] = useState(asked);
  if (seen !== asked) {
    set_seen(asked);
    list.reload();
  }
  const items = list.value?.items ?? [];
  use_polling(items.some(({ state }) => state === "waiting"), list.reload);
  if (list.value === null) return <Waiting error={list.error} />;
  const counts = states
    .map((state) => [state, items.filter((one) => one.state === state).length] as const)
    .filter(([, count]) => count > 0);
  return (
    <>
      <p role="status" class="counts">
        {items.length === 0
          ? words.say("nobody_yet")
          : counts
              .map(([state, count]) => `${words.choice("pushed", state)}: ${words.number(count)}`)
              .join(" · ")}
      </p>
      {items.length > 0 && (
        <div class="scrolls" tabIndex={0} role="region" aria-label={words.say("devices")}>
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">{words.say("device")}</th>
                <th scope="col">{words.say("state")}</th>
                <th scope="col">{words.say("details")}</th>
                <th scope="col" class="wide">{words.say("pushed_at")}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((one) => (
                <Line key={one.device} one={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More list={list} />
    </>
  );
}

export function ProfilePage({ id }: { id: string }) {
  const words = use_words();
  const number = Number(id);
  const profile = use_loaded(() => get_profile(number), [number]);
  const push = use_action();
  const removal = use_action();
  const [editing, set_editing] = useState(false);
  const [asked, ask] = useState(0);
  if (profile.value === null) return <Waiting error={profile.error} />;
  const now = profile.value;
  const nobody = is_nobody(now.target);
  const changed = (): void => {
    profile.reload();
    ask((count) => count + 1);
  };
  return (
    <>
      <header class="title">
        <h1>{now.name}</h1>
        <a href={link_to("profiles")}>{words.say("nav_profiles")}</a>
      </header>
      <section class="card" aria-label={now.name}>
        <p>{target_text(now.target, words)}</p>
        <SettingsTable profile={now} />
        <p class="send">
          <button
            type="button"
            class="main push"
            aria-disabled={nobody || push.busy}
            onClick={() => {
              if (!nobody) void push.run(() => push_profile(number)).then(changed);
            }}
          >
            {words.say("push")}
          </button>
          <button type="button" aria-expanded={editing} onClick={() => set_editing(!editing)}>
            {words.say(editing ? "cancel" : "change")}
          </button>
          <Sure
            say={words.say("delete")}
            sure={words.say("delete_sure")}
            act={() =>
              void removal.run(() => remove_profile(number, now.version))
                .then((good) => (good ? go("profiles") : profile.reload()))
            }
          />
          <Outcome action={push} done={words.say("pushed")} />
          <Outcome action={removal} done="" />
        </p>
        <p class="facts">{words.say(nobody ? "target_missing" : "push_about")}</p>
        {editing && (
          <ProfileForm
            profile={now}
            renew={profile.renew}
            done={() => {
              set_editing(false);
              changed();
            }}
          />
        )}
      </section>
      <section class="card" aria-label={words.say("devices")}>
        <h2>{words.say("devices")}</h2>
        <Devices profile={number} asked={asked} />
      </section>
    </>
  );
}
