import { afterEach, expect, test, vi } from "vitest";
import { ask } from "./http";
import { announceSignIn, isSignInNeeded } from "./sign-in";

afterEach(() => vi.unstubAllGlobals());

test("requests that are refused for want of a session wait for the sign-in and are sent again", async () => {
  let late: (answer: Response) => void = () => {};
  const refusal = () => new Response("{}", { status: 401 });
  const answers = [
    refusal(),
    new Promise<Response>((resolve) => {
      late = resolve;
    }),
    new Response("one"),
    new Response("two"),
  ];
  vi.stubGlobal("fetch", async () => answers.shift());
  const both = [ask("/api/v1/one"), ask("/api/v1/two")];
  await vi.waitFor(() => expect(isSignInNeeded()).toBe(true));
  announceSignIn();
  expect(await (await both[0])?.text()).toBe("one");
  late(refusal()); // sent before the sign-in, refused after it: no reason to ask for another
  expect(await (await both[1])?.text()).toBe("two");
  expect(isSignInNeeded()).toBe(false);
});
