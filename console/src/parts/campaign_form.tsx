// The order of a campaign: which image, for which devices, who tries it first, in which steps.
import { useState } from "preact/hooks";
import { list_images } from "../api/api";
import { add_campaign } from "../api/fleet_calls";
import type { CampaignOrder, Image } from "../api/openapi";
import { link_to } from "../router";
import { is_nobody, names_of, no_target, steps_of, target_of, type TypedTarget } from "../typed";
import type { Words } from "../words/words";
import { Choice, Field, Form, Waiting } from "./form";
import { use_action, use_loaded, use_words } from "./hooks";
import { TargetFields } from "./target";

const canaries_max = 100;

interface Typed {
  name: string;
  image: string;
  target: TypedTarget;
  canaries: string;
  steps: string;
  error_percent: string;
}

const nothing: Typed = {
  name: "",
  image: "",
  target: no_target,
  canaries: "",
  steps: "10, 50, 100",
  error_percent: "10",
};

export function percent_of(text: string): number | null {
  return /^\d{1,3}$/.test(text.trim()) && Number(text) <= 100 ? Number(text) : null;
}

export function image_text(image: Image, words: Words): string {
  return `${words.choice("part", image.part)} · ${image.board} · ${image.version}`;
}

function order_of(typed: Typed, image: number | undefined): CampaignOrder | null {
  const name = typed.name.trim();
  const target = target_of(typed.target);
  const canaries = names_of(typed.canaries, canaries_max);
  const steps = steps_of(typed.steps);
  const error_percent_max = percent_of(typed.error_percent);
  if (name === "" || image === undefined || target === null || is_nobody(target)) return null;
  if (canaries === null || steps === null || error_percent_max === null) return null;
  return { name, image, target, canaries, steps, error_percent_max };
}

export function CampaignForm({ done }: { done: () => void }) {
  const words = use_words();
  const images = use_loaded(list_images, []);
  const [typed, set_typed] = useState(nothing);
  const action = use_action();
  if (images.value === null) return <Waiting error={images.error} />;
  if (images.value.length === 0)
    return (
      <p class="facts">
        {words.say("no_images")} <a href={link_to("images")}>{words.say("nav_images")}</a>
      </p>
    );
  const set = (key: "name" | "image" | "canaries" | "steps" | "error_percent") =>
    (text: string) => set_typed({ ...typed, [key]: text });
  const image = typed.image || String(images.value[0]?.id);
  const order = order_of(typed, Number(image));
  const wrong = (good: boolean, text: string): string | null => (good ? null : text);
  return (
    <Form
      title={words.say("new_campaign")}
      submit={words.say("start_campaign")}
      action={action}
      wrong={order === null}
      done={words.say("campaign_started")}
      on_submit={() =>
        void action.run(async () => {
          await add_campaign(order!);
          set_typed(nothing);
          done();
        })
      }
    >
      <Field label={words.say("name")} value={typed.name} on_change={set("name")} bytes_max={64} />
      <Choice
        label={words.say("image")}
        value={image}
        choices={images.value.map((one) => [String(one.id), image_text(one, words)])}
        on_change={set("image")}
      />
      <TargetFields
        typed={typed.target}
        on_change={(target) => set_typed({ ...typed, target })}
      />
      <Field
        label={words.say("canaries")}
        value={typed.canaries}
        on_change={set("canaries")}
        bytes_max={7_000}
        wrong={wrong(names_of(typed.canaries, canaries_max) !== null, words.say("names_wanted"))}
        hint={words.say("canaries_hint")}
      />
      <div class="fields">
        <Field
          label={words.say("steps")}
          value={typed.steps}
          on_change={set("steps")}
          wrong={wrong(steps_of(typed.steps) !== null, words.say("steps_wanted"))}
          hint={words.say("steps_hint")}
        />
        <Field
          label={words.say("error_percent")}
          value={typed.error_percent}
          on_change={set("error_percent")}
          numeric
          wrong={wrong(percent_of(typed.error_percent) !== null,
            words.say("number_from_to", 0, 100))}
          hint={words.say("error_percent_hint")}
        />
      </div>
    </Form>
  );
}
