import { NativeSelect, Stack } from "@mantine/core";
import { useState } from "react";
import { useModels } from "../api/use-models";
import { useSubmissions } from "../hooks/use-submissions";
import { reference } from "../lib/models";
import { DropArea } from "./drop-area";
import { JsonForm } from "./json-form";
import { SubmissionStrip } from "./submission-strip";
import { SubmissionView } from "./submission-view";

/** Takes inputs for a model and shows the newest, or the one that was picked from the strip. */
export function PredictPanel() {
  const { submissions, add } = useSubmissions();
  const { models, fallback } = useModels();
  const [wanted, setWanted] = useState<string | null>(null);
  const card = models.find((each) => reference(each) === wanted) ?? fallback;
  const [picked, setPicked] = useState<number | null>(null);
  const addAndShow = (files: File[]) => {
    setPicked(null);
    add(files, card);
  };
  const shown = submissions.find(({ id }) => id === picked) ?? submissions[0];
  return (
    <Stack gap="lg">
      {models.length > 1 && (
        <NativeSelect
          label="Model"
          value={card && reference(card)}
          data={models.map(reference)}
          onChange={(event) => setWanted(event.currentTarget.value)}
          maw={420}
        />
      )}
      {card?.input_kind === "json" ? (
        <JsonForm key={reference(card)} card={card} onFiles={addAndShow} />
      ) : (
        <DropArea card={card} onFiles={addAndShow} compact={shown !== undefined} />
      )}
      {shown && <SubmissionView key={shown.id} submission={shown} />}
      {shown && submissions.length > 1 && (
        <SubmissionStrip submissions={submissions} selected={shown.id} onSelect={setPicked} />
      )}
    </Stack>
  );
}
