// Where in the console somebody is, by the address behind the #, like #/devices/m1.
import { Value } from "./observe";

export interface Place {
  page: string; // "" is the home page
  id: string; // of the thing that the page is about, or empty
}

export function place_of(hash: string): Place {
  const [page = "", id = ""] = hash.replace(/^#?\/?/, "").split("/");
  try {
    return { page: decodeURIComponent(page), id: decodeURIComponent(id) };
  } catch {
    return { page: "unknown", id: "" }; // a broken escape
  }
}

export function link_to(page: string, id = ""): string {
  return id === "" ? `#/${page}` : `#/${page}/${encodeURIComponent(id)}`;
}

export const place = new Value<Place>({ page: "", id: "" });

export function go(page: string, id = ""): void {
  location.hash = link_to(page, id);
}

export function start_router(): void {
  const take = (): void => place.set(place_of(location.hash));
  addEventListener("hashchange", take);
  take();
}
