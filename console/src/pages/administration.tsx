// Administration: who may come in, what it costs, who is told, what is kept. One part at a time,
// named in the address.
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
import { use_words } from "../parts/hooks";
import { link_to } from "../router";
import type { Word } from "../words/words";

const parts: [id: string, word: Word, view: ComponentType][] = [
  ["users", "users", UsersPart],
  ["sessions", "sessions", SessionsPart],
  ["tokens", "tokens", TokensPart],
  ["doors", "doors", DoorsPart],
  ["second", "second", SecondPart],
  ["integrations", "integrations", SinksPart],
  ["billing", "billing", BillingPart],
  ["upkeep", "upkeep", UpkeepPart],
  ["audit", "audit", AuditPart],
];

export function Page({ id = "" }: { id?: string }) {
  const words = use_words();
  const chosen = parts.find(([name]) => name === (id || "users"));
  const View = chosen?.[2];
  return (
    <>
      <h1>{words.say("nav_administration")}</h1>
      <nav class="parts" aria-label={words.say("nav_administration")}>
        {parts.map(([name, word]) => (
          <a
            key={name}
            href={link_to("administration", name)}
            aria-current={name === chosen?.[0] ? "page" : undefined}
          >
            {words.say(word)}
          </a>
        ))}
      </nav>
      {View === undefined ? <p class="notice">{words.say("unknown_page")}</p> : <View />}
    </>
  );
}
