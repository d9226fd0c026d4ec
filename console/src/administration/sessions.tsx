// Who is logged in from where; each session can be ended.
import { end_session, list_sessions } from "../api/admin";
import type { Session } from "../api/openapi";
import { Outcome, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import { Sure } from "../parts/sure";

function Line({ session, reload }: { session: Session; reload: () => void }) {
  const words = use_words();
  const action = use_action();
  const { id, user, address } = session;
  return (
    <li data-session={id}>
      <strong>{user}</strong> {words.say("session_from", address)}{" "}
      {session.own && <span class="badge accepted">{words.say("session_own")}</span>}{" "}
      <span class="facts">
        {words.say("session_facts", words.short_time(session.created_ms),
          words.short_time(session.used_ms), words.short_time(session.ends_ms))}
      </span>{" "}
      {!session.own && (
        <Sure say={words.say("session_end")} sure={words.say("session_end_sure")} about={user}
          act={() => void action.run(() => end_session(id).finally(reload))} />
      )}
      <Outcome action={action} done="" />
    </li>
  );
}

// Of one user, or of all.
export function Sessions({ of }: { of?: string }) {
  const words = use_words();
  const sessions = use_loaded(list_sessions, []);
  const shown = (sessions.value ?? []).filter(({ user }) => of === undefined || user === of);
  return (
    <section class="card">
      <h2>{words.say("sessions")}</h2>
      {sessions.value === null ? (
        <Waiting error={sessions.error} />
      ) : shown.length === 0 ? (
        <p class="facts">{words.say("no_sessions")}</p>
      ) : (
        <ul class="lines">
          {shown.map((session) => (
            <Line key={session.id} session={session} reload={sessions.reload} />
          ))}
        </ul>
      )}
    </section>
  );
}

export function SessionsPart() {
  return <Sessions />;
}
