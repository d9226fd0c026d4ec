// All devices in one table that draws only the rows in sight, for 100,000 of them: search, filters,
// and what may be done with those that are chosen.
import { memo } from "preact/compat";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { is_over, list_devices } from "../api/api";
import { list_groups } from "../api/fleet_calls";
import { fleet, is_listed, is_loaded, is_whole } from "../live";
import type { Entry } from "../fleet";
import { use_value, use_value_calmly } from "../observe";
import { Bulk } from "../parts/bulk";
import { Choice, Field, is_too_long } from "../parts/form";
import { use_loaded, use_settled, use_words } from "../parts/hooks";
import { StateOf } from "../parts/state";
import { link_to } from "../router";
import { is_in_group } from "../typed";
import type { Words } from "../words/words";

const row_px = 44;
const found_at_once = 50;
const search_bytes_max = 200;
const rows_beside = 6; // drawn above and below what is in sight
const rows_step = 4; // drawn anew when so many have gone by

const filters = [
  "all", "online", "offline", "doubtful", "no_photo", "busy", "disabled",
] as const;
type Filter = (typeof filters)[number];
const orders = ["name", "newest_seen", "oldest_seen", "oldest_reading"] as const;
type Order = (typeof orders)[number];

function passes({ device, command }: Entry, filter: Filter): boolean {
  switch (filter) {
    case "all": return true;
    case "online": return device.online;
    case "offline": return !device.online;
    case "doubtful": return device.newest_reading?.verdict === "doubtful";
    case "no_photo": return device.newest_photo === null;
    case "disabled": return !device.enabled;
    case "busy": return command !== null && !is_over(command);
  }
}

const rank: Record<Exclude<Order, "name">, (entry: Entry) => number> = {
  newest_seen: ({ device }) => -(device.last_seen_ms ?? 0),
  oldest_seen: ({ device }) => device.last_seen_ms ?? 0,
  oldest_reading: ({ device }) => device.newest_reading?.at_ms ?? 0,
};

interface Wish {
  search: string; // of name and remark; name=value of a label
  filter: Filter;
  group: string; // or below; empty is any
  order: Order;
}

function has_label({ labels }: Entry["device"], wanted: string): boolean {
  return Object.entries(labels).some(([name, value]) =>
    `${name}=${value}`.toLowerCase().startsWith(wanted),
  );
}

export function chosen_of(all: Entry[], { search, filter, group, order }: Wish): Entry[] {
  const wanted = search.trim().toLowerCase();
  const found = all.filter((entry) => {
    const { device } = entry;
    if (!passes(entry, filter)) return false;
    if (group !== "" && !is_in_group(device.group, group)) return false;
    return (
      wanted === "" ||
      device.id.toLowerCase().includes(wanted) ||
      device.remark.toLowerCase().includes(wanted) ||
      (wanted.includes("=") && has_label(device, wanted))
    );
  });
  if (order === "name") return found;
  return found.sort((a, b) => rank[order](a) - rank[order](b));
}

const Row = memo((props: {
  entry: Entry;
  index: number;
  words: Words;
  chosen: boolean;
  choose: (id: string, chosen: boolean) => void;
}) => {
  const { entry, words } = props;
  const { device } = entry;
  const reading = device.newest_reading;
  return (
    <tr aria-rowindex={props.index + 2} style={{ height: `${row_px}px` }}>
      <td class="choose">
        <input
          type="checkbox"
          aria-label={words.say("choose", device.id)}
          checked={props.chosen}
          onChange={(event) => props.choose(device.id, event.currentTarget.checked)}
        />
      </td>
      <th scope="row">
        <div class="name">
          <a href={link_to("devices", device.id)}>{device.id}</a>
          {device.remark !== "" && <span class="remark"> {device.remark}</span>}
        </div>
      </th>
      <td>
        <StateOf device={device} />
      </td>
      <td class="value">
        {reading === null ? "–" : reading.value || reading.digits || "–"}
        {reading !== null && reading.verdict !== "accepted" && (
          <span class={`badge ${reading.verdict}`}>
            {words.choice("verdict", reading.verdict)}
          </span>
        )}
      </td>
      <td class="wide">{reading === null ? "" : words.short_time(reading.at_ms)}</td>
      <td class="wide">{device.group}</td>
      <td class="wide">{words.short_time(device.last_seen_ms)}</td>
      <td class="wide">
        {entry.command !== null && !is_over(entry.command)
          ? words.progress(entry.command, device.online)
          : words.choice("dialect", device.dialect)}
      </td>
    </tr>
  );
});

function Table(props: {
  entries: Entry[];
  chosen: ReadonlySet<string>;
  choose: (id: string, chosen: boolean) => void;
  choose_all: (chosen: boolean) => void;
}) {
  const words = use_words();
  const box = useRef<HTMLDivElement>(null);
  const [first, set_first] = useState(0);
  const [height, set_height] = useState(600);
  useLayoutEffect(() => {
    const element = box.current!;
    const sized = new ResizeObserver(() => set_height(element.clientHeight));
    sized.observe(element);
    return () => sized.disconnect();
  }, []);
  const { entries } = props;
  const from = Math.max(0, Math.min(first, entries.length - 1) - rows_beside);
  const to = Math.min(entries.length, first + Math.ceil(height / row_px) + rows_beside);
  const all_chosen = entries.length > 0 && props.chosen.size >= entries.length;
  return (
    <div
      class="rows"
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={words.say("nav_devices")}
      onScroll={(event) =>
        set_first(Math.floor(event.currentTarget.scrollTop / row_px / rows_step) * rows_step)
      }
    >
      <table aria-rowcount={entries.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="choose">
              <input
                type="checkbox"
                aria-label={words.say("choose_all")}
                checked={all_chosen}
                onChange={(event) => props.choose_all(event.currentTarget.checked)}
              />
            </th>
            <th scope="col">{words.say("device")}</th>
            <th scope="col">{words.say("state")}</th>
            <th scope="col">{words.say("reading")}</th>
            <th scope="col" class="wide">{words.say("read_at")}</th>
            <th scope="col" class="wide">{words.say("group")}</th>
            <th scope="col" class="wide">{words.say("last_seen")}</th>
            <th scope="col" class="wide">{words.say("doing")}</th>
          </tr>
        </thead>
        <tbody>
          <tr aria-hidden="true" style={{ height: `${from * row_px}px` }} />
          {entries.slice(from, to).map((entry, index) => (
            <Row
              key={entry.device.id}
              entry={entry}
              index={from + index}
              words={words}
              chosen={props.chosen.has(entry.device.id)}
              choose={props.choose}
            />
          ))}
          <tr aria-hidden="true" style={{ height: `${(entries.length - to) * row_px}px` }} />
        </tbody>
      </table>
    </div>
  );
}

// `changes` counts what may have made or ended groups.
function Filters(props: {
  wish: Wish;
  change: (part: Partial<Wish>) => void;
  changes: number;
}) {
  const words = use_words();
  const { wish, change } = props;
  const groups = use_loaded(list_groups, []);
  useEffect(() => {
    if (props.changes > 0) groups.reload();
  }, [props.changes]);
  const known = (groups.value ?? []).map(({ group }) => group);
  return (
    <div class="filters">
      <Field
        label={words.say("search")}
        value={wish.search}
        on_change={(search) => change({ search })}
        bytes_max={search_bytes_max}
      />
      <Choice
        label={words.say("show")}
        value={wish.filter}
        choices={filters.map((one) => [one, words.choice("filter", one)])}
        on_change={(value) => change({ filter: value as Filter })}
      />
      {known.length > 0 && (
        <Choice
          label={words.say("group")}
          value={wish.group}
          choices={[["", words.say("any_group")], ...known.map((one): [string, string] =>
            [one, one])]}
          on_change={(group) => change({ group })}
        />
      )}
      <Choice
        label={words.say("sort")}
        value={wish.order}
        choices={orders.map((one) => [one, words.choice("order", one)])}
        on_change={(value) => change({ order: value as Order })}
      />
    </div>
  );
}

// While the list is still on its way, the server is asked for what is typed; labels wait for it.
function use_search_ahead(typed: string, listed: boolean): void {
  const search = use_settled(typed.trim());
  use_loaded(async () => {
    if (listed || search === "" || is_too_long(search, search_bytes_max)) return;
    const asked = fleet.told;
    fleet.take_devices((await list_devices({ search }, found_at_once, "")).items, asked);
  }, [search, listed]);
}

export function DevicesPage() {
  const words = use_words();
  const loaded = use_value(is_loaded);
  const listed = use_value(is_listed);
  const whole = use_value(is_whole);
  const version = use_value_calmly(fleet.version);
  const [wish, set_wish] = useState<Wish>({
    search: "", filter: "all", group: "", order: "name",
  });
  const [chosen, set_chosen] = useState<ReadonlySet<string>>(new Set());
  const [changes, set_changes] = useState(0);
  use_search_ahead(wish.search, listed);
  const entries = useMemo(() => chosen_of(fleet.all(), wish), [version, wish]);
  const choose = useCallback((id: string, is_chosen: boolean): void => {
    set_chosen((known) => {
      const next = new Set(known);
      if (is_chosen) next.add(id);
      else next.delete(id);
      return next;
    });
  }, []);
  const shown = words.say("shown_of", words.number(entries.length),
    words.number(fleet.all().length));
  return (
    <>
      <h1>{words.say("nav_devices")}</h1>
      <Filters
        wish={wish}
        change={(part) => set_wish({ ...wish, ...part })}
        changes={changes}
      />
      <Bulk
        chosen={chosen}
        done={() => {
          set_chosen(new Set());
          set_changes((count) => count + 1);
        }}
      />
      <p class="facts" role="status">
        {!loaded ? words.say("loading") : shown}
        {loaded && !whole &&
          (listed ? words.say("readings_to_come") : ` ${words.say("more_to_come")}`)}
      </p>
      {whole && fleet.all().length === 0 ? (
        <p class="notice">{words.say("no_devices")}</p>
      ) : (
        <Table
          entries={entries}
          chosen={chosen}
          choose={choose}
          choose_all={(all) =>
            set_chosen(new Set(all ? entries.map(({ device }) => device.id) : []))
          }
        />
      )}
    </>
  );
}
