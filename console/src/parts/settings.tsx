// The settings of a camera or a DTU: what may be wished, what is wished, and whether it has them.
import { useEffect, useState } from "preact/hooks";
import { change_settings, get_settings, type Part } from "../api/api";
import { ranges_of_CameraSettings, ranges_of_DtuSettings, type Settings } from "../api/openapi";
import { setting_text, setting_values } from "../words/settings";
import { Choice, Field, Form, Waiting } from "./form";
import { use_action, use_calm_events, use_loaded, use_words } from "./hooks";

export type Range = (typeof ranges_of_CameraSettings)[number];
export const ranges: Record<Part, Range[]> = {
  camera: ranges_of_CameraSettings,
  dtu: ranges_of_DtuSettings,
};

// Null when the text is no whole number of the range.
export function number_in(text: string, { minimum, maximum }: Range): number | null {
  if (!/^-?\d{1,10}$/.test(text.trim())) return null;
  const value = Number(text);
  return value >= minimum && value <= maximum ? value : null;
}

export function SettingField(props: {
  range: Range;
  wished: number | undefined;
  text: string;
  on_change: (text: string) => void;
}) {
  const words = use_words();
  const { range, text } = props;
  const label = setting_text(words.language, range.name);
  const values = setting_values(words.language, range.name);
  const unchanged: [string, string] = ["", words.say("as_it_is")];
  const choices = props.wished === undefined ? [unchanged] : [];
  if (values !== null)
    return (
      <Choice
        label={label}
        value={text}
        choices={[
          ...choices,
          ...values.map((name, index): [string, string] => [String(range.minimum + index), name]),
        ]}
        on_change={props.on_change}
      />
    );
  const wrong = text !== "" && number_in(text, range) === null;
  return (
    <Field
      label={label}
      value={text}
      numeric
      bytes_max={20}
      on_change={props.on_change}
      wrong={wrong ? words.say("number_from_to", range.minimum, range.maximum) : null}
      hint={words.say("range_hint", range.minimum, range.maximum, range.initial)}
    />
  );
}

function Confirmation({ settings }: { settings: Settings }) {
  const words = use_words();
  const waiting = settings.confirmed_revision < settings.revision;
  const word =
    settings.revision === 0 ? "never_wished" : waiting ? "not_confirmed_yet" : "confirmed";
  const refused = settings.refused.map((name) => setting_text(words.language, name));
  return (
    <p class={waiting ? "confirmation waiting" : "confirmation"} role="status" data-state={word}>
      {words.say(word)}
      {refused.length > 0 && ` ${words.say("refused_settings", refused.join(", "))}`}
    </p>
  );
}

export function SettingsForm({ device, part }: { device: string; part: Part }) {
  const words = use_words();
  const loaded = use_loaded(() => get_settings(device, part), [device, part]);
  const [typed, set_typed] = useState<Record<string, string>>({});
  const action = use_action();
  use_calm_events(["device"], loaded.reload);
  const settings = loaded.value;
  // Nothing tells when a device confirms; ask while that is open.
  const waits = settings !== null && settings.confirmed_revision < settings.revision;
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(loaded.reload, 2_000);
    return () => clearInterval(timer);
  }, [waits]);
  if (settings === null) return <Waiting error={loaded.error} />;
  const wished = settings.settings;
  const changed = ranges[part].flatMap((range): [string, number | null][] => {
    const text = typed[range.name];
    if (text === undefined || text === String(wished[range.name] ?? "")) return [];
    return [[range.name, text === "" ? null : number_in(text, range)]];
  });
  const wrong = changed.length === 0 || changed.some(([, value]) => value === null);

  async function save(): Promise<void> {
    await change_settings(device, part, Object.fromEntries(changed) as Record<string, number>);
    set_typed({});
    loaded.reload();
  }

  return (
    <Form
      title={words.say(part === "camera" ? "settings_camera" : "settings_dtu")}
      submit={words.say("send_settings", changed.length)}
      action={action}
      wrong={wrong}
      done={words.say("settings_sent")}
      on_submit={() => void action.run(save)}
    >
      <Confirmation settings={settings} />
      <div class="fields">
        {ranges[part].map((range) => (
          <SettingField
            key={range.name}
            range={range}
            wished={wished[range.name]}
            text={typed[range.name] ?? String(wished[range.name] ?? "")}
            on_change={(text) => set_typed({ ...typed, [range.name]: text })}
          />
        ))}
      </div>
    </Form>
  );
}
