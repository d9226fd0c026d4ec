// The calls for many devices and for the care of one: tags, records, controls, profiles, campaigns.
import { page_max, query, type Page } from "./api";
import { get, remove, send, send_text } from "./http";
import type {
  Campaign,
  CampaignDevices,
  CampaignOrder,
  Campaigns,
  Control,
  Controls,
  Credential,
  Device,
  DeviceEdit,
  GpioControl,
  Groups,
  HealthSamples,
  Messages,
  Profile,
  ProfileDevices,
  ProfileEdit,
  Profiles,
  Pushed,
  Tags,
  TagsEdit,
  TimerControl,
  UartControl,
} from "./openapi";

const name = encodeURIComponent;

// ---- groups and labels ----

export type Tagged = "devices" | "meters";

export function get_tags(kind: Tagged, id: string): Promise<Tags> {
  return get(`/${kind}/${name(id)}/tags`);
}

export function change_tags(kind: Tagged, id: string, edit: TagsEdit): Promise<Tags> {
  return send("PUT", `/${kind}/${name(id)}/tags`, edit);
}

export async function list_groups(): Promise<Groups["groups"]> {
  return (await get<Groups>("/groups")).groups;
}

export async function devices_of(group: string, limit: number, cursor: string) {
  const path = `/devices${query({ group, limit, cursor })}`;
  const page = await get<{ devices: Device[]; next: string | null }>(path);
  return { items: page.devices, next: page.next };
}

// ---- the care of one device ----

export function change_device(device: string, edit: DeviceEdit): Promise<Device> {
  return send("PATCH", `/devices/${name(device)}`, edit);
}

export function remove_device(device: string, history: "keep" | "purge"): Promise<unknown> {
  return remove(`/devices/${name(device)}?history=${history}`);
}

export function reset_device(device: string): Promise<unknown> {
  return send("POST", `/devices/${name(device)}/reset`, {});
}

export async function list_credentials(): Promise<Credential[]> {
  return (await get<{ credentials: Credential[] }>("/credentials")).credentials;
}

// Its password is in this answer alone.
export function add_credential(device: string): Promise<Credential> {
  return send("POST", `/devices/${name(device)}/credential`, {});
}

export function remove_credential(device: string): Promise<unknown> {
  return remove(`/devices/${name(device)}/credential`);
}

// ---- records ----

export type Message = Messages["messages"][number];

export async function list_messages(
  device: string,
  limit: number,
  cursor: string,
): Promise<Page<Message>> {
  const path = `/devices/${name(device)}/messages${query({ limit, cursor })}`;
  const page = await get<Messages>(path);
  return { items: page.messages, next: page.next };
}

export type HealthSample = HealthSamples["health"][number];

// Since then, newest first, at most `count_max`.
export async function list_health(
  device: string,
  since: number,
  count_max: number,
): Promise<HealthSample[]> {
  const all: HealthSample[] = [];
  for (let cursor: string | null = ""; cursor !== null && all.length < count_max; ) {
    const asked = query({ since, limit: page_max, cursor });
    const page: HealthSamples = await get(`/devices/${name(device)}/health${asked}`);
    all.push(...page.health);
    cursor = page.next;
  }
  return all;
}

// ---- controls of a SmartDTU ----

export async function list_controls(
  device: string,
  limit: number,
  cursor: string,
): Promise<Page<Control>> {
  const path = `/devices/${name(device)}/controls${query({ limit, cursor })}`;
  const page = await get<Controls>(path);
  return { items: page.controls, next: page.next };
}

const controls_of = (device: string): string => `/devices/${name(device)}/controls`;

export function set_gpio(device: string, pins: GpioControl): Promise<Control> {
  return send("POST", `${controls_of(device)}/gpio`, pins);
}

export function set_uart(device: string, uart: UartControl): Promise<Control> {
  return send("POST", `${controls_of(device)}/uart`, uart);
}

export function set_timer(device: string, timer: TimerControl): Promise<Control> {
  return send("POST", `${controls_of(device)}/timer`, timer);
}

export function update_firmware(device: string, firmware: string): Promise<Control> {
  return send("POST", `${controls_of(device)}/fota`, { firmware });
}

// `payload` is JSON as text: so a number stays as it was typed, however large.
export function send_raw(device: string, uart: number, payload: string): Promise<Control> {
  return send_text("POST", `${controls_of(device)}/send`, `{"uart":${uart},"payload":${payload}}`);
}

// ---- profiles ----

export async function list_profiles(): Promise<Profile[]> {
  const all: Profile[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const path: string = `/profiles${query({ limit: page_max, cursor })}`;
    const page: Profiles = await get<Profiles>(path);
    all.push(...page.profiles);
    cursor = page.next;
  }
  return all;
}

export function get_profile(id: number): Promise<Profile> {
  return get(`/profiles/${id}`);
}

export function add_profile(edit: ProfileEdit): Promise<Profile> {
  return send("POST", "/profiles", edit);
}

export function change_profile(id: number, edit: ProfileEdit): Promise<Profile> {
  return send("PUT", `/profiles/${id}`, edit);
}

export function remove_profile(id: number, version: number): Promise<unknown> {
  return remove(`/profiles/${id}?version=${version}`);
}

export function push_profile(id: number): Promise<Pushed> {
  return send("POST", `/profiles/${id}/push`, {});
}

export type ProfileDevice = ProfileDevices["devices"][number];

export async function list_profile_devices(
  id: number,
  limit: number,
  cursor: string,
): Promise<Page<ProfileDevice>> {
  const page = await get<ProfileDevices>(`/profiles/${id}/devices${query({ limit, cursor })}`);
  return { items: page.devices, next: page.next };
}

// ---- campaigns ----

export async function list_campaigns(limit: number, cursor: string): Promise<Page<Campaign>> {
  const page = await get<Campaigns>(`/campaigns${query({ limit, cursor })}`);
  return { items: page.campaigns, next: page.next };
}

export function get_campaign(id: number): Promise<Campaign> {
  return get(`/campaigns/${id}`);
}

export function add_campaign(order: CampaignOrder): Promise<Campaign> {
  return send("POST", "/campaigns", order);
}

export function steer_campaign(
  id: number,
  step: "pause" | "resume" | "abort",
  body: { error_percent_max?: number } = {},
): Promise<Campaign> {
  return send("POST", `/campaigns/${id}/${step}`, body);
}

export type CampaignDevice = CampaignDevices["devices"][number];

export async function list_campaign_devices(
  id: number,
  limit: number,
  cursor: string,
): Promise<Page<CampaignDevice>> {
  const page = await get<CampaignDevices>(`/campaigns/${id}/devices${query({ limit, cursor })}`);
  return { items: page.devices, next: page.next };
}
