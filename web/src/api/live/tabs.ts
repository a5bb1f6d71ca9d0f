import { type Follower, follow, type LiveStatus } from "./follow";
import type { ServerEvent } from "./stream";

const NAME = "inferq-events";
const QUESTION = "what has been heard?";

/** What the leading tab has heard so far: whoever leads after it goes on from there. */
interface Heard {
  status: LiveStatus;
  lastEventId: string | undefined;
}

type Message = { event: ServerEvent } | { heard: Heard } | typeof QUESTION;

/**
 * Follows the server's events in one tab for all: browsers open six connections to a server, and a stream holds one.
 * Where there are no locks (a page without TLS) each tab follows for itself.
 */
export async function followAmongTabs(signal: AbortSignal, follower: Follower): Promise<void> {
  if (!("locks" in navigator)) {
    await follow(signal, follower);
    return;
  }
  const channel = new BroadcastChannel(NAME);
  const tell = (message: Message) => channel.postMessage(message);
  const heard: Heard = { status: "connecting", lastEventId: undefined };
  const hear = (event: ServerEvent) => {
    heard.lastEventId = event.id ?? heard.lastEventId;
    follower.onEvent(event);
  };
  const ask = asker(signal, follower);
  let leading = false;
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data === QUESTION) {
      if (leading) {
        tell({ heard });
      }
    } else if ("event" in data) {
      hear(data.event);
    } else {
      Object.assign(heard, data.heard);
      follower.onStatus(heard.status);
      ask(heard.status === "polling");
    }
  };
  tell(QUESTION);
  await navigator.locks
    .request(NAME, { signal }, () => {
      leading = true;
      ask(false);
      return follow(
        signal,
        {
          poll: follower.poll,
          onEvent: (event) => {
            tell({ event });
            hear(event);
          },
          onStatus: (status) => {
            if (status !== heard.status) {
              heard.status = status;
              tell({ heard });
              follower.onStatus(status);
            }
          },
        },
        heard.lastEventId,
      );
    })
    .catch((error: Error) => {
      if (error.name !== "AbortError") {
        throw error;
      }
    })
    .finally(() => channel.close());
}

/** Begins and ends asking for changes: where no events come through, the leading tab cannot know what others show. */
function asker(signal: AbortSignal, { poll }: Follower): (wanted: boolean) => void {
  let asking: AbortController | undefined;
  return (wanted) => {
    if (wanted && !asking) {
      asking = new AbortController();
      void poll(AbortSignal.any([signal, asking.signal]));
    } else if (!wanted) {
      asking?.abort();
      asking = undefined;
    }
  };
}
