import { queryOptions } from "@tanstack/react-query";
import { webhooksListDisabled, webhooksShowSecret } from "@/api/generated/sdk.gen";
import { answer } from "@/api/http";

/** What the reader's deliveries are signed with; not kept once the page is left. */
export const secretOptions = queryOptions({
  queryKey: ["account", "secret"],
  queryFn: ({ signal }) => answer(webhooksShowSecret({ signal })),
  gcTime: 0,
});

/** The addresses that are not sent to any more. */
export const disabledOptions = queryOptions({
  queryKey: ["account", "disabled"],
  queryFn: ({ signal }) => answer(webhooksListDisabled({ signal })),
  refetchOnWindowFocus: true,
});
