// The group and the labels of a device or a meter.
import { useState } from "preact/hooks";
import { change_tags, get_tags, list_groups, type Tagged } from "../api/fleet_calls";
import type { TagsEdit } from "../api/openapi";
import { fleet } from "../live";
import { group_of, labels_of, labels_text } from "../typed";
import { Field, Form, Waiting } from "./form";
import { use_action, use_loaded, use_words } from "./hooks";

export function GroupField(props: {
  value: string;
  on_change: (group: string) => void;
  hint?: string;
}) {
  const words = use_words();
  const groups = use_loaded(list_groups, []);
  return (
    <Field
      label={words.say("group")}
      value={props.value}
      on_change={props.on_change}
      bytes_max={128}
      list={(groups.value ?? []).map(({ group }) => group)}
      wrong={group_of(props.value) === null ? words.say("group_wanted") : null}
      hint={props.hint ?? words.say("group_hint")}
    />
  );
}

export function LabelsField(props: {
  word: "labels" | "label";
  value: string;
  on_change: (labels: string) => void;
}) {
  const words = use_words();
  const labels = labels_of(props.value);
  const too_many = props.word === "label" && labels !== null && Object.keys(labels).length > 1;
  return (
    <Field
      label={words.say(props.word)}
      value={props.value}
      on_change={props.on_change}
      bytes_max={1_600}
      wrong={labels === null || too_many ? words.say("labels_wanted") : null}
      hint={words.say(props.word === "label" ? "label_hint" : "labels_hint")}
    />
  );
}

export function TagsForm({ kind, id }: { kind: Tagged; id: string }) {
  const words = use_words();
  const loaded = use_loaded(() => get_tags(kind, id), [kind, id]);
  const [typed, set_typed] = useState<{ group: string; labels: string } | null>(null);
  // Another's edit is shown where nothing was typed yet, and its version taken for the next try.
  const action = use_action(loaded.renew);
  const tags = loaded.value;
  if (tags === null) return <Waiting error={loaded.error} />;
  const shown = typed ?? { group: tags.group, labels: labels_text(tags.labels) };
  const group = group_of(shown.group);
  const labels = labels_of(shown.labels);
  const wrong = typed === null || group === null || labels === null;

  async function save(): Promise<void> {
    const edit: TagsEdit = { group: group!, labels: labels!, version: tags!.version };
    const changed = await change_tags(kind, id, edit);
    if (kind === "devices") fleet.take_tags(id, changed);
    set_typed(null);
    await loaded.renew();
  }

  return (
    <Form
      title={words.say("tags")}
      submit={words.say("save")}
      action={action}
      wrong={wrong}
      on_submit={() => void action.run(save)}
    >
      <GroupField value={shown.group} on_change={(text) => set_typed({ ...shown, group: text })} />
      <LabelsField
        word="labels"
        value={shown.labels}
        on_change={(text) => set_typed({ ...shown, labels: text })}
      />
    </Form>
  );
}
