import { type ComponentType, createElement, type FunctionComponent, lazy, useState } from "react";

const DELAYS_MS = [300, 1_000, 2_000, 4_000, 8_000];

/** A component whose code is loaded when it is first shown, or before, by `preload`. */
export type Lazily<P> = FunctionComponent<P> & { preload: () => void };

/** Makes a component of code that is loaded later; a server that is away for a moment is asked again. */
export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): Lazily<P> {
  let loading: Promise<{ default: ComponentType<P> }> | undefined;
  let loaded: ComponentType<P> | undefined;
  const loadOnce = () => {
    loading ??= patiently(load).then((component) => {
      loaded = component;
      return { default: component };
    });
    return loading;
  };
  const Later: ComponentType<P> = lazy(loadOnce);
  // What is there already is shown at once: React would show the fallback for a third of a second.
  // biome-ignore lint/correctness/noComponentHookFactories: it is made once for each module, as lazy() does
  function Shown(props: P) {
    const [Component] = useState(() => loaded ?? Later);
    return createElement(Component, props);
  }
  return Object.assign(Shown, {
    preload: () => {
      // What fails here is told where it is shown.
      loadOnce().catch(() => {});
    },
  });
}

/** What a loader loads, once the server is there. */
export async function patiently<T>(load: () => Promise<T>): Promise<T> {
  for (const delay of DELAYS_MS) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
  return load();
}
