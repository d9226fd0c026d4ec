// The form of a settings profile: its name, for which devices, and the settings that it has.
import { useState } from "preact/hooks";
import { add_profile, change_profile } from "../api/fleet_calls";
import type { Part } from "../api/api";
import type { Profile, ProfileEdit } from "../api/openapi";
import { no_target, target_of, typed_target, type TypedTarget } from "../typed";
import { Field, Form } from "./form";
import { use_action, use_words } from "./hooks";
import { number_in, ranges, SettingField } from "./settings";
import { TargetFields } from "./target";

type TypedSettings = Record<string, string>;

export interface TypedProfile {
  name: string;
  target: TypedTarget;
  camera: TypedSettings;
  dtu: TypedSettings;
}

function as_text(settings: Record<string, number>): TypedSettings {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, String(value)]),
  );
}

function typed_of(profile: Profile | null): TypedProfile {
  if (profile === null) return { name: "", target: no_target, camera: {}, dtu: {} };
  const { name, target, camera, dtu } = profile;
  return { name, target: typed_target(target), camera: as_text(camera), dtu: as_text(dtu) };
}

// What is empty is not of the profile; null when something is no number of its range.
function settings_of(typed: TypedSettings, part: Part): Record<string, number> | null {
  const settings: Record<string, number> = {};
  for (const range of ranges[part]) {
    const text = typed[range.name] ?? "";
    if (text === "") continue;
    const value = number_in(text, range);
    if (value === null) return null;
    settings[range.name] = value;
  }
  return settings;
}

export function profile_edit(typed: TypedProfile): ProfileEdit | null {
  const name = typed.name.trim();
  const target = target_of(typed.target);
  const camera = settings_of(typed.camera, "camera");
  const dtu = settings_of(typed.dtu, "dtu");
  if (name === "" || target === null || camera === null || dtu === null) return null;
  if (Object.keys(camera).length + Object.keys(dtu).length === 0) return null;
  return { name, target, camera, dtu };
}

function PartFields(props: {
  part: Part;
  typed: TypedSettings;
  on_change: (typed: TypedSettings) => void;
}) {
  const words = use_words();
  const { part, typed } = props;
  const count = Object.values(typed).filter((text) => text !== "").length;
  return (
    <details>
      <summary>
        {words.say(part === "camera" ? "settings_camera" : "settings_dtu")} ({count})
      </summary>
      <div class="fields">
        {ranges[part].map((range) => (
          <SettingField
            key={range.name}
            range={range}
            wished={undefined}
            text={typed[range.name] ?? ""}
            on_change={(text) => props.on_change({ ...typed, [range.name]: text })}
          />
        ))}
      </div>
    </details>
  );
}

export function ProfileForm(props: {
  profile: Profile | null;
  done: () => void;
  renew?: () => Promise<void>;
}) {
  const words = use_words();
  const { profile } = props;
  const [typed, set_typed] = useState(typed_of(profile));
  const action = use_action(props.renew);
  const edit = profile_edit(typed);

  async function save(): Promise<void> {
    if (profile === null) await add_profile(edit!);
    else await change_profile(profile.id, { ...edit, version: profile.version });
    if (profile === null) set_typed(typed_of(null));
    props.done();
  }

  return (
    <Form
      title={words.say(profile === null ? "new_profile" : "change")}
      submit={words.say(profile === null ? "create" : "save")}
      action={action}
      wrong={edit === null}
      on_submit={() => void action.run(save)}
    >
      <Field
        label={words.say("name")}
        value={typed.name}
        on_change={(name) => set_typed({ ...typed, name })}
        bytes_max={64}
      />
      <TargetFields
        typed={typed.target}
        on_change={(target) => set_typed({ ...typed, target })}
      />
      <p class="facts">{words.say("profile_settings_about")}</p>
      <PartFields
        part="camera"
        typed={typed.camera}
        on_change={(camera) => set_typed({ ...typed, camera })}
      />
      <PartFields part="dtu" typed={typed.dtu} on_change={(dtu) => set_typed({ ...typed, dtu })} />
    </Form>
  );
}
