import { Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconEye, IconEyeOff, IconRefreshDot } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { SigningSecret } from "@/api/generated/types.gen";
import { problemOf } from "@/api/http";
import { CopyButton } from "@/components/ui/copy-button";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useFormat } from "@/lib/format/use-format";
import { secretOptions } from "../api/webhooks";
import { RotateDialog } from "./rotate-dialog";
import { SecretText } from "./secret-text";
import { Section } from "./section";
import { SectionLoading } from "./section-loading";

/** What the reader's deliveries are signed with, and how to replace it. */
export function SecretSection() {
  const { t } = useTranslation("account");
  const { data, error, isPending, refetch } = useQuery(secretOptions);
  const [announcement, setAnnouncement] = useState("");
  return (
    <Section
      title={t(($) => $.secret.title)}
      hint={t(($) => $.secret.hint)}
      announcement={announcement}
    >
      {isPending && !error && <SectionLoading />}
      {error && <ProblemAlert problem={problemOf(error)} onRetry={() => void refetch()} />}
      {data && (
        <Secret secret={data} onRotated={() => setAnnouncement(t(($) => $.secret.rotated))} />
      )}
    </Section>
  );
}

interface SecretProps {
  secret: SigningSecret;
  onRotated: () => void;
}

function Secret({ secret, onRotated }: SecretProps) {
  const { t } = useTranslation("account");
  const [shown, { toggle }] = useDisclosure(false);
  const [rotating, { open, close }] = useDisclosure(false);
  const Icon = shown ? IconEyeOff : IconEye;
  return (
    <>
      <SecretText label={t(($) => $.secret.title)} text={secret.secret} hidden={!shown} />
      <Former secret={secret} shown={shown} />
      <Group gap="xs">
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Icon size={14} aria-hidden />}
          onClick={toggle}
        >
          {shown ? t(($) => $.secret.hide) : t(($) => $.secret.show)}
        </Button>
        <CopyButton text={secret.secret} label={t(($) => $.secret.copy)} />
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconRefreshDot size={14} aria-hidden />}
          aria-haspopup="dialog"
          onClick={open}
        >
          {t(($) => $.secret.rotate)}
        </Button>
      </Group>
      <RotateDialog secret={secret} opened={rotating} onClose={close} onRotated={onRotated} />
    </>
  );
}

/** The secret before, as long as deliveries are signed with it, too. */
function Former({ secret, shown }: { secret: SigningSecret; shown: boolean }) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const { previous, previous_valid_until } = secret;
  if (previous === null || previous_valid_until === null) {
    return null;
  }
  return (
    <>
      <Text size="sm">
        {t(($) => $.secret.former, { moment: format.moment(previous_valid_until) })}
      </Text>
      {shown && <SecretText label={t(($) => $.secret.formerLabel)} text={previous} />}
    </>
  );
}
