// For which devices something is: by group, by label, by name.
import { useMemo } from "preact/hooks";
import type { Target } from "../api/openapi";
import { names_of, type TypedTarget } from "../typed";
import type { Words } from "../words/words";
import { Field } from "./form";
import { use_words } from "./hooks";
import { GroupField, LabelsField } from "./tags";

const names_shown = 5;

export function target_text(target: Target, words: Words): string {
  const names = target.devices ?? [];
  const hidden = names.length - names_shown;
  const more = hidden > 0 ? ` ${words.say("and_more", hidden)}` : "";
  const parts = [
    target.group ? words.say("of_group", target.group) : "",
    target.label ? words.say("with_label", target.label) : "",
    names.slice(0, names_shown).join(words.say("list_comma")) + more,
  ];
  return parts.filter((part) => part !== "").join(" · ") || words.say("nobody");
}

export function TargetFields(props: {
  typed: TypedTarget;
  on_change: (typed: TypedTarget) => void;
}) {
  const words = use_words();
  const { typed } = props;
  const set = (key: keyof TypedTarget) => (text: string) =>
    props.on_change({ ...typed, [key]: text });
  const names = useMemo(() => names_of(typed.devices), [typed.devices]);
  return (
    <fieldset>
      <legend>{words.say("for_which")}</legend>
      <p class="facts">{words.say("target_about")}</p>
      <div class="fields">
        <GroupField value={typed.group} on_change={set("group")} hint={words.say("or_below")} />
        <LabelsField word="label" value={typed.label} on_change={set("label")} />
      </div>
      <Field
        label={words.say("devices_by_name")}
        value={typed.devices}
        on_change={set("devices")}
        bytes_max={300_000}
        wrong={names === null ? words.say("names_wanted") : null}
        hint={words.say("names_hint")}
      />
    </fieldset>
  );
}
