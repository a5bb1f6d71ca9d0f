import { Button, Group, JsonInput, Stack } from "@mantine/core";
import { useState } from "react";
import type { ModelCard } from "@/api/generated/types.gen";
import { startingText } from "../lib/models";

const FILENAME = "input.json";

interface JsonFormProps {
  card: ModelCard;
  onFiles: (files: File[]) => void;
}

/** Takes JSON that is written here, for a model that takes JSON. */
export function JsonForm({ card, onFiles }: JsonFormProps) {
  const [text, setText] = useState(() => startingText(card.input_schema));
  const submit = () => onFiles([new File([text], FILENAME, { type: "application/json" })]);
  return (
    <Stack gap="sm">
      <JsonInput
        label="Input"
        description={card.description}
        value={text}
        onChange={setText}
        validationError="This is no JSON yet."
        formatOnBlur
        autosize
        minRows={4}
        maxRows={20}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      />
      <Group>
        <Button onClick={submit}>Predict</Button>
      </Group>
    </Stack>
  );
}
