/** Whether somebody has to sign in (again); requests that were refused for that wait here until it is done. */

const NAME = "inferq-session";

let count = 0;
let needed: { promise: Promise<void>; done: () => void } | null = null;
let otherTabs: BroadcastChannel | undefined;
const listeners = new Set<() => void>();

function tell() {
  for (const listener of listeners) {
    listener();
  }
}

/** How many have signed in so far. */
export function signInCount(): number {
  return count;
}

/** Says that a request was refused, which was sent after so many sign-ins; waits until there is one more. */
export function signedIn(after: number): Promise<void> {
  if (count > after) {
    return Promise.resolve();
  }
  if (!needed) {
    otherTabs?.postMessage("ended");
  }
  return need();
}

/** Says that somebody has signed in: what waits is tried again. */
export function announceSignIn() {
  otherTabs?.postMessage("signed in");
  resume();
}

/** Says what became of the session in another tab. */
export function takeOver(isSignedIn: boolean) {
  if (!isSignedIn) {
    void need();
  } else if (needed) {
    resume();
  }
}

/** Tells other tabs where a session ends or begins, and hears of it from them, until what is returned is called. */
export function joinTabs(onChange: () => void): () => void {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = onChange;
  otherTabs = channel;
  return () => {
    channel.close();
    otherTabs = undefined;
  };
}

function need(): Promise<void> {
  if (!needed) {
    let done = () => {};
    const promise = new Promise<void>((resolve) => {
      done = resolve;
    });
    needed = { promise, done };
    tell();
  }
  return needed.promise;
}

function resume() {
  count++;
  needed?.done();
  needed = null;
  tell();
}

/** Whether something waits for a sign-in. */
export function isSignInNeeded(): boolean {
  return needed !== null;
}

/** Calls `listener` at each change, until the function that is returned is called. */
export function onSignInChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
