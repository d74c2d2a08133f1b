import type { Page } from 'playwright-core';

/** Answers the question who is there, on whatever page it stands. */
export async function logIn(page: Page, userName: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(userName);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}
