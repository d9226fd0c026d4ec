// A page that few need: its script comes when somebody goes there. The module's `Page` draws it.
import type { FunctionComponent } from "preact";
import { Waiting } from "./form";
import { use_loaded } from "./hooks";

type View = FunctionComponent<{ id?: string }>;

export function later(load: () => Promise<{ Page: View }>): View {
  return function Later(props) {
    const module = use_loaded(load, []);
    if (module.value === null) return <Waiting error={module.error} />;
    const { Page } = module.value;
    return <Page {...props} />;
  };
}
