import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { NewApiKey } from "@/api/generated/types.gen";
import { CopyButton } from "@/components/ui/copy-button";
import { SecretText } from "./secret-text";

/** A new key, the only time that it can be seen. */
export function ShownKey({ made, onDone }: { made: NewApiKey; onDone: () => void }) {
  const { t } = useTranslation("account");
  const warning = useRef<HTMLDivElement>(null);
  useEffect(() => warning.current?.focus(), []);
  return (
    <Stack gap="md">
      <Alert
        ref={warning}
        tabIndex={-1}
        color="yellow"
        variant="light"
        icon={<IconAlertTriangle aria-hidden />}
        style={{ outline: "none" }}
      >
        {t(($) => $.made.warning)}
      </Alert>
      <SecretText label={t(($) => $.made.label)} text={made.key} />
      <Text size="sm" c="dimmed">
        {t(($) => $.made.hint)}
      </Text>
      <Group justify="space-between">
        <CopyButton text={made.key} label={t(($) => $.made.copy)} />
        <Button onClick={onDone}>{t(($) => $.made.done)}</Button>
      </Group>
    </Stack>
  );
}
