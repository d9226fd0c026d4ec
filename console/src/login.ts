// The way in: a log-in over the page, whenever the server asks who is there. What was typed
// elsewhere stays, and what was asked goes on after it, for the same person.
import { own_header } from "./api/http";
import type { Caller } from "./api/openapi";
import { words, type Word } from "./words/words";

const path = "/api/v1/session";

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  kind = "",
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (kind !== "") made.className = kind;
  made.append(...children);
  return made;
}

// Resolves to who has logged in.
export function log_in(): Promise<Caller> {
  return new Promise((done) => new LogIn(done).show());
}

class LogIn {
  private readonly name = element("input");
  private readonly password = element("input");
  private readonly send = element("button", "main");
  private readonly error = element("p", "error");
  private readonly dialog = element("dialog", "login");

  constructor(private readonly done: (who: Caller) => void) {
    const { name, password, send, error, dialog } = this;
    const said = words.get();
    name.autocomplete = "username";
    name.required = true;
    name.autocapitalize = "none";
    password.type = "password";
    password.autocomplete = "current-password";
    password.required = true;
    error.setAttribute("role", "alert");
    send.textContent = said.say("log_in");
    const heading = element("h2", "", said.say("log_in_title"));
    heading.id = "login_heading";
    const form = element(
      "form",
      "",
      heading,
      element("label", "", said.say("user_name"), name),
      element("label", "", said.say("password"), password),
      error,
      send,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.ask();
    });
    dialog.setAttribute("aria-labelledby", heading.id);
    // Without a log-in there is nothing behind it to go back to.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    // A browser lets a second Escape close it all the same.
    dialog.addEventListener("close", () => dialog.isConnected && dialog.showModal());
    dialog.append(form);
  }

  show(): void {
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.name.focus();
  }

  private async ask(): Promise<void> {
    this.send.disabled = true;
    this.error.textContent = "";
    const who = await this.attempt();
    this.send.disabled = false;
    if (typeof who === "string") {
      this.error.textContent = words.get().say(who);
      this.password.select();
      return;
    }
    this.password.value = "";
    this.dialog.close();
    this.dialog.remove();
    this.done(who);
  }

  private async attempt(): Promise<Caller | Word> {
    try {
      const response = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...own_header },
        body: JSON.stringify({ name: this.name.value, password: this.password.value }),
      });
      if (response.ok) return (await response.json()) as Caller;
      if (response.status === 401) return "login_wrong";
      return response.status === 429 ? "login_wait" : "login_failed";
    } catch {
      return "error_unreachable";
    }
  }
}
