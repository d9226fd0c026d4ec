// Users: who may log in, as what, for which groups of meters.
import { useState } from "preact/hooks";
import { add_user, change_user, edit_user, list_users, look_at_user, remove_user }
  from "../api/admin";
import { list_groups } from "../api/fleet_calls";
import { ApiError, error_of, type Seen } from "../api/http";
import type { User } from "../api/openapi";
import { use_value } from "../observe";
import { Choice, Field, Form, is_too_long, Outcome, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import { Secret, type Told } from "../parts/secret";
import { Sure } from "../parts/sure";
import { caller } from "../session";
import type { Words } from "../words/words";
import { groups_of, user_changes, type TypedUser } from "./user_edit";

const name_pattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
const roles: User["role"][] = ["viewer", "reviewer", "operator", "administrator"];
export const password_bytes_min = 10;
const password_bytes_max = 256;
const groups_max = 100;
const group_bytes_max = 256;

export function password_wrong(password: string, words: Words): string | null {
  const is_short = !is_too_long(password, password_bytes_min - 1);
  if (is_short) return words.say("password_short", password_bytes_min);
  return is_too_long(password, password_bytes_max)
    ? words.say("too_long", password_bytes_max)
    : null;
}

// The server says "conflict" of several things; each has words of its own here.
async function named<T>(code: string, act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (error) {
    if (error instanceof ApiError && error.code === "conflict")
      throw new ApiError(code, "", error.status);
    throw error;
  }
}

function Fields(props: {
  typed: TypedUser;
  set: (typed: TypedUser) => void;
  groups: string[];
  is_new: boolean;
}) {
  const words = use_words();
  const { typed, set, groups } = props;
  const hint = props.is_new ? "password_new_hint" : "password_keep_hint";
  return (
    <>
      <Choice
        label={words.say("role")}
        value={typed.role}
        choices={roles.map((role) => [
          role,
          `${words.choice("role_name", role)}: ${words.choice("role_about", role)}`,
        ])}
        on_change={(role) => set({ ...typed, role: role as User["role"] })}
      />
      <Field
        label={words.say("user_groups")}
        value={typed.groups}
        on_change={(text) => set({ ...typed, groups: text })}
        bytes_max={groups_max * group_bytes_max}
        wrong={groups_wrong(typed.groups, words)}
        hint={words.say("user_groups_hint")}
      />
      {groups.length > 0 && (
        <p class="choices" role="group" aria-label={words.say("known_groups")}>
          {groups.map((group) => (
            <button
              key={group}
              type="button"
              class="small"
              onClick={() => {
                const all = [...groups_of(typed.groups), group];
                set({ ...typed, groups: [...new Set(all)].join(", ") });
              }}
            >
              {group}
            </button>
          ))}
        </p>
      )}
      <Field
        label={words.say(props.is_new ? "password" : "password_new")}
        type="password"
        autocomplete="new-password"
        value={typed.password}
        on_change={(password) => set({ ...typed, password })}
        bytes_max={password_bytes_max}
        wrong={typed.password === "" ? null : password_wrong(typed.password, words)}
        hint={words.say(hint, password_bytes_min)}
      />
    </>
  );
}

function groups_wrong(text: string, words: Words): string | null {
  const groups = groups_of(text);
  if (groups.length > groups_max) return words.say("groups_too_many", groups_max);
  const long = groups.some((group) => is_too_long(group, group_bytes_max));
  return long ? words.say("too_long", group_bytes_max) : null;
}

const is_wrong = (typed: TypedUser, words: Words): boolean =>
  groups_wrong(typed.groups, words) !== null ||
  (typed.password !== "" && password_wrong(typed.password, words) !== null);

const nothing: TypedUser = { role: "viewer", groups: "", password: "" };

function NewUser(props: { groups: string[]; made: (user: User) => void }) {
  const words = use_words();
  const [name, set_name] = useState("");
  const [typed, set] = useState(nothing);
  const action = use_action();
  const wrong = name !== "" && !name_pattern.test(name) ? words.say("name_wanted") : null;

  async function create(): Promise<void> {
    const { role, password } = typed;
    const edit = { name, role, groups: groups_of(typed.groups) };
    const user = await named(
      "name_taken",
      add_user(password === "" ? edit : { ...edit, password }),
    );
    set_name("");
    set(nothing);
    props.made(user);
  }

  return (
    <section class="card">
      <h2>{words.say("new_user")}</h2>
      <Form
        title={words.say("new_user")}
        submit={words.say("create")}
        action={action}
        done={words.say("created")}
        wrong={name === "" || wrong !== null || is_wrong(typed, words)}
        on_submit={() => void action.run(create)}
      >
        <Field label={words.say("name")} value={name} on_change={set_name} wrong={wrong}
          bytes_max={64} hint={words.say("name_wanted")} />
        <Fields typed={typed} set={set} groups={props.groups} is_new />
      </Form>
    </section>
  );
}

const typed_of = (user: User): TypedUser => ({
  role: user.role,
  groups: user.groups.join(", "),
  password: "",
});

function EditUser(props: { seen: Seen<User>; groups: string[]; reload: () => void }) {
  const words = use_words();
  const { reload } = props;
  const [base, set_base] = useState(props.seen); // what the person sees while they type
  const user = base.value;
  const [typed, set] = useState(typed_of(user));
  const action = use_action();
  const edit = user_changes(user, typed);

  // Somebody else was faster: what is there now, and what was typed stays.
  async function told(): Promise<never> {
    const now = await look_at_user(user.name);
    set_base(now);
    const role = words.choice("role_name", now.value.role);
    const all = [role, ...now.value.groups].join(words.say("list_comma"));
    throw new ApiError("changed", all, 412);
  }

  async function save(): Promise<void> {
    const sent = edit_user(user.name, edit!, base.etag).catch((error) => {
      if (error_of(error).code === "precondition_failed") return told();
      throw error;
    });
    const saved = await named("last_administrator", sent.finally(reload));
    set_base(saved);
    set(typed_of(saved.value));
  }

  return (
    <Form
      title={words.say("change_of", user.name)}
      submit={words.say("save")}
      action={action}
      wrong={edit === null || is_wrong(typed, words)}
      on_submit={() => void action.run(save)}
    >
      <Fields typed={typed} set={set} groups={props.groups} is_new={false} />
      <p class="facts">{words.say("user_change_about")}</p>
    </Form>
  );
}

function Change(props: { user: User; groups: string[]; reload: () => void }) {
  const seen = use_loaded(() => look_at_user(props.user.name), []);
  if (seen.value === null) return <Waiting error={seen.error} />;
  return <EditUser seen={seen.value} groups={props.groups} reload={props.reload} />;
}

function Item(props: { user: User; groups: string[]; reload: () => void }) {
  const words = use_words();
  const { user, reload } = props;
  const who = use_value(caller);
  const [editing, set_editing] = useState(false);
  const action = use_action();
  const is_self = who?.name === user.name;
  const act = (what: () => Promise<unknown>) => () =>
    void action.run(() => named("last_administrator", what().finally(reload)));
  const limits = user.groups.join(words.say("list_comma"));
  return (
    <li class="card" data-user={user.name}>
      <h2>
        {user.name} {user.disabled && <span class="badge">{words.say("disabled")}</span>}
        {is_self && <span class="badge accepted">{words.say("yourself")}</span>}
      </h2>
      <p>
        {words.choice("role_name", user.role)}
        {user.groups.length > 0 && ` · ${words.say("limited_to", limits)}`}
      </p>
      <p class="facts">
        {words.say("user_facts", words.time(user.created_ms), words.time(user.password_ms))}
      </p>
      <p class="send">
        <button type="button" class="small" aria-expanded={editing}
          aria-label={words.say("of", words.say(editing ? "cancel" : "change"), user.name)}
          onClick={() => set_editing(!editing)}>
          {words.say(editing ? "cancel" : "change")}
        </button>
        {!is_self && (
          <>
            <button type="button" class="small"
              aria-label={words.say("of", words.say(user.disabled ? "enable" : "disable"),
                user.name)}
              onClick={act(() => change_user(user.name, { disabled: !user.disabled }))}>
              {words.say(user.disabled ? "enable" : "disable")}
            </button>
            <Sure say={words.say("delete")} sure={words.say("delete_sure")} about={user.name}
              act={act(() => remove_user(user.name))} />
          </>
        )}
        <Outcome action={action} done="" />
      </p>
      {editing && <Change user={user} groups={props.groups} reload={reload} />}
    </li>
  );
}

export function UsersPart() {
  const words = use_words();
  const users = use_loaded(list_users, []);
  const groups = (use_loaded(list_groups, []).value ?? []).map(({ group }) => group);
  const [told, tell] = useState<Told | null>(null);
  if (users.value === null) return <Waiting error={users.error} />;
  return (
    <>
      {users.value.length === 0 && <p class="notice">{words.say("no_users")}</p>}
      <ul class="cards wide-cards">
        {users.value.map((user) => (
          <Item key={user.name} user={user} groups={groups} reload={users.reload} />
        ))}
      </ul>
      {told !== null && <Secret told={told} close={() => tell(null)} />}
      <NewUser
        groups={groups}
        made={({ name, password }) => {
          const about = words.say("password_of", name);
          tell(password === undefined ? null : { about, secret: password });
          users.reload();
        }}
      />
    </>
  );
}
