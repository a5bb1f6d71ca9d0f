import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy between the page and the server, as companies and telephone networks have them. */
export interface ReverseProxy {
  url: string;
  /** How many event streams go through it now. */
  readonly streams: number;
  /** Whether it keeps the body of an event stream until its end, which never comes. */
  holdsEvents: boolean;
  /** Ends all event streams, and takes no new one until `mend`. */
  cut: () => void;
  mend: () => void;
  close: () => Promise<void>;
}

/** Starts a proxy in front of a server; the page's host and origin are passed on as they come. */
export async function startProxy(target: string): Promise<ReverseProxy> {
  const streams = new Set<ServerResponse>();
  let down = false;
  const proxy = createServer((asked: IncomingMessage, answer: ServerResponse) => {
    const isStream = asked.url?.startsWith("/api/v1/events") ?? false;
    if (isStream && down) {
      answer.destroy();
      return;
    }
    const forwarded = request(
      target + asked.url,
      { method: asked.method ?? "GET", headers: asked.headers },
      (found) => {
        answer.writeHead(found.statusCode ?? 502, found.headers);
        answer.flushHeaders();
        if (isStream) {
          streams.add(answer);
        }
        if (!(isStream && outside.holdsEvents)) {
          found.pipe(answer);
        }
      },
    );
    forwarded.on("error", () => answer.destroy());
    answer.on("close", () => {
      streams.delete(answer);
      forwarded.destroy();
    });
    asked.pipe(forwarded);
  });
  await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
  const outside: ReverseProxy = {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    holdsEvents: false,
    get streams() {
      return streams.size;
    },
    cut: () => {
      down = true;
      for (const stream of streams) {
        stream.destroy();
      }
    },
    mend: () => {
      down = false;
    },
    close: async () => {
      proxy.closeAllConnections();
      await new Promise((closed) => proxy.close(closed));
    },
  };
  return outside;
}
