import { Group, Text } from "@mantine/core";
import { IconLogout } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Me } from "@/api/generated/types.gen";
import { problemOf } from "@/api/http";
import { ConfirmButton } from "@/components/ui/confirm-button";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useFormat } from "@/lib/format/use-format";
import { Section } from "./section";

interface SessionSectionProps {
  user: Me;
  /** Ends all sessions of the reader's. */
  onLeave: () => Promise<void>;
}

/** Who is signed in, until when, and the way out on every device. */
export function SessionSection({ user, onLeave }: SessionSectionProps) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const leave = useMutation({ mutationFn: onLeave });
  return (
    <Section title={t(($) => $.session.title)}>
      <div>
        <Text fw={600}>{user.name}</Text>
        <Text size="sm" c="dimmed">
          {t(($) => $.session.role[user.role])}
        </Text>
        {user.expires_at && (
          <Text size="sm" c="dimmed">
            {t(($) => $.session.until, { moment: format.moment(user.expires_at) })}
          </Text>
        )}
      </div>
      <Text size="sm" c="dimmed">
        {t(($) => $.session.password)}
      </Text>
      {leave.error && <ProblemAlert problem={problemOf(leave.error)} />}
      <Group>
        <ConfirmButton
          icon={<IconLogout size={14} aria-hidden />}
          label={t(($) => $.session.everywhere)}
          question={t(($) => $.session.question)}
          dismiss={t(($) => $.session.stay)}
          busy={leave.isPending}
          onConfirm={() => leave.mutate()}
        />
      </Group>
    </Section>
  );
}
