import { Button, Code } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "@/components/ui/empty-state";

/** Stands where a page would be that could not be shown. */
export function PageFailed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <EmptyState
      alone
      icon={<IconPlugConnectedX size={40} stroke={1.4} />}
      title={t(($) => $.problem.pageTitle)}
      hint={t(($) => $.problem.pageHint)}
    >
      <Button mt="sm" onClick={() => window.location.reload()}>
        {t(($) => $.problem.reload)}
      </Button>
      <details>
        <summary>{t(($) => $.problem.details)}</summary>
        <Code block>{String(error)}</Code>
      </details>
    </EmptyState>
  );
}
