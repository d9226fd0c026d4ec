// How devices come in: a credential each, and products whose devices register by themselves.
import { useState } from "preact/hooks";
import { add_product, list_products, remove_product } from "../api/admin";
import { add_credential, list_credentials, remove_credential } from "../api/fleet_calls";
import { ApiError } from "../api/http";
import type { Credential, Product } from "../api/openapi";
import { fleet } from "../live";
import { Field, Form, Outcome, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import { Secret, type Told } from "../parts/secret";
import { Sure } from "../parts/sure";

const name_pattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
const suggestions_max = 50;
const shown_at_first = 50;

function Line(props: {
  credential: Credential;
  reload: () => void;
  tell: (credential: Credential) => void;
}) {
  const words = use_words();
  const action = use_action();
  const { credential, reload } = props;
  const { device, state, by, made_ms } = credential;
  const renew = async (): Promise<void> => {
    props.tell(await add_credential(device));
    reload();
  };
  const who = by.startsWith("product ") ? words.say("by_product", by.slice(8)) : by;
  return (
    <li data-credential={device}>
      <strong>{device}</strong>{" "}
      {state === "removed" && (
        <span class="badge rejected">{words.say("credential_removed")}</span>
      )}{" "}
      <span class="facts">{words.say("made_by", who, words.time(made_ms))}</span>{" "}
      <Sure say={words.say("credential_renew")} sure={words.say("credential_renew_sure")}
        about={device} act={() => void action.run(renew)} />{" "}
      {state === "valid" && (
        <Sure say={words.say("credential_remove")} sure={words.say("credential_remove_sure")}
          about={device}
          act={() => void action.run(() => remove_credential(device).finally(reload))} />
      )}
      <Outcome action={action} done="" />
    </li>
  );
}

function NewCredential(props: { known: Credential[]; made: (credential: Credential) => void }) {
  const words = use_words();
  const [typed, set_typed] = useState("");
  const action = use_action();
  const device = typed.trim();
  const is_known = props.known.some((one) => one.device === device && one.state === "valid");
  const wrong = is_known
    ? words.say("credential_known")
    : device !== "" && !name_pattern.test(device)
      ? words.say("name_wanted")
      : null;
  return (
    <Form
      title={words.say("new_credential")}
      submit={words.say("create")}
      action={action}
      done={words.say("created")}
      wrong={device === "" || wrong !== null}
      on_submit={() =>
        void action.run(async () => {
          props.made(await add_credential(device));
          set_typed("");
        })
      }
    >
      <Field
        label={words.say("device_name")}
        value={typed}
        on_change={set_typed}
        bytes_max={64}
        wrong={wrong}
        list={fleet.all().slice(0, suggestions_max).map((entry) => entry.device.id)}
      />
    </Form>
  );
}

function Credentials() {
  const words = use_words();
  const credentials = use_loaded(list_credentials, []);
  const [search, set_search] = useState("");
  const [all, show_all] = useState(false);
  const [told, tell] = useState<(Told & { device: string }) | null>(null);
  const line = (device: string, secret: string): string =>
    `meterlens-dtu --broker mqtts://${device}:${secret}@${location.hostname} …`;
  const show = ({ device, password = "" }: Credential): void =>
    tell({ about: words.say("password_of", device), secret: password, device });
  if (credentials.value === null) return <Waiting error={credentials.error} />;
  const wanted = search.trim().toLowerCase();
  const found = credentials.value.filter(({ device }) => device.toLowerCase().includes(wanted));
  return (
    <section class="card">
      <h2>{words.say("credentials")}</h2>
      <p class="facts">{words.say("credentials_about")}</p>
      {credentials.value.length > 5 && (
        <Field label={words.say("search")} value={search} on_change={set_search} bytes_max={64} />
      )}
      {found.length === 0 && <p class="facts">{words.say("no_credentials")}</p>}
      <ul class="lines">
        {found.slice(0, all ? found.length : shown_at_first).map((one) => (
          <Line key={one.device} credential={one} reload={credentials.reload} tell={show} />
        ))}
      </ul>
      {!all && found.length > shown_at_first && (
        <button type="button" class="small" onClick={() => show_all(true)}>
          {words.say("more")}
        </button>
      )}
      {told !== null && (
        <Secret told={told} close={() => tell(null)}>
          <pre>{line(told.device, told.secret)}</pre>
        </Secret>
      )}
      <h3>{words.say("new_credential")}</h3>
      <NewCredential
        known={credentials.value}
        made={(credential) => {
          show(credential);
          credentials.reload();
        }}
      />
    </section>
  );
}

function ProductLine({ product, reload }: { product: Product; reload: () => void }) {
  const words = use_words();
  const action = use_action();
  return (
    <li data-product={product.name}>
      <strong>{product.name}</strong>{" "}
      <span class="facts">{words.say("since", words.time(product.made_ms))}</span>{" "}
      <Sure say={words.say("delete")} sure={words.say("delete_sure")} about={product.name}
        act={() => void action.run(() => remove_product(product.name).finally(reload))} />
      <Outcome action={action} done="" />
    </li>
  );
}

function Products() {
  const words = use_words();
  const products = use_loaded(list_products, []);
  const [name, set_name] = useState("");
  const [told, tell] = useState<Told | null>(null);
  const action = use_action();
  const wrong = name !== "" && !name_pattern.test(name) ? words.say("name_wanted") : null;

  async function create(): Promise<void> {
    try {
      const { secret = "" } = await add_product(name);
      tell({ about: words.say("secret_of", name), secret });
    } catch (error) {
      if (error instanceof ApiError && error.code === "conflict")
        throw new ApiError("name_taken", "", error.status);
      throw error;
    }
    set_name("");
    products.reload();
  }

  return (
    <section class="card">
      <h2>{words.say("products")}</h2>
      <p class="facts">{words.say("products_about")}</p>
      {products.value === null ? (
        <Waiting error={products.error} />
      ) : (
        <ul class="lines">
          {products.value.map((product) => (
            <ProductLine key={product.name} product={product} reload={products.reload} />
          ))}
        </ul>
      )}
      {told !== null && <Secret told={told} close={() => tell(null)} />}
      <h3>{words.say("new_product")}</h3>
      <Form
        title={words.say("new_product")}
        submit={words.say("create")}
        action={action}
        done={words.say("created")}
        wrong={name === "" || wrong !== null}
        on_submit={() => void action.run(create)}
      >
        <Field label={words.say("product_name")} value={name} on_change={set_name}
          bytes_max={64} wrong={wrong} />
      </Form>
    </section>
  );
}

export function DoorsPart() {
  return (
    <>
      <Credentials />
      <Products />
    </>
  );
}
