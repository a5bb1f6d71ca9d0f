import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { DEMO, photos } from "./support";

test("one signs in, is told what is wrong, signs out, and finds the page again where a session ended", async ({
  page,
}) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "inferq" })).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations).toEqual([]);

  // Who is not signed in may choose, too, how the page speaks and looks.
  await page.getByRole("button", { name: "Language: English" }).click();
  await page.getByRole("menuitem", { name: "Tiếng Việt" }).click();
  await expect(page.getByRole("button", { name: "Đăng nhập" })).toBeVisible();
  await page.getByRole("button", { name: /^Giao diện/ }).click();
  await page.getByRole("menuitem", { name: "Tối" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await page.getByRole("button", { name: "Ngôn ngữ: Tiếng Việt" }).click();
  await page.getByRole("menuitem", { name: "English" }).click();

  await page.getByLabel("User name").fill(DEMO.username);
  await page.getByRole("textbox", { name: "Password" }).fill("nonsense");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("The user name or the password is wrong.");
  await page.getByRole("textbox", { name: "Password" }).fill(DEMO.password);
  await page.keyboard.press("Enter");
  await expect(page.getByText("ml_user", { exact: true })).toBeVisible();

  await page.getByLabel("Photographs", { exact: true }).setInputFiles(photos.chelsea ?? "");
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
  // The session ends elsewhere; the next picture waits until one has signed in again.
  await page.request.delete("/api/v1/auth/session?everywhere=true");
  await page.getByLabel("Photographs", { exact: true }).setInputFiles(photos.coffee ?? "");
  await expect(page.getByText("Your session has ended.")).toBeVisible();
  await page.getByRole("button", { name: "Try as ml_user" }).click();
  await expect(page.getByRole("cell", { name: "cup" })).toBeVisible();
  const strip = page.getByRole("navigation", { name: "Inputs" });
  await expect(strip.getByRole("button")).toHaveCount(2);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  expect((await page.request.get("/api/v1/predictions")).status()).toBe(401);
  expect(await page.context().cookies()).toEqual([]);
});

test("Authorize on the documentation page signs in", async ({ page }) => {
  await page.goto("/api/docs");
  await page.getByRole("button", { name: "Authorize" }).first().click();
  await page.getByLabel("username:").fill(DEMO.username);
  await page.getByLabel("password:").fill(DEMO.password);
  const asked = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/auth/token"));
  await page.getByRole("button", { name: "Apply given OAuth2 credentials" }).click();
  expect((await asked).status()).toBe(200);
  await expect(page.getByText("Authorized").first()).toBeVisible();
});
