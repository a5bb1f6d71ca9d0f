import { queryOptions } from "@tanstack/react-query";
import { limitsGet } from "@/api/generated/sdk.gen";
import { answer } from "@/api/http";

/** What the server takes; it does not change while it runs. */
export const limitsOptions = queryOptions({
  queryKey: ["limits"],
  queryFn: ({ signal }) => answer(limitsGet({ signal })),
  staleTime: Number.POSITIVE_INFINITY,
});
