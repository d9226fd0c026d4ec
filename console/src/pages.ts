// Every page of the console: its address, its name in the navigation, and what draws it. A new page
// is a line here and a file in pages/.
import type { ComponentType } from "preact";
import { CampaignPage, CampaignsPage } from "./pages/campaigns";
import { DevicePage } from "./pages/device";
import { DevicesPage } from "./pages/devices";
import { FlashPage } from "./pages/flash";
import { GroupPage, GroupsPage } from "./pages/groups";
import { HomePage } from "./pages/home";
import { ImagesPage } from "./pages/images";
import { InstallPage } from "./pages/install";
import { MeterPage } from "./pages/meter";
import { MetersPage } from "./pages/meters";
import { ProfilePage, ProfilesPage } from "./pages/profiles";
import { ReviewPage } from "./pages/review";
import { SchedulesPage } from "./pages/schedules";
import type { Right } from "./api/openapi";
import { later } from "./parts/later";
import type { Word } from "./words/words";

const administration = later(() => import("./pages/administration"));
const account = later(() => import("./pages/account"));

export interface PageEntry {
  page: string; // as in the address, #/page
  word: Word;
  view: ComponentType;
  of_one?: ComponentType<{ id: string }>; // #/page/id
  right?: Right; // without it nobody sees the page
  unlisted?: boolean; // something else than the navigation leads there
}

export const pages: PageEntry[] = [
  { page: "", word: "nav_home", view: HomePage },
  { page: "devices", word: "nav_devices", view: DevicesPage, of_one: DevicePage },
  { page: "meters", word: "nav_meters", view: MetersPage, of_one: MeterPage },
  { page: "review", word: "nav_review", view: ReviewPage },
  { page: "groups", word: "nav_groups", view: GroupsPage, of_one: GroupPage },
  { page: "profiles", word: "nav_profiles", view: ProfilesPage, of_one: ProfilePage },
  { page: "campaigns", word: "nav_campaigns", view: CampaignsPage, of_one: CampaignPage },
  { page: "schedules", word: "nav_schedules", view: SchedulesPage },
  { page: "install", word: "nav_install", view: InstallPage },
  { page: "images", word: "nav_images", view: ImagesPage },
  { page: "flash", word: "nav_flash", view: FlashPage },
  {
    page: "administration",
    word: "nav_administration",
    view: administration,
    of_one: administration,
    right: "operate",
  },
  { page: "account", word: "nav_account", view: account, unlisted: true },
];
