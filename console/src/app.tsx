// The frame around every page: name, navigation, connection, language, colours.
import { useEffect, useRef } from "preact/hooks";
import { log_out } from "./api/api";
import { is_live, is_reachable } from "./live";
import { use_value } from "./observe";
import { pages, type PageEntry } from "./pages";
import { Outcome, Waiting } from "./parts/form";
import { store, use_action, use_words } from "./parts/hooks";
import { link_to, place } from "./router";
import { caller, may } from "./session";
import { next_theme, theme } from "./theme";
import { Words, words, type Word } from "./words/words";

function LinkState() {
  const said = use_words();
  const live = use_value(is_live);
  return (
    <p class={live ? "link live" : "link"} role="status">
      {said.say(live ? "live" : "connecting")}
    </p>
  );
}

// Nothing that was shown may stay.
const leave = (): Promise<void> => log_out().then(() => location.reload());

// Who is logged in, and the way out; nothing where nobody has to log in.
function Who() {
  const said = use_words();
  const who = use_value(caller);
  const action = use_action();
  if (who === null || who.by !== "session") return null;
  return (
    <>
      <a class="who" href={link_to("account")} title={said.choice("role", who.role)}>
        {who.name}
      </a>
      <button type="button" class="log-out" onClick={() => void action.run(leave)}>
        {said.say("log_out")}
      </button>
      <Outcome action={action} done="" />
    </>
  );
}

function Switches() {
  const said = use_words();
  const wished = use_value(theme);
  const other = said.language === "zh" ? "en" : "zh";
  return (
    <div class="switches">
      <Who />
      <button type="button" class="theme" onClick={next_theme}>
        <span class="only-wide">{said.say("theme")}: </span>
        {said.say(`theme_${wished}`)}
      </button>
      <button
        type="button"
        class="language"
        lang={other === "zh" ? "zh-CN" : "en"}
        onClick={() => {
          words.set(new Words(other));
          store("language", other);
        }}
      >
        {said.say("other_language")}
      </button>
    </div>
  );
}

function Navigation({ at }: { at: string }) {
  const said = use_words();
  const who = use_value(caller);
  const here = useRef<HTMLAnchorElement>(null);
  const listed = pages.filter(
    ({ right, unlisted }) => !unlisted && (right === undefined || may(who, right)),
  );
  useEffect(
    () => here.current?.scrollIntoView({ block: "nearest", inline: "center" }),
    [at, listed.length],
  );
  return (
    <nav aria-label={said.say("navigation")}>
      {listed.map(({ page, word }) => (
        <a
          key={page}
          href={link_to(page)}
          aria-current={page === at ? "page" : undefined}
          ref={page === at ? here : null}
        >
          {said.say(word)}
        </a>
      ))}
    </nav>
  );
}

function Content({ entry, id }: { entry: PageEntry | undefined; id: string }) {
  const said = use_words();
  const who = use_value(caller);
  if (entry?.right !== undefined && !may(who, entry.right)) {
    const refused = { code: "http_403", message: "" };
    return <Waiting error={who === null ? null : refused} />;
  }
  if (entry === undefined || (id !== "" && entry.of_one === undefined))
    return (
      <>
        <h1>{said.say("unknown_page")}</h1>
        <p>
          <a href={link_to("")}>{said.say("nav_home")}</a>
        </p>
      </>
    );
  if (id === "") return <entry.view />;
  const One = entry.of_one!;
  return <One key={id} id={id} />;
}

export function App() {
  const said = use_words();
  const { page, id } = use_value(place);
  const reachable = use_value(is_reachable);
  const entry = pages.find((one) => one.page === page);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.documentElement.lang = said.language === "zh" ? "zh-CN" : "en";
    const name = said.say(entry?.word ?? "unknown_page");
    const part = entry?.right === undefined ? id : said.say(id as Word);
    document.title = `${id === "" ? name : part} · Meterlens`;
  }, [said, entry, id]);
  // Who moves by keyboard or ear goes on at the new page's beginning.
  useEffect(() => {
    if (!first.current) main.current?.focus();
    first.current = false;
    scrollTo(0, 0);
  }, [page, id]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {said.say("skip")}
      </a>
      <header class="bar">
        <a class="brand" href={link_to("")}>
          Meterlens
        </a>
        <LinkState />
        <Switches />
        <Navigation at={page} />
      </header>
      {!reachable && (
        <p class="notice error" role="alert">
          {said.say("error_unreachable")}
        </p>
      )}
      <main ref={main} tabIndex={-1} class={`page-${page || "home"}`}>
        <Content entry={entry} id={id} />
      </main>
    </>
  );
}
