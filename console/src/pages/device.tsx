// One device: its newest photo with the reading, a new photo packet by packet, what it says of
// itself, its settings, aiming and updates.
import { useEffect, useState } from "preact/hooks";
import { get_device, list_photos, list_readings, photo_url } from "../api/api";
import type { CameraHealth, Device, Photo } from "../api/openapi";
import type { Entry } from "../fleet";
import { fleet } from "../live";
import { use_value } from "../observe";
import { Aiming } from "../parts/aiming";
import { Care } from "../parts/care";
import { Controls } from "../parts/controls";
import { Waiting } from "../parts/form";
import { use_calm_events, use_loaded, use_words } from "../parts/hooks";
import { HealthCharts } from "../parts/health_charts";
import { RawMessages } from "../parts/messages";
import { Order } from "../parts/order";
import { Picture } from "../parts/picture";
import { ReadingView } from "../parts/register";
import { SettingsForm } from "../parts/settings";
import { StateOf } from "../parts/state";
import { TagsForm } from "../parts/tags";
import { Updates } from "../parts/updates";
import { link_to } from "../router";
import { state_text } from "../words/state";
import type { Words } from "../words/words";

const photos_shown = 12;

function Photos({ device, newest }: { device: Device; newest: number }) {
  const words = use_words();
  const [shown, show] = useState(newest);
  const photos = use_loaded(() => list_photos(device.id, photos_shown), [device.id]);
  const meter = device.newest_reading?.meter ?? device.id;
  const readings = use_loaded(() => list_readings({ meter }), [meter]);
  use_calm_events(["photo", "reading"], () => {
    photos.reload();
    readings.reload();
  });
  useEffect(() => show(newest), [newest]);
  const list = photos.value ?? [];
  const photo = list.find(({ id }) => id === shown) ?? device.newest_photo;
  if (photo === null) return <p class="photo-empty">{words.say("no_photo")}</p>;
  const of_photo = (id: number) =>
    readings.value?.items.find((one) => one.photo === id) ??
    (device.newest_reading?.photo === id ? device.newest_reading : null);
  const is_newest = photo.id === newest;
  const at = words.time(photo.captured_at_ms ?? photo.received_at_ms);
  return (
    <>
      <Picture
        photo={photo.id}
        reading={of_photo(photo.id)}
        alt={words.say("photo_of", device.id, at)}
        caption={words.say("photo_at", at)}
      />
      <ReadingView
        reading={of_photo(photo.id) ?? (is_newest ? device.newest_reading : null)}
        photo={photo}
      />
      {list.length > 1 && <Strip photos={list} shown={photo.id} show={show} />}
    </>
  );
}

function Strip(props: { photos: Photo[]; shown: number; show: (id: number) => void }) {
  const words = use_words();
  return (
    <div class="strip" role="group" aria-label={words.say("photos")}>
      {props.photos.map(({ id, captured_at_ms, received_at_ms }) => (
        <button
          key={id}
          type="button"
          aria-pressed={id === props.shown}
          aria-label={words.say("photo_at", words.time(captured_at_ms ?? received_at_ms))}
          onClick={() => props.show(id)}
        >
          <img src={photo_url(id)} alt="" loading="lazy" width="72" height="54" />
        </button>
      ))}
    </div>
  );
}

function Facts({ rows }: { rows: [name: string, value: string][] }) {
  return (
    <dl class="rows-of-facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function health_rows(health: CameraHealth, words: Words) {
  const counts = ["shots", "no_answers", "frame_timeouts", "frame_failures", "empty_frames",
    "failed_saves", "photos_lost", "flash_flaws"] as const;
  const rows: [string, string][] = [
    [words.say("health_at"), words.time(health.at_ms)],
    [words.say("health_uptime"), words.duration(health.uptime_s)],
    [words.say("health_reset"), words.choice("reset", health.reset_cause)],
    [words.say("health_light"), words.choice("light", health.light)],
    [words.say("health_mean"), `${health.mean} / 255`],
    [words.say("health_dark"), `${health.dark_percent} %`],
    [words.say("health_bright"), `${health.bright_percent} %`],
  ];
  for (const name of counts)
    if (name === "shots" || health[name] > 0)
      rows.push([words.choice("health", name), words.number(health[name])]);
  return rows;
}

function state_value(name: string, value: unknown, words: Words): string {
  if (typeof value === "boolean") return words.say(value ? "yes" : "no");
  if (typeof value !== "string") return JSON.stringify(value);
  if (name === "dialect") return words.choice("dialect", value);
  if (name === "reset_cause") return words.choice("reset", value);
  if (name !== "callback") return value;
  return value.split(",").map((part) => state_text(words.language, part)).join(", ");
}

// What the DTU says of itself: names and values as they come, in words where they are known.
function state_rows(
  state: Record<string, unknown>,
  words: Words,
  prefix = "",
): [string, string][] {
  return Object.entries(state).flatMap(([name, value]): [string, string][] => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return state_rows(value as Record<string, unknown>, words, `${prefix}${name}.`);
    return [[state_text(words.language, prefix + name), state_value(name, value, words)]];
  });
}

function Health({ device }: { device: Device }) {
  const words = use_words();
  const rows: [string, string][] = [
    [words.say("first_seen"), words.time(device.first_seen_ms)],
    [words.say("last_seen"), words.time(device.last_seen_ms)],
    [words.say("firmware"), device.firmware ?? "–"],
    [words.say("dialect"), words.choice("dialect", device.dialect)],
  ];
  return (
    <section class="card" aria-labelledby="health">
      <h2 id="health">{words.say("health")}</h2>
      <Facts rows={rows} />
      {device.health != null && (
        <>
          <h3>{words.say("part_camera")}</h3>
          <Facts rows={health_rows(device.health, words)} />
        </>
      )}
      {device.state !== null && (
        <details>
          <summary>{words.say("state_of_dtu")}</summary>
          <Facts rows={state_rows(device.state, words)} />
        </details>
      )}
    </section>
  );
}

// Its contents come when it is opened.
function Details({ word, children }: { word: string; children: () => preact.ComponentChild }) {
  const [open, set_open] = useState(false);
  return (
    <details class="card" onToggle={(event) => set_open(event.currentTarget.open)}>
      <summary>
        <h2>{word}</h2>
      </summary>
      {open && children()}
    </details>
  );
}

function View({ entry }: { entry: Entry }) {
  const words = use_words();
  const { device } = entry;
  const native = device.dialect === "native";
  return (
    <>
      <header class="title">
        <h1 id="device-name">
          {device.id}
          {device.remark !== "" && <small> {device.remark}</small>}
        </h1>
        <StateOf device={device} />
        <a href={link_to("meters", device.newest_reading?.meter ?? device.id)}>
          {words.say("to_meter")}
        </a>
      </header>
      <div class="halves">
        <section class="card device" data-device={device.id} aria-label={words.say("photo")}>
          <Photos device={device} newest={device.newest_photo?.id ?? 0} />
          <Order entry={entry} described_by="device-name" />
        </section>
        <div>
          <Health device={device} />
          {native && (
            <Details word={words.say("aiming")}>{() => <Aiming device={device.id} />}</Details>
          )}
          {native && (
            <Details word={words.say("settings_camera")}>
              {() => <SettingsForm device={device.id} part="camera" />}
            </Details>
          )}
          {native && (
            <Details word={words.say("settings_dtu")}>
              {() => <SettingsForm device={device.id} part="dtu" />}
            </Details>
          )}
          {native ? (
            <Details word={words.say("updates")}>{() => <Updates device={device.id} />}</Details>
          ) : (
            <Details word={words.say("controls")}>{() => <Controls device={device} />}</Details>
          )}
          <Details word={words.say("health_course")}>
            {() => <HealthCharts device={device.id} />}
          </Details>
          <Details word={words.say("raw_messages")}>
            {() => <RawMessages device={device.id} />}
          </Details>
          <Details word={words.say("tags")}>
            {() => <TagsForm kind="devices" id={device.id} />}
          </Details>
          <Details word={words.say("care")}>{() => <Care device={device} />}</Details>
        </div>
      </div>
    </>
  );
}

export function DevicePage({ id }: { id: string }) {
  const entry = use_value(fleet.entry(id));
  // Also of a device that the list of all has not brought yet.
  const alone = use_loaded(async () => {
    const asked = fleet.told;
    fleet.take_devices([await get_device(id)], asked);
    return true;
  }, [id]);
  return entry === undefined ? <Waiting error={alone.error} /> : <View entry={entry} />;
}
