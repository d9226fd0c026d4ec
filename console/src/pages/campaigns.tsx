// Campaigns: one image for many devices, a few first; how far each has come, and its steering.
import { useState } from "preact/hooks";
import { list_images } from "../api/api";
import {
  get_campaign,
  list_campaign_devices,
  list_campaigns,
  steer_campaign,
  type CampaignDevice,
} from "../api/fleet_calls";
import type { Campaign } from "../api/openapi";
import { CampaignForm, image_text, percent_of } from "../parts/campaign_form";
import { Field, Outcome, Waiting } from "../parts/form";
import { use_action, use_calm_events, use_loaded, use_words } from "../parts/hooks";
import { More, use_paged, use_polling } from "../parts/paged";
import { Sure } from "../parts/sure";
import { target_text } from "../parts/target";
import { link_to } from "../router";

type Stage = Campaign["stages"][number];

const is_over = ({ state }: Campaign): boolean => state === "done" || state === "aborted";

function sum_of(campaign: Campaign): { devices: number; confirmed: number; failed: number } {
  const sum = { devices: 0, confirmed: 0, failed: 0 };
  for (const { devices, confirmed, failed } of campaign.stages) {
    sum.devices += devices;
    sum.confirmed += confirmed;
    sum.failed += failed;
  }
  return sum;
}

function State({ campaign }: { campaign: Campaign }) {
  const words = use_words();
  return (
    <span class={`badge ${campaign.state}`} data-state={campaign.state}>
      {words.choice("campaign", campaign.state)}
    </span>
  );
}

function Progress({ campaign }: { campaign: Campaign }) {
  const words = use_words();
  const { devices, confirmed, failed } = sum_of(campaign);
  const text = words.say("campaign_counts", words.number(confirmed), words.number(devices),
    words.number(failed));
  return (
    <>
      <progress aria-label={text} max={Math.max(devices, 1)} value={confirmed + failed} />
      <p class={failed > 0 ? "warn" : "facts"}>{text}</p>
    </>
  );
}

export function CampaignsPage() {
  const words = use_words();
  const list = use_paged(list_campaigns, []);
  use_calm_events(["update"], list.reload);
  const items = list.value?.items ?? [];
  use_polling(items.some(({ state }) => state === "running"), list.reload);
  if (list.value === null) return <Waiting error={list.error} />;
  return (
    <>
      <h1>{words.say("nav_campaigns")}</h1>
      <p class="facts">{words.say("campaigns_about")}</p>
      {items.length === 0 && <p class="notice">{words.say("no_campaigns")}</p>}
      <ul class="cards">
        {items.map((campaign) => (
          <li key={campaign.id} class="card" data-campaign={campaign.id}>
            <h2>
              <a class="stretched" href={link_to("campaigns", String(campaign.id))}>
                {campaign.name}
              </a>{" "}
              <State campaign={campaign} />
            </h2>
            <p>{target_text(campaign.target, words)}</p>
            <Progress campaign={campaign} />
          </li>
        ))}
      </ul>
      <More list={list} />
      <section class="card">
        <h2>{words.say("new_campaign")}</h2>
        <CampaignForm done={list.reload} />
      </section>
    </>
  );
}

function StageLine({ stage, is_now }: { stage: Stage; is_now: boolean }) {
  const words = use_words();
  const { devices, waiting, ordered, confirmed, failed } = stage;
  const name =
    stage.percent === null ? words.say("stage_canaries") : words.say("stage", stage.percent);
  return (
    <li data-stage={stage.stage} aria-current={is_now ? "step" : undefined}>
      <strong>{name}</strong>{" "}
      <span class={failed > 0 ? "warn" : "facts"}>
        {words.say("stage_counts", devices, waiting, ordered, confirmed, failed)}
      </span>
      <progress aria-label={name} max={Math.max(devices, 1)} value={confirmed + failed} />
    </li>
  );
}

function Steering({ campaign, reload }: { campaign: Campaign; reload: () => void }) {
  const words = use_words();
  const action = use_action();
  const [percent, set_percent] = useState(String(campaign.error_percent_max));
  const limit = percent_of(percent);
  const steer = (step: "pause" | "resume" | "abort") => (): void => {
    const body = step === "resume" ? { error_percent_max: limit! } : {};
    void action.run(() => steer_campaign(campaign.id, step, body).finally(reload));
  };
  if (is_over(campaign)) return null;
  return (
    <>
      {campaign.state !== "running" && (
        <Field
          label={words.say("error_percent")}
          value={percent}
          on_change={set_percent}
          numeric
          wrong={limit === null ? words.say("number_from_to", 0, 100) : null}
        />
      )}
      <p class="send">
        {campaign.state === "running" ? (
          <button type="button" onClick={steer("pause")}>
            {words.say("pause")}
          </button>
        ) : (
          <button
            type="button"
            class="main"
            aria-disabled={limit === null}
            onClick={() => {
              if (limit !== null) steer("resume")();
            }}
          >
            {words.say("resume")}
          </button>
        )}
        <Sure say={words.say("abort")} sure={words.say("abort_sure")} act={steer("abort")} />
        <Outcome action={action} done="" />
      </p>
    </>
  );
}

function Line({ one }: { one: CampaignDevice }) {
  const words = use_words();
  return (
    <tr data-device={one.device} data-state={one.state}>
      <th scope="row">
        <a href={link_to("devices", one.device)}>{one.device}</a>
      </th>
      <td class="wide">{one.stage === 0 ? words.say("stage_canaries") : one.stage}</td>
      <td>
        <span class={`badge ${one.state}`}>{words.choice("turn", one.state)}</span>
      </td>
      <td>{one.reason !== null && words.reason(one.reason)}</td>
    </tr>
  );
}

function Devices({ campaign }: { campaign: Campaign }) {
  const words = use_words();
  const list = use_paged(
    (limit, cursor) => list_campaign_devices(campaign.id, limit, cursor),
    [campaign.id],
  );
  use_calm_events(["update"], list.reload);
  use_polling(campaign.state === "running", list.reload);
  if (list.value === null) return <Waiting error={list.error} />;
  return (
    <>
      <div class="scrolls" tabIndex={0} role="region" aria-label={words.say("devices")}>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{words.say("device")}</th>
              <th scope="col" class="wide">{words.say("stage_title")}</th>
              <th scope="col">{words.say("state")}</th>
              <th scope="col">{words.say("details")}</th>
            </tr>
          </thead>
          <tbody>
            {list.value.items.map((one) => (
              <Line key={one.device} one={one} />
            ))}
          </tbody>
        </table>
      </div>
      <More list={list} />
    </>
  );
}

export function CampaignPage({ id }: { id: string }) {
  const words = use_words();
  const number = Number(id);
  const campaign = use_loaded(() => get_campaign(number), [number]);
  const images = use_loaded(list_images, []);
  use_calm_events(["update"], campaign.reload);
  use_polling(campaign.value?.state === "running", campaign.reload);
  if (campaign.value === null) return <Waiting error={campaign.error} />;
  const now = campaign.value;
  const image = images.value?.find((one) => one.id === now.image);
  return (
    <>
      <header class="title">
        <h1>{now.name}</h1>
        <State campaign={now} />
        <a href={link_to("campaigns")}>{words.say("nav_campaigns")}</a>
      </header>
      <section class="card" aria-label={now.name}>
        <p>
          {image === undefined ? words.say("image") : image_text(image, words)} ·{" "}
          {target_text(now.target, words)}
        </p>
        <p class="facts">
          {words.say("stops_above", now.error_percent_max)} · {words.time(now.created_ms)}
        </p>
        {now.reason !== null && (
          <p class="notice warn" role="status">
            {words.reason(now.reason)}
          </p>
        )}
        <Progress campaign={now} />
        <ol class="lines stages">
          {now.stages.map((stage) => (
            <StageLine
              key={stage.stage}
              stage={stage}
              is_now={!is_over(now) && stage.stage === now.stage}
            />
          ))}
        </ol>
        <Steering key={now.error_percent_max} campaign={now} reload={campaign.reload} />
      </section>
      <section class="card" aria-label={words.say("devices")}>
        <h2>{words.say("devices")}</h2>
        <Devices campaign={now} />
      </section>
    </>
  );
}
