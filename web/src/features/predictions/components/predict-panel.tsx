import { Stack } from "@mantine/core";
import { useState } from "react";
import { useSubmissions } from "../hooks/use-submissions";
import { DropArea } from "./drop-area";
import { SubmissionStrip } from "./submission-strip";
import { SubmissionView } from "./submission-view";

/** Takes pictures and shows the newest, or the one that was picked from the strip. */
export function PredictPanel() {
  const { submissions, add } = useSubmissions();
  const [picked, setPicked] = useState<number | null>(null);
  const addAndShow = (files: File[]) => {
    setPicked(null);
    add(files);
  };
  const shown = submissions.find(({ id }) => id === picked) ?? submissions[0];
  return (
    <Stack gap="lg">
      <DropArea onFiles={addAndShow} compact={shown !== undefined} />
      {shown && <SubmissionView key={shown.id} submission={shown} />}
      {shown && submissions.length > 1 && (
        <SubmissionStrip submissions={submissions} selected={shown.id} onSelect={setPicked} />
      )}
    </Stack>
  );
}
