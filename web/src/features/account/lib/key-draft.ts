import type { KeyWish, Scope } from "@/api/generated/types.gen";

/** How long a new key may be valid, in days; null for ever. */
export const LIFETIMES = [7, 30, 90, 365, null] as const;

/** Who is told of the ends of a key's predictions: what the deployment says, nobody, or an address. */
export const RECEIVERS = ["deployment", "nobody", "address"] as const;

export type Lifetime = (typeof LIFETIMES)[number];
export type Receiver = (typeof RECEIVERS)[number];

/** A key that is being asked for. */
export interface KeyDraft {
  label: string;
  scopes: Scope[];
  lifetime: Lifetime;
  receiver: Receiver;
  address: string;
}

export const EMPTY_DRAFT: KeyDraft = {
  label: "",
  scopes: ["predict", "read"],
  lifetime: 90,
  receiver: "deployment",
  address: "",
};

/** What is asked of the server for it. */
export function wishOf({ label, scopes, lifetime, receiver, address }: KeyDraft): KeyWish {
  return {
    label: label.trim(),
    scopes,
    expires_in_days: lifetime,
    callback_url: { deployment: null, nobody: "", address: address.trim() }[receiver],
  };
}
