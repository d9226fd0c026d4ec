// Groups: the tree of them with how many devices and meters each has; one group's members.
import { useState } from "preact/hooks";
import { list_meters } from "../api/api";
import { change_tags, devices_of, get_tags, list_groups } from "../api/fleet_calls";
import type { Groups, Labels } from "../api/openapi";
import { Choice, Field, Form, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import { More, use_paged } from "../parts/paged";
import { GroupField } from "../parts/tags";
import { link_to } from "../router";
import { group_of, names_of } from "../typed";

type Group = Groups["groups"][number];

// With those that have no members of their own but some below, so that the tree has no holes.
export function tree_of(groups: Group[]): Group[] {
  const known = new Map(groups.map((one) => [one.group, one]));
  for (const { group } of groups) {
    const levels = group.split("/");
    for (let count = 1; count < levels.length; ++count) {
      const above = levels.slice(0, count).join("/");
      if (!known.has(above)) known.set(above, { group: above, devices: 0, meters: 0 });
    }
  }
  const key = ({ group }: Group): string => group.split("/").join("\u0000");
  return [...known.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function Tree({ groups }: { groups: Group[] }) {
  const words = use_words();
  return (
    <ul class="tree">
      {tree_of(groups).map(({ group, devices, meters }) => {
        const levels = group.split("/");
        return (
          <li key={group} style={{ paddingInlineStart: `${(levels.length - 1) * 1.5}rem` }}>
            <a href={link_to("groups", group)} aria-label={group}>
              {levels.at(-1)}
            </a>{" "}
            <span class="facts">
              {words.say("group_counts", words.number(devices), words.number(meters))}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function MemberForm({ group, done }: { group: string; done: () => void }) {
  const words = use_words();
  const action = use_action();
  const [kind, set_kind] = useState<"devices" | "meters">("devices");
  const [typed, set_typed] = useState({ group, names: "" });
  const wanted = group_of(typed.group);
  const names = names_of(typed.names);
  const wrong = !wanted || names === null || names.length === 0;

  async function put_in(): Promise<void> {
    for (const name of names!) {
      const { labels, version } = await get_tags(kind, name);
      await change_tags(kind, name, { group: wanted!, labels, version });
    }
    set_typed({ ...typed, names: "" });
  }

  return (
    <section class="card">
      <h2>{words.say("new_member")}</h2>
      <Form
        title={words.say("new_member")}
        submit={words.say("put_in")}
        action={action}
        wrong={wrong}
        on_submit={() => void action.run(() => put_in().finally(done))}
      >
        {group === "" && (
          <GroupField
            value={typed.group}
            on_change={(text) => set_typed({ ...typed, group: text })}
          />
        )}
        <Choice
          label={words.say("kind")}
          value={kind}
          choices={[["devices", words.say("devices")], ["meters", words.say("nav_meters")]]}
          on_change={(value) => set_kind(value as "devices" | "meters")}
        />
        <Field
          label={words.say("names")}
          value={typed.names}
          on_change={(text) => set_typed({ ...typed, names: text })}
          bytes_max={10_000}
          wrong={names === null ? words.say("names_wanted") : null}
          hint={words.say("names_hint")}
        />
      </Form>
    </section>
  );
}

export function GroupsPage() {
  const words = use_words();
  const groups = use_loaded(list_groups, []);
  if (groups.value === null) return <Waiting error={groups.error} />;
  return (
    <>
      <h1>{words.say("nav_groups")}</h1>
      <p class="facts">{words.say("groups_about")}</p>
      {groups.value.length === 0 ? (
        <p class="notice">{words.say("no_groups")}</p>
      ) : (
        <section class="card" aria-label={words.say("nav_groups")}>
          <Tree groups={groups.value} />
        </section>
      )}
      <MemberForm group="" done={groups.reload} />
    </>
  );
}

interface Member {
  id: string;
  group?: string;
  labels?: Labels;
}

function Members(props: {
  title: string;
  page: string;
  load: (limit: number, cursor: string) => Promise<{ items: Member[]; next: string | null }>;
  group: string;
  asked: number;
}) {
  const words = use_words();
  const list = use_paged(props.load, [props.group, props.asked]);
  return (
    <section class="card" aria-label={props.title}>
      <h2>{props.title}</h2>
      {list.value === null ? (
        <Waiting error={list.error} />
      ) : list.value.items.length === 0 ? (
        <p class="facts">{words.say("none_in_group")}</p>
      ) : (
        <ul class="lines members">
          {list.value.items.map(({ id, group = props.group, labels = {} }) => (
            <li key={id}>
              <a href={link_to(props.page, id)}>{id}</a>
              {group !== props.group && <span class="facts"> {group}</span>}
              {Object.entries(labels).map(([name, value]) => (
                <span class="chip" key={name}>
                  {value === "" ? name : `${name}=${value}`}
                </span>
              ))}
            </li>
          ))}
        </ul>
      )}
      <More list={list} />
    </section>
  );
}

export function GroupPage({ id }: { id: string }) {
  const words = use_words();
  const [asked, ask] = useState(0);
  const above = id.split("/").slice(0, -1).join("/");
  return (
    <>
      <header class="title">
        <h1>{id}</h1>
        <a href={above === "" ? link_to("groups") : link_to("groups", above)}>
          {above === "" ? words.say("nav_groups") : above}
        </a>
      </header>
      <div class="halves">
        <Members
          title={words.say("devices")}
          page="devices"
          group={id}
          asked={asked}
          load={(limit, cursor) => devices_of(id, limit, cursor)}
        />
        <Members
          title={words.say("nav_meters")}
          page="meters"
          group={id}
          asked={asked}
          load={(_, cursor) => list_meters({ group: id }, cursor)}
        />
      </div>
      <MemberForm group={id} done={() => ask((count) => count + 1)} />
    </>
  );
}
