// Light or dark: as the system wishes, or as chosen here.
import { Value } from "./observe";
import { store, stored } from "./parts/hooks";

export type Theme = "auto" | "light" | "dark";
const themes: Theme[] = ["auto", "light", "dark"];

const system = matchMedia("(prefers-color-scheme: dark)");
export const theme = new Value<Theme>(themes.find((one) => one === stored("theme")) ?? "auto");
// What is shown.
export const colours = new Value<"light" | "dark">("light");

function show(): void {
  const wished = theme.get();
  const shown = wished === "auto" ? (system.matches ? "dark" : "light") : wished;
  document.documentElement.dataset["theme"] = shown;
  colours.set(shown);
}

export function next_theme(): void {
  theme.set(themes[(themes.indexOf(theme.get()) + 1) % themes.length] ?? "auto");
  store("theme", theme.get());
  show();
}

export function start_theme(): void {
  system.addEventListener("change", show);
  show();
}
