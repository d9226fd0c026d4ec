// Whether a device is online, or switched off by a person.
import type { Device } from "../api/openapi";
import { use_words } from "./hooks";

export function StateOf({ device: { online, enabled } }: { device: Device }) {
  const words = use_words();
  return (
    <span class={online && enabled ? "state online" : "state"}>
      {words.say(!enabled ? "device_disabled" : online ? "online" : "offline")}
    </span>
  );
}
