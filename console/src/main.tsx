// The console: sets up language, theme, address and live news, and draws the page.
import { render } from "preact";
import { door } from "./api/http";
import { App } from "./app";
import { epoch, start_live } from "./live";
import { stored } from "./parts/hooks";
import { log_in } from "./login";
import { start_router } from "./router";
import { ask_who } from "./session";
import { start_theme } from "./theme";
import { preferred_language, Words, words } from "./words/words";

words.set(new Words(preferred_language(stored("language"), navigator.language)));
door.unauthorized = async () => {
  await log_in();
  // Another person may see other things.
  epoch.set(epoch.get() + 1);
  void ask_who().catch(() => undefined);
  return true;
};
start_theme();
start_router();
start_live();
render(<App />, document.body);
