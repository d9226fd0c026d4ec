// The console: sets up language, theme, address and live news, and draws the page.
import { render } from "preact";
import { door } from "./api/http";
import { App } from "./app";
import { start_live } from "./live";
import { stored } from "./parts/hooks";
import { log_in } from "./login";
import { start_router } from "./router";
import { come_in } from "./session";
import { start_theme } from "./theme";
import { preferred_language, Words, words } from "./words/words";

words.set(new Words(preferred_language(stored("language"), navigator.language)));
door.unauthorized = async () => {
  await come_in(log_in, () => location.reload());
  listen_anew();
  return true;
};
start_theme();
start_router();
const listen_anew = start_live();
render(<App />, document.body);
