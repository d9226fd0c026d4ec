// Installing on a phone: device, aim, photo, window, wheels, first reading; by touch.
import assert from "node:assert/strict";
import { judge, open, phone } from "../browser.mjs";

// By finger or mouse: the corner goes where it is let go, and the window with it.
async function drag(page, corner) {
  const middle = async () => {
    const { x, y, width, height } = await corner.boundingBox();
    return [x + width / 2, y + height / 2];
  };
  await corner.scrollIntoViewIfNeeded();
  const [x, y] = await middle();
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 9, y + 6, { steps: 3 });
  await page.mouse.up();
  const [to_x, to_y] = await middle();
  assert.ok(Math.abs(to_x - x - 9) < 3 && Math.abs(to_y - y - 6) < 3, `${to_x - x}, ${to_y - y}`);
}

export async function install({ context, url, shot, device }) {
  const { page, faults } = await open(context, url, "install");
  await page.setViewportSize(phone);
  const step = (name) => page.locator(`section[data-step="${name}"]`).waitFor();
  const began = Date.now();
  await page.getByLabel("Name of the device").fill("nobody-here");
  await page.getByText("has not been heard from yet").waitFor();
  await page.getByLabel("Name of the device").fill(device);
  await page.locator("section[data-step] .notice .state.online").waitFor();
  await page.getByText("Next", { exact: true }).click();
  await step("aim");
  await page.getByText("Start live frames").click();
  await page.locator(".aiming .frame").waitFor();
  await page.locator(".hints .hint").first().waitFor();
  await judge(page, "aiming on a phone");
  await shot(page, "install-aim");
  await page.getByText("Next", { exact: true }).click();
  await step("photo");
  await page.locator("button.take").click();
  await step("window");
  const corner = page.getByLabel("Top left corner");
  await corner.waitFor();
  const before = await corner.getAttribute("cx");
  await shot(page, "install-window");
  await corner.focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator(`.corner[aria-label="Top left corner"]:not([cx="${before}"])`).waitFor();
  await drag(page, page.getByLabel("Bottom right corner"));
  // Another window asks for another photo.
  await page.getByText("Keep this window, take a new photo").click();
  await step("photo");
  await page.locator("button.take").click();
  await step("window");
  await page.getByText("The window is right").click();
  await step("layout");
  await shot(page, "install-layout");
  await page.getByText("Next", { exact: true }).click();
  await step("confirm");
  await page.locator("canvas[data-photo]").waitFor();
  await judge(page, "first reading on a phone");
  await shot(page, "install-confirm");
  await page.getByText("It reads so").click();
  await step("finished");
  console.log(`install: ${((Date.now() - began) / 1000).toFixed(0)} s`);
  assert.deepEqual(faults, []);
  await page.close();
}
