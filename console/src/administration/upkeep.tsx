// What the server keeps and for how long, its last backups, and room on its disks.
import { get_upkeep } from "../api/admin";
import type { Upkeep } from "../api/openapi";
import { Waiting } from "../parts/form";
import { use_loaded, use_words } from "../parts/hooks";

const day_ms = 86_400_000;
const backup_days_max = 7; // older: people are told
const room_share_min = 0.1;
const gib = 1024 ** 3;
const backup_command =
  "runuser -u meterlens -- meterlens backup --config /etc/meterlens/meterlens.toml " +
  "/srv/meterlens-backup";

function Retention({ retention }: { retention: Upkeep["retention"] }) {
  const words = use_words();
  const days = (count: number): string =>
    count === 0 ? words.say("kept_for_ever") : words.say("kept_days", count);
  const { photo_days, reading_days, looked_ms, photos, readings, error } = retention;
  return (
    <section class="card">
      <h2>{words.say("retention")}</h2>
      <dl class="rows-of-facts">
        <div>
          <dt>{words.say("photos")}</dt>
          <dd>{days(photo_days)}</dd>
        </div>
        <div>
          <dt>{words.say("readings")}</dt>
          <dd>{days(reading_days)}</dd>
        </div>
      </dl>
      {looked_ms !== null && (
        <p class="facts">
          {words.say("retention_done", words.time(looked_ms), words.number(photos),
            words.number(readings))}
        </p>
      )}
      {error !== "" && <p class="error">{words.say("retention_failed", error)}</p>}
      <p class="facts">{words.say("retention_how")}</p>
    </section>
  );
}

function Backups({ backups }: { backups: Upkeep["backups"] }) {
  const words = use_words();
  const whole = backups.find((one) => one.whole);
  const age = whole === undefined ? null : Math.floor((Date.now() - whole.at_ms) / day_ms);
  return (
    <section class="card">
      <h2>{words.say("backups")}</h2>
      {age === null ? (
        <p class="notice warn">{words.say("backup_none")}</p>
      ) : (
        age >= backup_days_max && <p class="notice warn">{words.say("backup_old", age)}</p>
      )}
      <ul class="lines">
        {backups.map((one) => (
          <li key={one.at_ms}>
            <span class={one.whole ? "badge accepted" : "badge rejected"}>
              {words.say(one.whole ? "backup_whole" : "backup_not_whole")}
            </span>{" "}
            {words.time(one.at_ms)} · <code>{one.place}</code>{" "}
            <span class="facts">
              {words.say("backup_facts", words.number(one.photos), words.number(one.images))}
            </span>
            {one.note !== "" && <span class="error"> {one.note}</span>}
          </li>
        ))}
      </ul>
      <p class="facts">{words.say("backup_how")}</p>
      <pre>{backup_command}</pre>
    </section>
  );
}

function Room({ upkeep }: { upkeep: Upkeep }) {
  const words = use_words();
  const size = (bytes: number): string => words.number(Math.round((bytes / gib) * 10) / 10);
  return (
    <section class="card">
      <h2>{words.say("room")}</h2>
      <p class="facts">{words.say("store_is", words.choice("store", upkeep.store))}</p>
      {upkeep.folders.map(({ path, free_bytes, all_bytes }) => (
        <p key={path}>
          <code>{path}</code>{" "}
          <span class={free_bytes < all_bytes * room_share_min ? "warn" : "facts"}>
            {words.say("room_free", size(free_bytes), size(all_bytes))}
          </span>
          <progress aria-label={words.say("room_used", path)} max={all_bytes}
            value={all_bytes - free_bytes} />
        </p>
      ))}
    </section>
  );
}

export function UpkeepPart() {
  const upkeep = use_loaded(get_upkeep, []);
  if (upkeep.value === null) return <Waiting error={upkeep.error} />;
  return (
    <>
      <Retention retention={upkeep.value.retention} />
      <Backups backups={upkeep.value.backups} />
      <Room upkeep={upkeep.value} />
    </>
  );
}
