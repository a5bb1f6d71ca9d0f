import { afterEach, expect, test, vi } from "vitest";
import {
  announceSignIn,
  isSignInNeeded,
  joinTabs,
  signedIn,
  signInCount,
  takeOver,
} from "./sign-in";
import { signedInFetch } from "./signed-in-fetch";

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
  const both = ["one", "two"].map((name) => signedInFetch(`http://host/api/v1/${name}`));
  await vi.waitFor(() => expect(isSignInNeeded()).toBe(true));
  announceSignIn();
  expect(await (await both[0])?.text()).toBe("one");
  late(refusal()); // sent before the sign-in, refused after it: no reason to ask for another
  expect(await (await both[1])?.text()).toBe("two");
  expect(isSignInNeeded()).toBe(false);
});

test("tabs tell each other once where a session ends and begins, and do not echo what they are told", async () => {
  const told: unknown[] = [];
  const channel = new BroadcastChannel("inferq-session");
  channel.onmessage = ({ data }) => told.push(data);
  const leave = joinTabs(() => {});
  const waiting = [signedIn(signInCount()), signedIn(signInCount())];
  takeOver(false);
  takeOver(true);
  await Promise.all(waiting);
  expect(isSignInNeeded()).toBe(false);
  takeOver(false);
  expect(isSignInNeeded()).toBe(true);
  announceSignIn();
  await vi.waitFor(() => expect(told).toEqual(["ended", "signed in"]));
  leave();
  channel.close();
});
