import { Button, Group, JsonInput, Stack } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ModelCard } from "@/api/generated/types.gen";
import { startingText } from "../lib/starting-text";

const FILENAME = "input.json";

interface JsonFormProps {
  card: ModelCard;
  onFiles: (files: File[]) => void;
}

/** Takes JSON that is written here, for a model that takes JSON. */
export function JsonForm({ card, onFiles }: JsonFormProps) {
  const { t } = useTranslation("predict");
  const [text, setText] = useState(() => startingText(card.input_schema));
  const submit = () => onFiles([new File([text], FILENAME, { type: "application/json" })]);
  return (
    <Stack gap="sm">
      <JsonInput
        label={t(($) => $.json.label)}
        description={card.description}
        descriptionProps={{ lang: "en" }}
        value={text}
        onChange={setText}
        validationError={t(($) => $.json.invalid)}
        formatOnBlur
        autosize
        minRows={4}
        maxRows={16}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      />
      <Group>
        <Button onClick={submit}>{t(($) => $.json.send)}</Button>
      </Group>
    </Stack>
  );
}
