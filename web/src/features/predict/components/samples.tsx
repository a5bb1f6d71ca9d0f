import { Group, Stack, Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./samples.module.css";

const SAMPLES = ["cat", "coffee", "astronaut"] as const;

/** Photographs of free licence to try the model with, one click each. */
export function Samples({ onFiles }: { onFiles: (files: File[]) => void }) {
  const { t } = useTranslation("predict");
  const send = async (name: string) => {
    const picture = await (await fetch(`/samples/${name}.jpg`)).blob();
    onFiles([new File([picture], `${name}.jpg`, { type: "image/jpeg" })]);
  };
  return (
    <Stack gap="xs" align="center">
      <Text size="sm" c="dimmed">
        {t(($) => $.samples.title)}
      </Text>
      <Group gap="sm" justify="center">
        {SAMPLES.map((name) => (
          <UnstyledButton
            key={name}
            className={classes.sample}
            aria-label={t(($) => $.samples[name])}
            onClick={() => void send(name)}
          >
            <img src={`/samples/${name}.jpg`} alt="" loading="lazy" />
          </UnstyledButton>
        ))}
      </Group>
    </Stack>
  );
}
