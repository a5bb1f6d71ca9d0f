import { queryOptions } from "@tanstack/react-query";
import { authListKeys } from "@/api/generated/sdk.gen";
import { answer } from "@/api/http";

/** The reader's API keys, oldest first. */
export const keysOptions = queryOptions({
  queryKey: ["account", "keys"],
  queryFn: ({ signal }) => answer(authListKeys({ signal })),
  refetchOnWindowFocus: true,
});
