import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { limitsOptions } from "@/api/limits";
import { cardOf, modelsOptions } from "@/api/models";
import type { ParameterValues } from "@/components/model/schema";
import { checkFile } from "../lib/checks";
import { batchLabel, newKey } from "../lib/keys";
import { useUploads } from "./uploads-provider";
import { formFields } from "./use-settings";

/** Sends files as one batch, with the settings as they are now; returns the id of the first. */
export function useDrop(
  show: (batch: string) => void,
  reference: string | null,
  values: ParameterValues,
) {
  const { queue } = useUploads();
  const client = useQueryClient();
  return useCallback(
    async (files: File[]): Promise<string | undefined> => {
      const [limits, models] = await Promise.all([
        client.ensureQueryData(limitsOptions).catch(() => undefined),
        client.ensureQueryData(modelsOptions).catch(() => undefined),
      ]);
      const card = cardOf(models?.items, reference) ?? cardOf(models?.items, models?.default);
      const fields = formFields(card, values);
      const batch = batchLabel(new Date());
      const uploads = files.map((file) => ({
        key: newKey(),
        file,
        batch,
        fields,
        problem: checkFile(file, limits, card?.input_kind),
      }));
      show(batch);
      queue.add(uploads);
      return uploads[0]?.key;
    },
    [client, queue, reference, show, values],
  );
}
