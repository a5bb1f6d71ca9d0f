import { queryOptions } from "@tanstack/react-query";
import { queueGet } from "@/api/generated/sdk.gen";
import { answer } from "@/api/http";

/** What every model has to do, whoever gave it to them; events write it into the query cache. */
export const queueOptions = queryOptions({
  queryKey: ["queue"],
  queryFn: ({ signal }) => answer(queueGet({ signal })),
});
