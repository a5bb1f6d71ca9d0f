import { follow, type LiveStatus } from "./follow";
import type { ServerEvent } from "./stream";

const NAME = "inferq-events";

type Message = { event: ServerEvent } | { status: LiveStatus } | "what is the status?";

export interface Listener {
  onEvent: (event: ServerEvent) => void;
  onStatus: (status: LiveStatus) => void;
  poll: (signal: AbortSignal) => Promise<void>;
}

/**
 * Follows the server's events in one tab for all: browsers open six connections to a server, and a stream holds one.
 * Where there are no locks (a page without TLS) each tab follows for itself.
 */
export async function followAmongTabs(signal: AbortSignal, listener: Listener): Promise<void> {
  if (!("locks" in navigator)) {
    await follow(signal, listener);
    return;
  }
  const channel = new BroadcastChannel(NAME);
  let leading = false;
  let status: LiveStatus = "connecting";
  const tellAll = (message: Message) => channel.postMessage(message);
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data === "what is the status?") {
      if (leading) {
        tellAll({ status });
      }
    } else if ("event" in data) {
      listener.onEvent(data.event);
    } else {
      listener.onStatus(data.status);
    }
  };
  tellAll("what is the status?");
  await navigator.locks
    .request(NAME, { signal }, () => {
      leading = true;
      return follow(signal, {
        poll: listener.poll,
        onEvent: (event) => {
          tellAll({ event });
          listener.onEvent(event);
        },
        onStatus: (now) => {
          if (now !== status) {
            status = now;
            tellAll({ status });
            listener.onStatus(status);
          }
        },
      });
    })
    .catch((error: Error) => {
      if (error.name !== "AbortError") {
        throw error;
      }
    })
    .finally(() => channel.close());
}
