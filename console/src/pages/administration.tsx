// Administration: who may come in, what it costs, who is told, what is kept. One part at a time,
// named in the address; who does not administer sees those that their role opens.
import type { ComponentType } from "preact";
import { AuditPart } from "../administration/audit";
import { BillingPart } from "../administration/billing";
import { DoorsPart } from "../administration/doors";
import { SecondPart } from "../administration/second";
import { SessionsPart } from "../administration/sessions";
import { SinksPart } from "../administration/sinks";
import { TokensPart } from "../administration/tokens";
import { UpkeepPart } from "../administration/upkeep";
import { UsersPart } from "../administration/users";
import type { Right } from "../api/openapi";
import { use_value } from "../observe";
import { use_words } from "../parts/hooks";
import { link_to } from "../router";
import { caller, may } from "../session";
import type { Word } from "../words/words";

const parts: [id: Word, view: ComponentType, right: Right][] = [
  ["users", UsersPart, "administer"],
  ["sessions", SessionsPart, "administer"],
  ["tokens", TokensPart, "administer"],
  ["doors", DoorsPart, "administer"],
  ["second", SecondPart, "administer"],
  ["integrations", SinksPart, "administer"],
  ["billing", BillingPart, "operate"],
  ["upkeep", UpkeepPart, "administer"],
  ["audit", AuditPart, "administer"],
];

export function Page({ id = "" }: { id?: string }) {
  const words = use_words();
  const who = use_value(caller);
  const own = parts.filter(([, , right]) => may(who, right));
  const chosen = id === "" ? own[0]?.[0] : id;
  const [, View] = own.find(([name]) => name === chosen) ?? [];
  const is_known = parts.some(([name]) => name === chosen);
  return (
    <>
      <h1>{words.say("nav_administration")}</h1>
      <nav class="parts" aria-label={words.say("nav_administration")}>
        {own.map(([name]) => (
          <a
            key={name}
            href={link_to("administration", name)}
            aria-current={name === chosen ? "page" : undefined}
          >
            {words.say(name)}
          </a>
        ))}
      </nav>
      {View !== undefined ? (
        <View />
      ) : (
        <p class="notice">{words.say(is_known ? "error_http_403" : "unknown_page")}</p>
      )}
    </>
  );
}
