/** Whether somebody has to sign in (again); requests that were refused for that wait here until it is done. */

let count = 0;
let needed: { promise: Promise<void>; done: () => void } | null = null;
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
    let done = () => {};
    const promise = new Promise<void>((resolve) => {
      done = resolve;
    });
    needed = { promise, done };
    tell();
  }
  return needed.promise;
}

/** Says that somebody has signed in: what waits is tried again. */
export function announceSignIn() {
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
