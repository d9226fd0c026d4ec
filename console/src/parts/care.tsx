// The care of one device: its remark, its credential, switching it off, forgetting it.
import { useState } from "preact/hooks";
import { get_session } from "../api/api";
import {
  add_credential,
  change_device,
  list_credentials,
  remove_credential,
  remove_device,
  reset_device,
} from "../api/fleet_calls";
import type { Device } from "../api/openapi";
import { fleet } from "../live";
import { go } from "../router";
import { Choice, Field, Form, is_too_long, Outcome, Waiting } from "./form";
import { use_action, use_loaded, use_words } from "./hooks";
import { Sure } from "./sure";

const remark_bytes_max = 200;

function RemarkForm({ device }: { device: Device }) {
  const words = use_words();
  const action = use_action();
  const [typed, set_typed] = useState<string | null>(null);
  const remark = typed ?? device.remark;
  return (
    <Form
      title={words.say("remark")}
      submit={words.say("save")}
      action={action}
      wrong={typed === null || is_too_long(remark, remark_bytes_max)}
      on_submit={() =>
        void action.run(async () => {
          fleet.take_devices([await change_device(device.id, { remark })]);
          set_typed(null);
        })
      }
    >
      <Field
        label={words.say("remark")}
        value={remark}
        on_change={set_typed}
        bytes_max={remark_bytes_max}
        hint={words.say("remark_hint")}
      />
    </Form>
  );
}

function CredentialForm({ device }: { device: string }) {
  const words = use_words();
  const action = use_action();
  const removal = use_action();
  const [password, set_password] = useState<string | null>(null);
  const all = use_loaded(list_credentials, []);
  if (all.value === null) return <Waiting error={all.error} />;
  const known = all.value.find((one) => one.device === device);
  const is_valid = known?.state === "valid";
  const state =
    known === undefined ? words.say("no_credential")
    : words.say(is_valid ? "credential_valid" : "credential_gone", known.by,
        words.time(known.made_ms));
  return (
    <>
      <p class="facts credential">{state}</p>
      {password !== null && (
        <p class="notice" role="status">
          {words.say("password_once")} <code class="password">{password}</code>
        </p>
      )}
      <p class="send">
        <button
          type="button"
          aria-disabled={action.busy}
          onClick={() =>
            void action.run(async () => {
              set_password((await add_credential(device)).password ?? null);
              all.reload();
            })
          }
        >
          {words.say("new_password")}
        </button>
        {is_valid && (
          <Sure
            say={words.say("remove_credential")}
            sure={words.say("delete_sure")}
            act={() =>
              void removal.run(async () => {
                await remove_credential(device);
                set_password(null);
                all.reload();
              })
            }
          />
        )}
        <Outcome action={action} done="" />
        <Outcome action={removal} />
      </p>
    </>
  );
}

function Switch({ device }: { device: Device }) {
  const words = use_words();
  const action = use_action();
  const { id, enabled, packets_dropped } = device;
  return (
    <>
      <p class="facts">
        {words.say(enabled ? "disable_about" : "disabled_about",
          words.number(packets_dropped))}
        {enabled && packets_dropped > 0 &&
          ` ${words.say("dropped_about", words.number(packets_dropped))}`}
      </p>
      <p class="send">
        <button
          type="button"
          class={enabled ? "" : "main"}
          aria-disabled={action.busy}
          onClick={() =>
            void action.run(async () => {
              fleet.take_devices([await change_device(id, { enabled: !enabled })]);
            })
          }
        >
          {words.say(enabled ? "device_disable" : "device_enable")}
        </button>
        <Outcome action={action} done={words.say(enabled ? "enabled_now" : "disabled_now")} />
      </p>
    </>
  );
}

function Removal({ device }: { device: string }) {
  const words = use_words();
  const action = use_action();
  const [history, set_history] = useState<"keep" | "purge">("keep");
  return (
    <>
      <p class="facts">{words.say("delete_about")}</p>
      <Choice
        label={words.say("its_history")}
        value={history}
        choices={[["keep", words.say("history_keep")], ["purge", words.say("history_purge")]]}
        on_change={(value) => set_history(value as "keep" | "purge")}
      />
      <p class="send">
        <Sure
          say={words.say("delete_device")}
          sure={words.say("delete_sure")}
          act={() =>
            void action.run(async () => {
              await remove_device(device, history);
              fleet.forget(device);
              go("devices");
            })
          }
        />
        <Outcome action={action} done="" />
      </p>
    </>
  );
}

export function Care({ device }: { device: Device }) {
  const words = use_words();
  const session = use_loaded(get_session, []);
  const reset = use_action();
  return (
    <div class="care">
      <RemarkForm device={device} />
      {session.value?.rights.includes("administer") && (
        <>
          <h3>{words.say("credential")}</h3>
          <CredentialForm device={device.id} />
        </>
      )}
      <h3>{words.say("in_use")}</h3>
      <Switch device={device} />
      <h3>{words.say("reset")}</h3>
      <p class="facts">{words.say("reset_about")}</p>
      <p class="send">
        <Sure
          say={words.say("reset")}
          sure={words.say("reset_sure")}
          act={() => void reset.run(() => reset_device(device.id))}
        />
        <Outcome action={reset} done={words.say("reset_done")} />
      </p>
      <h3>{words.say("delete_device")}</h3>
      <Removal device={device.id} />
    </div>
  );
}
