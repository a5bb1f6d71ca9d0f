import { Button } from "@mantine/core";
import { IconMapPinOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { EmptyState } from "@/components/ui/empty-state";

/** An address that leads nowhere. */
export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <EmptyState
      alone
      icon={<IconMapPinOff size={40} stroke={1.4} />}
      title={t(($) => $.problem.notFoundTitle)}
      hint={t(($) => $.problem.notFoundHint)}
    >
      <Button component={Link} to="/" mt="sm">
        {t(($) => $.problem.toStart)}
      </Button>
    </EmptyState>
  );
}
