import { drop, dropMany, expect, expectAccessible, test } from "./support";

test("what was found is found again, by filters that the address keeps", async ({ page }) => {
  await page.goto("/");
  await drop(page, "chelsea", "coffee");
  await expect(page.getByText("2 of 2 done")).toBeVisible();
  const batch = new URL(page.url()).searchParams.get("batch") ?? "";
  await page.goto(`/history?${new URLSearchParams({ batch })}`);
  const cards = page.getByRole("main").getByRole("listitem");
  await expect(cards).toHaveCount(2);
  await page.getByLabel("Label", { exact: true }).first().fill("CÁT");
  await page.getByRole("option", { name: "cat", exact: true }).click();
  await expect(cards).toHaveCount(1);
  await expect(page).toHaveURL(/label=cat/);
  await page.reload();
  await expect(cards).toHaveCount(1);
  await expect(cards.first()).toContainText("chelsea.jpg");
  await page.getByText("Table", { exact: true }).click();
  await expect(page.getByRole("row")).toHaveCount(2);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page).toHaveURL(/\/history\?layout=table$/);
});

test("a filter that nothing matches says what to do", async ({ page }) => {
  await page.goto("/history?batch=nonesuch");
  await expect(page.getByRole("heading", { name: "Nothing matches these filters" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("main").getByRole("button", { name: "Clear filters" }).last().click();
  await expect(page).toHaveURL(/\/history$/);
});

test("pictures are walked through, run again with other settings and compared", async ({
  page,
}) => {
  await page.goto("/");
  await drop(page, "coffee", "chelsea");
  await expect(page.getByText("2 of 2 done")).toBeVisible();
  const batch = new URL(page.url()).searchParams.get("batch") ?? "";
  await page.goto(`/history?${new URLSearchParams({ batch })}`);
  await page.getByRole("link", { name: "coffee.jpg" }).click();
  await expect(page.getByText(/of 2$/)).toBeVisible();
  await page.getByRole("button", { name: /(Next|Previous) picture/, disabled: false }).click();
  await expect(page.getByRole("heading", { name: "chelsea.jpg" })).toBeAttached();
  await page.getByRole("button", { name: "Run again" }).click();
  await page.getByRole("textbox", { name: "Least score" }).fill("0.9");
  await page.getByRole("dialog").getByRole("button", { name: "Run", exact: true }).click();
  await expect(page).toHaveURL(/\/compare\//);
  const right = page.getByRole("region", { name: "Right" });
  await expect(right.getByRole("cell", { name: "cat" })).toBeVisible();
  await page
    .getByRole("group", { name: /^Picture\./ })
    .first()
    .focus();
  await page.keyboard.press("+");
  const zoom = right.getByRole("button", { name: /pixel by pixel/ });
  const other = page
    .getByRole("region", { name: "Left" })
    .getByRole("button", { name: /pixel by pixel/ });
  await expect(async () =>
    expect(await zoom.textContent()).toBe(await other.textContent()),
  ).toPass();
  await expectAccessible(page);
});

test("many are exported and deleted", async ({ page }) => {
  await page.goto("/");
  await dropMany(page, 3, "bulk");
  await expect(page.getByText("3 of 3 done")).toBeVisible();
  const batch = new URL(page.url()).searchParams.get("batch") ?? "";
  await page.goto(`/history?${new URLSearchParams({ batch, layout: "table" })}`);
  await page.getByRole("checkbox", { name: "Choose bulk-0.jpg" }).check();
  await page.getByRole("checkbox", { name: "Choose bulk-1.jpg" }).check();
  await page.getByRole("button", { name: "Export" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "CSV" }).click(),
  ]);
  expect(download.url().match(/task_id=/g)).toHaveLength(2);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(page.getByRole("row").last()).toContainText("bulk-2.jpg");
});
