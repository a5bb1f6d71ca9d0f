import { Alert, Anchor, Button, Code, Collapse, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertCircle, IconChevronDown } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Problem } from "@/api/generated/types.gen";
import { useProblemText } from "@/lib/i18n/use-problem-text";
import classes from "./problem-alert.module.css";

interface ProblemAlertProps {
  problem: Problem;
  /** What the problem is about, where the place does not say it. */
  about?: string | undefined;
  onRetry?: (() => void) | undefined;
}

/** A problem in the reader's language; what the server said about it is one click away. */
export function ProblemAlert({ problem, about, onRetry }: ProblemAlertProps) {
  const { t } = useTranslation();
  const textOf = useProblemText();
  const [open, { toggle }] = useDisclosure(false);
  return (
    <Alert color="red" variant="light" icon={<IconAlertCircle aria-hidden />} title={about}>
      <Stack gap="xs">
        <Text size="sm">{textOf(problem.code)}</Text>
        <Group gap="xs">
          {onRetry && (
            <Button size="compact-sm" variant="default" onClick={onRetry}>
              {t(($) => $.problem.again)}
            </Button>
          )}
          <Button
            size="compact-sm"
            variant="transparent"
            color="gray"
            className={classes.toggle}
            data-open={open}
            rightSection={<IconChevronDown size={14} aria-hidden />}
            aria-expanded={open}
            onClick={toggle}
          >
            {t(($) => $.problem.details)}
          </Button>
        </Group>
        <Collapse expanded={open}>
          <ProblemDetails problem={problem} />
        </Collapse>
      </Stack>
    </Alert>
  );
}

function ProblemDetails({ problem }: { problem: Problem }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4}>
      <Text size="sm" lang="en">
        {problem.detail}
      </Text>
      <Text size="xs" c="dimmed">
        {t(($) => $.problem.code)}: <Code>{problem.code}</Code>
      </Text>
      {problem.trace_id && (
        <Text size="xs" c="dimmed">
          {t(($) => $.problem.traceId)}: <Code>{problem.trace_id}</Code>
        </Text>
      )}
      {problem.type.startsWith("/") && (
        <Anchor
          size="xs"
          c="var(--mantine-color-text)"
          href={problem.type}
          target="_blank"
          underline="always"
        >
          {t(($) => $.problem.reference)}
        </Anchor>
      )}
    </Stack>
  );
}
